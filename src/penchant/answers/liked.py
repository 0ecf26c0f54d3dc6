"""The items that many users most probably pick and like, without rating all of them."""

from __future__ import annotations

import numpy as np

from penchant.arrays import F32, Mask, Rows
from penchant.choices.model import FLOOR, Choices
from penchant.factors import Factors
from penchant.predict.predictor import Predictor
from penchant.predict.top_n import Lists, top_n

CANDIDATES = 8
"""As many times n items are rated, those that a user most probably picks."""


def best_liked(
    predictor: Predictor,
    choices: Choices,
    user_rows: Rows,
    n: int,
    choice: Mask,
    liked: float,
    threads: int | None,
) -> tuple[Rows, F32, F32, Mask]:
    """Find the n unrated items with the highest ``P(picked) · P(liked | picked)`` of each user.

    No item is worth more than its chance of being picked. So the likeliest picks are found by the
    kernel, and only these are rated; what the n-th of them is worth then says whether one that was
    not rated could have been among them.

    Returns:
        (m, n) item rows, row 0 where fewer are left; their unclipped ratings; their probabilities;
        and (m,) for whom this is proven to be the list. The others are to be ranked in full.
    """
    known, shares = predictor.known, predictor.known.shares
    no_bias = [np.zeros(len(table), np.float32) for table in (choices.users, choices.items)]
    found = top_n(
        Factors(0.0, no_bias[0], no_bias[1], choices.users, choices.items),
        user_rows,
        max(n * CANDIDATES, 64),
        exclude=Lists(*known.rated_lists),
        among=np.flatnonzero(choice).astype(np.int32),
        threads=threads,
    )
    items, there = found.items, found.items > 0
    picks = choices.probabilities(found.ratings, shares[items])
    pairs = np.repeat(user_rows, items.shape[1]), items.ravel()
    ratings = predictor.predict(*pairs).reshape(items.shape)
    likely = picks * choices.liking.probabilities(ratings, liked)
    likely = np.where(there, likely, np.float32(-1))
    # Of equals the lower row first, as everywhere
    order = np.lexsort((items, -likely), axis=1)[:, :n]
    worth: F32 = np.take_along_axis(likely, order, 1)
    others = np.maximum(picks[:, -1], FLOOR * shares[choice].max(initial=0))
    proven: Mask = (worth[:, -1] > others) | ~there[:, -1]
    proven &= choices.users[user_rows].any(axis=1)
    return np.take_along_axis(items, order, 1), np.take_along_axis(ratings, order, 1), worth, proven
