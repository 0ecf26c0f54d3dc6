"""Intervals of what several ratings come to: their mean, the least, the greatest.

Each member's rating of an item is taken as normal around its prediction, with the deviation that
its own interval has, and independent of the others' given the model. Then their mean is normal,
and the least and the greatest of them have

    P(min ≤ x) = 1 − ∏ (1 − Φ((x − r̂_j) / d_j)),   P(max ≤ x) = ∏ Φ((x − r̂_j) / d_j).

A group of one has the member's own interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.arrays import F64

_HALVINGS = 50  # of a bracket, to the last digits of float32 and beyond


def of_average(ratings: Any, deviations: F64, level: float) -> tuple[F64, F64]:
    """Return the ends of the central interval of each column's mean, (n,) float64.

    Args:
        ratings: (m, n) predictions, a row for each member.
        deviations: (m, n) of the members' ratings, in rating units; infinite ones give no ends.
        level: the probability inside.

    >>> of_average(np.array([[3.0], [5.0]]), np.ones((2, 1)), 0.9)[0].round(3).tolist()
    [2.837]
    """
    from scipy.special import ndtri

    mean = np.asarray(ratings, np.float64).mean(axis=0)
    half = float(ndtri((1 + level) / 2)) * np.sqrt(np.square(deviations).sum(axis=0))
    half /= len(deviations)
    return mean - half, mean + half


def of_extreme(ratings: Any, deviations: F64, level: float, *, least: bool) -> tuple[F64, F64]:
    """Return the ends of the central interval of each column's least or greatest, (n,) float64.

    Args:
        ratings: (m, n) predictions, a row for each member.
        deviations: (m, n) of the members' ratings, above 0 or infinite.
        level: the probability inside.
        least: whether it is the least; else the greatest.

    >>> low, high = of_extreme(np.full((3, 1), 4.0), np.ones((3, 1)), 0.9, least=True)
    >>> low.round(2).tolist(), high.round(2).tolist()  # three times the least of three like ones
    ([1.88], [4.34])
    """
    sign = 1.0 if least else -1.0  # the greatest is the least of the negatives
    means = sign * np.asarray(ratings, np.float64)
    ends = [_least_below(means, deviations, p) for p in ((1 - level) / 2, (1 + level) / 2)]
    low, high = (sign * end for end in (ends if least else ends[::-1]))
    return low, high


def _least_below(means: F64, deviations: F64, probability: float) -> F64:
    """Return x with P(min ≤ x) = probability, by bisection."""
    from scipy.special import log_ndtr, ndtri

    # The least of m is below x at least as often as any of them, and at most m times as often.
    # Members without ends leave the whole group without.
    known: Any = np.isfinite(deviations).all(axis=0)
    means, deviations = means[:, known], deviations[:, known]
    low = (means + deviations * float(ndtri(probability / len(means)))).min(axis=0)
    high = (means + deviations * float(ndtri(probability))).min(axis=0)
    wanted = np.log1p(-probability)  # of none of them being below
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = log_ndtr((means - middle) / deviations).sum(axis=0) > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    out = np.full(len(known), np.inf if probability > 0.5 else -np.inf)
    out[known] = (low + high) / 2
    return out
