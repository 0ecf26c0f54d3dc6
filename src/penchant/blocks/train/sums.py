"""Sums over segments of users that are exact in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from penchant.arrays import F64
from penchant.kernels.partial import add_rounded, limit_of, rounder_of
from penchant.store import Block


class Sum(NamedTuple):
    """A sum, and how many terms of size up to 2^HEADROOM it may have."""

    array: F64
    terms: int


Named = dict[str, Sum]


class Exact:
    """Named sums of arrays; each part is rounded to the grid of its sum, then added exactly.

    >>> sums = Exact()
    >>> sums.add("x", np.array([1.0, 2.0]), 10)
    >>> sums.add("x", np.array([1.0, 0.5]), 10)
    >>> total([sums.named])["x"].tolist()
    [2.0, 2.5]
    """

    def __init__(self) -> None:
        self.named: Named = {}

    def add(self, name: str, part: Any, count: int) -> None:
        """Add a segment's part, float32 or float64, of a sum of `count` terms in all."""
        whole = np.atleast_1d(np.ascontiguousarray(part))
        if name not in self.named:
            self.named[name] = Sum(np.zeros(whole.shape), count)
        add_rounded(whole.reshape(-1), rounder_of(count), self.named[name].array.reshape(-1))


def total(parts: Iterable[Named]) -> dict[str, F64]:
    """Add up what tasks have summed; the order means nothing.

    A sum that is not finite, or too large to be exact, is NaN throughout.
    """
    sums: Named = {}
    for part in parts:
        for name, (array, count) in part.items():
            sums[name] = Sum(sums[name].array + array if name in sums else array, count)
    return {name: checked(array, count) for name, (array, count) in sums.items()}


def checked(array: F64, count: int) -> F64:
    """Return a sum of `count` terms, or NaN throughout where it can't be exact."""
    exact = bool((np.abs(array) < limit_of(count)).all())
    return array if exact else np.full_like(array, np.nan)


def segments(block: Block, segment: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows of each segment of a block, counted from its first, and their ratings."""
    for start in range(0, block.stop - block.start, segment):
        stop = min(start + segment, block.stop - block.start)
        yield slice(start, stop), slice(int(block.indptr[start]), int(block.indptr[stop]))
