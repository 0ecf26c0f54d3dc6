"""Sums by row over long tables in bounded memory, samples of whole users, and mixed keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64
from penchant.ratings import Ratings

Keys = npt.NDArray[np.uint64]

_CHUNK = 2_000_000  # ratings looked at together


def slices(n: int) -> Iterator[slice]:
    """Return slices that cover n rows, each of bounded length."""
    return (slice(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK))


def sums(
    rows: npt.NDArray[np.integer], size: int, values: Callable[[slice], npt.NDArray[Any]]
) -> F64:
    """Return the sums of ``values(slice)`` by row, (size,) float64.

    >>> sums(np.array([1, 2, 1], np.int32), 3, lambda at: np.array([1.0, 2.0, 4.0])[at]).tolist()
    [0.0, 5.0, 2.0]
    """
    total = np.zeros(size)
    for at in slices(len(rows)):
        total += np.bincount(rows[at], values(at), size)
    return total


def whole_users(ratings: Ratings, limit: int, seed: int) -> Ratings:
    """Return all ratings, or those of users drawn at random, whole, that hold about `limit`."""
    if len(ratings) <= limit:
        return ratings
    size = ratings.user_ids.size
    counts = np.bincount(ratings.user_rows, minlength=size)
    order = np.random.default_rng(seed).permutation(size)
    taken = np.zeros(size, dtype=bool)
    taken[order[np.cumsum(counts[order]) <= limit]] = True
    rows = np.flatnonzero(taken[ratings.user_rows])
    return ratings.take(rows if rows.size else np.arange(limit))


def mixed(numbers: npt.NDArray[Any]) -> Keys:
    """Return each whole number scrambled over 64 bits (SplitMix64's finish, Steele et al. 2014)."""
    x = numbers.astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def moments_of_users(ratings: Ratings) -> Keys:
    """Return a number for each rating that its user and its second determine, (n,) uint64."""
    keys = np.empty(len(ratings), dtype=np.uint64)
    if ratings.timestamps is not None:
        for at in slices(len(ratings)):
            keys[at] = mixed(ratings.user_rows[at]) + mixed(ratings.timestamps[at])
            keys[at] = mixed(keys[at].view(np.int64))
    return keys
