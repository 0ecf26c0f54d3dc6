"""What follows from the ratings alone: who rated what, how often, and how reliably.

All of it is a pure function of a row's own training ratings and of numbers fixed in training, so a
row that is new or changed is described as one that was trained.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32

Counts = npt.NDArray[np.integer]

Weighed = tuple[npt.NDArray[np.floating], Counts]

PRIOR_OFFSET = 5.0
"""Ratings of mean deviation 0 to assume for each row's offset."""

PRIOR_NOISE = 60.0
"""Ratings of average noise to assume for each row's weight."""


COUNT_SCALE = 0.25
"""What one standard deviation of the count weighs against a whole bag."""


def bag_weights(counts: Counts) -> F32:
    """Return ``n^(−1/2)`` for each row with n ratings, float32: what each weighs in its bag.

    The bag of who rated what is the implicit part of SVD++ (Koren 2008, equation 15): a mean, up to
    a scale. A newcomer's few ratings are a sample of those to come, and of the powers of n the mean
    alone says of a sample what it says of the whole.

    >>> bag_weights(np.array([0, 1, 16])).tolist()
    [0.0, 1.0, 0.25]
    """
    roots = np.maximum(counts, 1).astype(np.float64) ** -0.5
    return np.where(counts > 0, roots, 0.0).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class CountScale:
    """How a row's number of ratings becomes its count feature: ``¼ (ln(1 + n) − mean) / sd``.

    >>> scale = CountScale.learn(np.array([0, 1, 3]))
    >>> scale.encode(np.array([0, 1, 3])).tolist()
    [0.0, -0.25, 0.25]
    """

    mean: float
    sd: float

    @classmethod
    def learn(cls, counts: Counts) -> CountScale:
        """Take mean and standard deviation over the rows that have ratings."""
        logs = np.log1p(counts[counts > 0].astype(np.float64))
        sd = float(logs.std()) if logs.size else 0.0
        return cls(float(logs.mean()) if logs.size else 0.0, sd if sd > 1e-9 else 1.0)

    def encode(self, counts: Counts) -> F32:
        """Return the feature of each count, float32; 0 where there are no ratings."""
        z = COUNT_SCALE * (np.log1p(counts.astype(np.float64)) - self.mean) / self.sd
        return np.where(counts > 0, z, 0.0).astype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Noise:
    """How noisy each row's ratings are: the weights of the rows' squared errors.

    Some users rate as they feel today and some films divide all viewers; a rating by the one or of
    the other tells less: its noise precision is ``α w_u w_i`` (Lakshminarayanan, Bouchard &
    Archambeau 2011). Training may draw weights; a row by itself is weighed as a pure function of
    its ratings. With the offsets o of items and users (means of deviations, shrunk by
    `PRIOR_OFFSET`), ``e = r − mean − o_u − o_i``, v the mean of e² and c = `PRIOR_NOISE`, a row
    with n ratings has

        w = level (c + n) / (c + Σ e² / v)

    Attributes:
        variance: v; 0 where all ratings are explained, which makes all weights 1.
        user_offsets: (M,) float32, o_u, in rating units.
        item_offsets: (N,) float32, o_i.
        user_weights: (M,) float32, w_u; the level for a row without ratings.
        item_weights: (N,) float32, w_i.
        user_level: what the weights of users are times.
        item_level: what the weights of items are times.
    """

    variance: float
    user_offsets: F32
    item_offsets: F32
    user_weights: F32
    item_weights: F32
    user_level: float = 1.0
    item_level: float = 1.0

    @classmethod
    def learn(cls, users: Any, items: Any, deviations: F32, M: int, N: int) -> Noise:
        """Learn offsets and weights from user rows, item rows and ``r − mean``, (n,) each."""
        pieces = [slice(at, at + _PIECE) for at in range(0, len(deviations), _PIECE)]
        item_offsets, user_offsets, item_sums = np.zeros(N), np.zeros(M), np.zeros(N)
        user_sums = np.zeros(M)
        n_items, n_users = np.zeros(N, np.int64), np.zeros(M, np.int64)
        for at in pieces:  # NumPy counts a copy in int64
            n_items += np.bincount(items[at], minlength=N)
            n_users += np.bincount(users[at], minlength=M)
            item_offsets += np.bincount(items[at], deviations[at], minlength=N)
        item_offsets /= PRIOR_OFFSET + n_items
        for at in pieces:
            r = deviations[at] - item_offsets[items[at]]
            user_offsets += np.bincount(users[at], r, minlength=M)
        user_offsets /= PRIOR_OFFSET + n_users
        for at in pieces:
            squares = (deviations[at] - item_offsets[items[at]] - user_offsets[users[at]]) ** 2
            user_sums += np.bincount(users[at], squares, minlength=M)
            item_sums += np.bincount(items[at], squares, minlength=N)
        variance = float(user_sums.sum()) / max(1, len(deviations))
        return cls(
            variance,
            user_offsets.astype(np.float32),
            item_offsets.astype(np.float32),
            weight(n_users, user_sums, variance).astype(np.float32),
            weight(n_items, item_sums, variance).astype(np.float32),
        )

    def trained(self, users: Weighed, items: Weighed) -> Noise:
        """Return the noise with what training found.

        Items keep the means of their drawn weights. Users, whose rows are solved from their ratings
        alone, keep the formula, at the level of the draws; so do new items.

        Args:
            users: the mean of the drawn weights (M,), and how many ratings each row has (M,).
            items: the same of the items.
        """
        user_level = _level(self.user_weights, *users)
        return dataclasses.replace(
            self,
            user_weights=(self.user_weights * user_level).astype(np.float32),
            item_weights=items[0].astype(np.float32),
            user_level=user_level,
            item_level=_level(self.item_weights, *items),
        )

    def of_user(self, item_rows: Any, deviations: npt.NDArray[np.floating]) -> float:
        """Return the weight of a user with these ratings, given as ``r − mean``."""
        r = (deviations - self.item_offsets[item_rows]).astype(np.float64)
        squares = (r - r.sum() / (PRIOR_OFFSET + len(r))) ** 2
        return self.user_level * float(weight(len(r), squares.sum(), self.variance))

    def of_item(self, user_rows: Any, deviations: npt.NDArray[np.floating]) -> float:
        """Return the weight of an item with these ratings, given as ``r − mean``.

        In training an item's offset is taken before the users'; so it is here.
        """
        offset = deviations.sum(dtype=np.float64) / (PRIOR_OFFSET + len(deviations))
        squares = (deviations - offset - self.user_offsets[user_rows]).astype(np.float64) ** 2
        return self.item_level * float(weight(len(squares), squares.sum(), self.variance))


_PIECE = 1 << 18  # ratings looked at in one go, so that many need little memory


def weight(n: Any, squares: Any, variance: float) -> Any:
    """Return ``(c + n) / (c + squares / variance)``; 1 where the variance is 0.

    >>> weight(60, 240.0, 2.0)
    0.6666666666666666
    """
    if variance <= 0:
        return np.ones_like(squares)
    return (PRIOR_NOISE + n) / (PRIOR_NOISE + squares / variance)


def _level(weights: F32, drawn: npt.NDArray[np.floating], counts: Counts) -> float:
    """Return by how much the drawn weights are larger, over all ratings."""
    expected = float((weights.astype(np.float64) * counts).sum())
    return float((drawn.astype(np.float64) * counts).sum()) / expected if expected > 0 else 1.0
