"""Our solvers through the public API: a split and settings in, predictions of the test rows out.

`factors` is the width of the network, `solver` a class of solvers by name; all other settings are
the solver's own. The clock covers all of `fit`, from the table of ratings on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import penchant as pc

Split = dict[str, Any]


def penchant(
    split: Split, clock: Any, threads: int, *, solver: str, factors: int = 200, seed: int = 0,
    **settings: Any,
) -> Any:  # fmt: skip
    """Fit one of our solvers."""
    ratings = pc.load("ml-100k", quiet=True)
    train, test = ratings.take(split["train_rows"]), ratings.take(split["test_rows"])
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    model = pc.MatrixFactorization(factors, getattr(pc, solver)(**settings), seed)
    with clock():
        model.fit(train, progress=False, threads=threads, callbacks=[clock.mark])
    times = {"timestamps": test.timestamps} if settings.get("contexts") else {}
    return np.asarray(model.predict(test.users, test.items, **times))
