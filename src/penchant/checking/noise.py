"""Floor: the RMSE below which a figure is suspicious."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.checking.findings import Finding, counted
from penchant.checking.row_sums import whole_users
from penchant.ratings import Ratings
from penchant.split import random_rows

ENOUGH = 200  # degrees of freedom: the noise of that many is known to about 5 %
LIMIT = 1_000_000  # ratings of the quick fit
_LEAST = 500  # ratings that a fit says anything of
_FACTORS = 16  # the factors aren't used: what is read is the history


def floor(ratings: Ratings, seed: int) -> Finding:
    """Measure the noise floor: from ratings given anew, else from a quick fit."""
    found = ratings.repeats
    if found is not None and found.noise and found.free >= ENOUGH:
        return _of_repeats(found.noise, found.free)
    if len(ratings) < _LEAST or ratings.values.min() == ratings.values.max():
        text = "Too little here to measure the noise, by repeated ratings or by a fit."
        return Finding("floor", "note", text, {"from": None})
    return _of_fit(ratings, seed)


def _of_repeats(noise: float, free: int) -> Finding:
    text = (
        f"Ratings given anew differ from their pair's mean by {noise:.2f} ({free:,} degrees of "
        f"freedom): no model of who and what alone has an RMSE below it on single ratings. A "
        f"figure below {noise:.2f} on such rows is suspicious."
    )
    numbers = {"from": "repeats", "rmse": noise, "free": free}
    return Finding("floor", "ok", text, numbers, _advice(noise))


def _of_fit(ratings: Ratings, seed: int) -> Finding:
    from penchant.solvers.gibbs.solver import Gibbs

    sample = whole_users(ratings, LIMIT, seed)
    train, held = random_rows(len(sample), 0.1, seed)
    solver = Gibbs.quick()
    fitted = solver.fit(
        sample.take(train), factors=_FACTORS, validation=sample.take(held), seed=seed
    )
    last = fitted.history.records[-1]
    noises = fitted.history.column("noise")[solver.burn_in :]
    noise, reached = float(np.mean(noises)), float(last["validation_rmse"])
    numbers: dict[str, Any] = {
        "from": "fit",
        "rmse": noise,
        "validation_rmse": reached,
        "validation": len(held),
        "ratings": len(sample),
    }
    drawn = (
        f", on {counted(len(sample), 'rating')} of users drawn at random,"
        if (len(sample) < len(ratings))
        else ""
    )
    text = (
        f"A quick fit{drawn} has an RMSE of {reached:.2f} on a held-out tenth, and puts "
        f"the noise, which no endless data would take away, at {noise:.2f}. Good models end a "
        f"little below {reached:.2f}; a figure near {noise:.2f}, or below it, on rows drawn at "
        f"random is suspicious."
    )
    return Finding("floor", "ok", text, numbers, _advice(noise))


def _advice(noise: float) -> str:
    return (
        f"below {noise:.2f}, look for test rows that trained, for a column that holds the answer, "
        f"or for an RMSE that is the mean over batches."
    )
