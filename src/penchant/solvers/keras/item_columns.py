"""Ratings as columns of a table: sparse as a whole, dense a few batches at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Mask
from penchant.ratings import Ratings

DAMPING = 5.0
"""So many ratings at the mean are added to a user's before its own mean is taken."""

BATCH_CELLS = 2**22
"""Of a dense array of batches: so many numbers at once, but for one batch at the least."""


class Columns(NamedTuple):
    """The ratings by item: what each item's dense row is made of.

    Attributes:
        users: (n,) the user rows, item after item.
        deviations: (n,) what is left of a rating after mean and its user's centre, in spreads.
        starts: (N + 1,) where each item's begin.
        rated: the rows of the items with ratings.
        centre: (M,) each user's damped mean deviation, in spreads.
    """

    users: npt.NDArray[np.int32]
    deviations: F32
    starts: npt.NDArray[np.int64]
    rated: npt.NDArray[np.int64]
    centre: F32

    @classmethod
    def of(cls, ratings: Ratings, spread: float) -> Columns:
        """Sort ratings by item and take their users' centres out."""
        M, N = ratings.user_ids.size, ratings.item_ids.size
        whole = (ratings.values.astype(np.float64) - ratings.mean) / spread
        counts = np.bincount(ratings.user_rows, minlength=M)
        centre = np.bincount(ratings.user_rows, whole, M) / (counts + DAMPING)
        order = np.lexsort((ratings.user_rows, ratings.item_rows))
        users = ratings.user_rows[order]
        of_items = np.bincount(ratings.item_rows, minlength=N)
        return cls(
            users,
            (whole[order] - centre[users]).astype(np.float32),
            np.concatenate([[0], np.cumsum(of_items)]),
            np.flatnonzero(of_items),
            centre.astype(np.float32),
        )

    def entries(self, items: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return the places of these items' ratings, and which of the items each is of."""
        counts = self.starts[items + 1] - self.starts[items]
        of = np.repeat(np.arange(len(items)), counts)
        first = np.cumsum(counts) - counts
        return np.arange(len(of)) - first[of] + self.starts[items][of], of

    def dense(self, items: npt.NDArray[np.int64], shown: Mask | None = None) -> tuple[F32, F32]:
        """Return deviations and mask of these items, (batch, M); of all entries, or those shown."""
        places, of = self.entries(items)
        if shown is not None:
            kept = shown[places]
            places, of = places[kept], of[kept]
        deviations, mask = np.zeros((2, len(items), len(self.centre)), dtype=np.float32)
        deviations[of, self.users[places]] = self.deviations[places]
        mask[of, self.users[places]] = 1
        return deviations, mask

    def targets(self, items: npt.NDArray[np.int64], shown: Mask, rows: int) -> F32:
        """Return the deviations that are not shown, (rows, M); NaN where there is none."""
        places, of = self.entries(items)
        hidden = ~shown[places]
        places, of = places[hidden], of[hidden]
        target = np.full((rows, len(self.centre)), np.nan, dtype=np.float32)
        target[of, self.users[places]] = self.deviations[places]
        return target


def parts(items: npt.NDArray[np.int64], batch: int, users: int) -> Iterator[npt.NDArray[np.int64]]:
    """Cut items into as many whole batches as may be dense at once."""
    size = batch * max(1, BATCH_CELLS // (batch * users))
    return (items[start : start + size] for start in range(0, len(items), size))


def filled_up(rows: F32, n: int) -> F32:
    """Return the rows with empty ones after them, n in all."""
    return np.concatenate([rows, np.zeros((n - len(rows), rows.shape[1]), np.float32)])
