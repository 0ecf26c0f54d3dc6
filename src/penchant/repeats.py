"""What a source's repeated pairs of user and item say of the noise in its ratings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32


@dataclasses.dataclass(frozen=True)
class Repeats:
    """The pairs that stood more than once, measured before all but one rating of each was left out.

    A copy is a rating with the value and the time of the one before it (without times: the value
    alone): a line written twice and no second opinion. The other repeats are ratings anew.

    Attributes:
        pairs: how many pairs stood more than once.
        ratings: how many ratings were left out or merged.
        copies: how many of these are copies.
        changed: how many of the ratings anew differ from the one before.
        apart: the mean absolute difference between a rating anew and the one before.
        squares: the sum of squared deviations from the pair's mean, copies left out.
        free: the degrees of freedom in `squares`.
    """

    pairs: int
    ratings: int
    copies: int
    changed: int
    apart: float
    squares: float
    free: int

    @property
    def noise(self) -> float | None:
        """The standard deviation of a rating around its pair's mean; None without ratings anew.

        ``√(squares / free)``: people's changes of mind between two ratings are in it.

        >>> Repeats(pairs=1, ratings=1, copies=0, changed=1, apart=2, squares=2, free=1).noise
        1.4142135623730951
        """
        return float(np.sqrt(self.squares / self.free)) if self.free else None

    def to_json(self) -> dict[str, Any]:
        """Return the counts and the noise as JSON-able values."""
        return {**dataclasses.asdict(self), "noise": self.noise}


def measure(
    pairs: npt.NDArray[np.int64],
    values: F32,
    stamps: npt.NDArray[np.int64] | None,
) -> Repeats:
    """Measure ratings that are sorted by pair, and within a pair by time.

    Args:
        pairs: (n,) a number for each pair, ascending.
        values: (n,) the ratings.
        stamps: (n,) seconds, or None.

    >>> measure(np.array([7, 7, 9]), np.array([4, 2, 5], np.float32), None).apart
    2.0
    """
    again = np.append(False, pairs[1:] == pairs[:-1])
    at = np.flatnonzero(again)
    steps = values[at].astype(np.float64) - values[at - 1]
    copied = steps == 0
    if stamps is not None:
        copied &= stamps[at] == stamps[at - 1]
    fresh = ~copied
    n_fresh = int(fresh.sum())
    squares, free = _within(pairs, values, at, copied)
    return Repeats(
        pairs=len(np.unique(pairs[at])),
        ratings=len(at),
        copies=int(copied.sum()),
        changed=int((steps[fresh] != 0).sum()),
        apart=float(np.abs(steps[fresh]).mean()) if n_fresh else 0.0,
        squares=squares,
        free=free,
    )


def _within(pairs: Any, values: Any, at: Any, copied: Any) -> tuple[float, int]:
    """Return the squares around the pairs' means and their freedom; `at` are the repeats."""
    firsts = np.setdiff1d(at - 1, at)
    kept = np.sort(np.concatenate([firsts, at[~copied]]))
    _, group = np.unique(pairs[kept], return_inverse=True)
    numbers = values[kept].astype(np.float64)
    counts = np.bincount(group)
    means = np.bincount(group, numbers) / np.maximum(counts, 1)
    deviations = numbers - means[group]
    return float(deviations @ deviations), int((counts - 1).sum())
