"""Train several recommenders on the same ratings and judge them on the same others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from penchant.comparison.conclusions import conclude
from penchant.comparison.measuring import Measured, measure
from penchant.comparison.result import Comparison
from penchant.comparison.standing import Protocol
from penchant.console import tell
from penchant.errors import DataError, SettingsError
from penchant.ratings import Ratings, Scale
from penchant.recommender.base import Recommender, require_ratings
from penchant.recommender.matrix_factorization import MatrixFactorization
from penchant.recommender.naming import free, kind_of
from penchant.settings import require, require_count, require_number
from penchant.split import Split, split
from penchant.split import folds as make_folds

BAR = "bias"
"""The name of the model that each comparison has in its table."""

_RELEVANT = 0.75  # of the way from the scale's low to its high: 4 of 1 to 5


def compare(
    models: Iterable[Recommender] | Mapping[str, Recommender],
    train: Ratings,
    test: Ratings | None = None,
    *,
    folds: int | None = None,
    n: int = 10,
    relevant: float | None = None,
    validation: float | None = None,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Train models on the same ratings and judge them on the same others.

    The bias model (`penchant.solvers.bias.Bias`) is always among them: what factors add is what
    a model has beyond it. Each model is copied by its settings and trained afresh; yours stay as
    they are. Predictions are clipped to the scale and no rating is left out.

    **Errors.** RMSE and MAE over all test rows; apart over the warm rows and over the unseen
    ones, whose user or item has no training ratings. Two more columns tell what the RMSE would
    be by the conventions of other libraries: Surprise answers unseen pairs with the training
    mean, Cornac drops them.

    **Lists.** For each user with test ratings the model's n best of all items that the user has
    not rated in training. An item is relevant if the user's test rating of it is at least
    `relevant`; one without a test rating counts as not relevant, though the user might like it,
    so the figures are low, and comparable only with figures of the same protocol. Users
    without relevant items are left out of NDCG (relevant items gain 1), precision and recall; see
    `penchant.ranking` for each formula. `order` is another NDCG at n: of the user's own test
    items, ordered by their predictions (equal ones by row), an item's gain its rating above the
    scale's low; users who rated their test items all alike are left out.

    **Doubt.** Users are the independent unit: intervals are percentiles of the measure over
    users drawn with replacement, and each pair of models is tested by flipping the sign of whole
    users' differences (9,999 draws), for RMSE (through the sums of squared errors) and for
    NDCG. Holm's correction covers all pairs of a measure, so the best model may be named after
    the fact. The seed fixes all draws.

    **Folds.** With `folds=k` the rows of `train` test once each, by models trained on the rest;
    sums run over all rows, and a user's list measures are averaged over the folds, as are
    coverage, novelty and times. The folds' trainings share rows, which the intervals don't see.

    Args:
        models: recommenders; in a mapping, by the names that the table is to show.
        train: what all are trained on; with `folds`, the whole table.
        test: other ratings; None with `folds`.
        folds: how many random folds.
        n: the length of the lists.
        relevant: the least rating of a relevant item; a quarter below the scale's high if None.
        validation: a share of the training rows to cut off, the same rows for each model, for
            those that choose when to stop.
        level: of the intervals, and 1 - level of the tests.
        resamples: how many draws of users for the intervals.
        seed: of folds, validation rows, and the draws; each model has its own for its training.
        progress: whether to tell of each training on standard error.

    Raises:
        SettingsError: no models, a name that is taken, or a setting that makes no sense.
        DataError: no ratings in a part, or test ratings of a single user.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> train, test = pc.split(ratings, test=0.2, seed=1)
    >>> model = pc.MatrixFactorization(factors=4, solver="sgd")
    >>> result = pc.compare([model], train, test, progress=False)
    >>> [standing.name for standing in result.models], result["sgd"].rmse < result["bias"].rmse
    (['bias', 'sgd'], True)
    """
    require_count("n", n)
    require_count("resamples", resamples, 100)
    require_count("seed", seed, 0)
    require_number("level", level, 0.5, 0.999)
    named = _named(models)
    parts, told = _parts(train, test, folds, seed)
    least = _threshold(train.scale) if relevant is None else relevant
    require_number("relevant", least, -np.inf)
    measured: dict[str, list[Measured]] = {name: [] for name in named}
    for part, (whole, held_out) in enumerate(parts):
        fitting, held = _validation(whole, validation, seed)
        for name, model in named.items():
            if progress:
                tell(f"{name}: training" + (f", fold {part + 1} of {folds}" if folds else ""))
            copy, *seconds = _trained(model, fitting, held)
            measured[name].append(measure(copy, held_out, n, least, *seconds))
    settings = {name: repr(model) for name, model in named.items()}
    protocol = Protocol(told, n, float(least), level, resamples, seed)
    return conclude(settings, measured, protocol)


def _named(models: Iterable[Recommender] | Mapping[str, Recommender]) -> dict[str, Recommender]:
    """Name the models; the bias model comes first."""
    named: dict[str, Recommender] = {}
    listed = not isinstance(models, Mapping)
    for key, model in enumerate(models) if listed else models.items():  # type: ignore[union-attr]
        if not isinstance(model, Recommender):
            raise SettingsError(
                f"compare takes recommenders such as pc.MatrixFactorization(solver='sgd'), not "
                f"{model!r}."
            )
        name = free(kind_of(model), named) if listed else str(key)
        if name == BAR and kind_of(model) != BAR:
            raise SettingsError(f"{BAR!r} is the bias model's name; give {model!r} another one.")
        named[name] = model
    if not named:
        raise SettingsError("compare needs a model to compare with the bias model; received none.")
    bar = named.pop(BAR, None) or MatrixFactorization(factors=1, solver=BAR)
    return {BAR: bar, **named}


def _parts(
    train: Ratings, test: Ratings | None, folds: int | None, seed: int
) -> tuple[Iterable[Split], str]:
    require_ratings("train", train, 2)
    if (test is None) == (folds is None):
        raise SettingsError(
            "compare needs either test ratings or folds=k, which makes them of the first table."
        )
    if test is None:
        return make_folds(train, folds or 0, seed), f"{folds} random folds, seed={seed}"
    require_ratings("test", test)
    if len(np.unique(test.user_rows)) < 2:
        raise DataError(
            "All test ratings are one user's, and users are what intervals and tests are made of. "
            "Bring test ratings of several users."
        )
    return [Split(train, test)], "as given"


def _validation(train: Ratings, share: float | None, seed: int) -> tuple[Ratings, Ratings | None]:
    if share is None:
        return train, None
    told = f"validation must be a share between 0 and 1, not {share!r}."
    require(isinstance(share, float) and 0 < share < 1, told)
    return split(train, test=share, seed=seed)


def _threshold(scale: Scale) -> float:
    return scale.low + _RELEVANT * (scale.high - scale.low)


def _trained(model: Any, train: Ratings, held_out: Ratings | None) -> tuple[Any, float, float]:
    """Return a trained copy of a model, and the wall and CPU seconds that its training took."""
    copy = type(model)(**model.get_params())
    wall, cpu = time.perf_counter(), time.process_time()
    copy.fit(train, validation=held_out, progress=False)
    taken = time.perf_counter() - wall, time.process_time() - cpu
    if copy.history.interrupted:  # half a training compares nothing
        raise KeyboardInterrupt
    return copy, *taken
