"""A block: the ratings of some consecutive rows, as compressed sparse rows."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32


class Span(NamedTuple):
    """Which rows a block holds: `start` … `stop` - 1, and how many ratings they have."""

    start: int
    stop: int
    ratings: int


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """The ratings of the rows start … stop - 1 of one side.

    Attributes:
        start: the first row.
        stop: one past the last row.
        indptr: (stop - start + 1,) int64, from 0: where each row's ratings start.
        indices: (n,) int32, the other side's rows, ascending within a row.
        values: (n,) float32.
        timestamps: (n,) int64, seconds since 1970, or None.
    """

    start: int
    stop: int
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: F32
    timestamps: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of ratings."""
        return len(self.values)

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """The row of each rating, (n,) int32."""
        counts = np.diff(self.indptr)
        return np.repeat(np.arange(self.start, self.stop, dtype=np.int32), counts)

    @classmethod
    def of(
        cls,
        start: int,
        stop: int,
        rows: npt.NDArray[np.int32],
        indices: npt.NDArray[np.int32],
        values: F32,
        timestamps: npt.NDArray[np.int64] | None = None,
    ) -> Block:
        """Make a block of ratings that are sorted by row, and by index within a row.

        >>> Block.of(5, 8, np.array([5, 7, 7]), np.array([2, 1, 9]), np.array([4, 3, 5])).indptr
        array([0, 1, 1, 3])
        """
        counts = np.bincount(rows - start, minlength=stop - start)
        indptr = np.zeros(stop - start + 1, dtype=np.int64)
        np.cumsum(counts, out=indptr[1:])
        return cls(start, stop, indptr, indices, values, timestamps)
