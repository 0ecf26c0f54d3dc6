"""How much of the ratings' variance is users' severity, items' quality, and the rest."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64
from penchant.checking.row_sums import sums
from penchant.ratings import Ratings

_ROUNDS = 6  # of the alternation; the effects move by less than 0.01 in the last


@dataclasses.dataclass(frozen=True, eq=False)
class Effects:
    """``r = mean + user + item + rest``, user and item effects shrunk towards 0.

    Attributes:
        mean: of the ratings.
        user_variance: of the users' severities.
        item_variance: of the items' qualities.
        rest: the variance of what the two don't explain: taste and noise.
        users: (M,) severity by row.
        items: (N,) quality by row.
    """

    mean: float
    user_variance: float
    item_variance: float
    rest: float
    users: F64
    items: F64

    @property
    def total(self) -> float:
        """The sum of the three variances."""
        return self.user_variance + self.item_variance + self.rest

    def residuals(self, ratings: Ratings, at: slice) -> npt.NDArray[Any]:
        """Return what the effects leave of these ratings, (n,) float64."""
        users, items = ratings.user_rows[at], ratings.item_rows[at]
        return ratings.values[at] - self.mean - self.users[users] - self.items[items]


def effects_of(ratings: Ratings) -> Effects:
    """Measure the variances by `penchant.solvers.bias.variances`, and shrink the means by them.

    A negative variance counts as 0; where the three can't be told apart, all is rest.
    """
    counts = [
        np.bincount(rows, minlength=ids.size).astype(np.float64)
        for rows, ids in (
            (ratings.user_rows, ratings.user_ids),
            (ratings.item_rows, ratings.item_ids),
        )
    ]
    variances = _variances(ratings)
    users, items = np.zeros(len(counts[0])), np.zeros(len(counts[1]))
    made = Effects(ratings.mean, *variances, users, items)
    for _ in range(_ROUNDS):
        items = _shrunk(ratings, made, counts[1], of_users=False)
        made = dataclasses.replace(made, items=items)
        made = dataclasses.replace(made, users=_shrunk(ratings, made, counts[0], of_users=True))
    return made


def _variances(ratings: Ratings) -> tuple[float, float, float]:
    from penchant.solvers.bias import variances

    found = variances(ratings)
    if np.isnan(found.noise):  # one user, one item, or one rating each
        return 0.0, 0.0, float(ratings.values.var(dtype=np.float64))
    return max(found.user, 0.0), max(found.item, 0.0), max(found.noise, 0.0)


def _shrunk(ratings: Ratings, made: Effects, counts: F64, *, of_users: bool) -> F64:
    """Return ``Σ (r − mean − the other effect) / (n + σ² / σ_effect²)`` for each row."""
    variance = made.user_variance if of_users else made.item_variance
    if not variance:
        return np.zeros(len(counts))
    rows = ratings.user_rows if of_users else ratings.item_rows
    others = ratings.item_rows if of_users else ratings.user_rows
    effect = made.items if of_users else made.users

    def left(at: slice) -> npt.NDArray[Any]:
        return ratings.values[at] - made.mean - effect[others[at]]

    return sums(rows, len(counts), left) / np.maximum(counts + made.rest / variance, 1e-12)
