"""What split conformal prediction learns from the scores of validation ratings."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.arrays import F32, F64

MOST_SCORES = 10_000
"""So many scores are kept; of more, evenly spaced ones."""

PRIOR_ROWS = 300
"""Validation ratings to assume that say the posterior's widths need no correction."""

_LEAST_SLOPE = -0.9


def slopes_of(squares: F64, x: F64) -> tuple[Any, Any]:
    """Return half the shares by which squared scores rise with each column of x, and x's means.

    The second slope is at least −0.9: a prediction that is less sure always has a wider interval.
    """
    centre, mean = x.mean(axis=0), float(squares.mean())
    centred = x - centre
    shrunk = centred.T @ centred + np.diag(PRIOR_ROWS * x.var(axis=0) + 1e-9)
    slopes = np.linalg.solve(shrunk, centred.T @ squares) / max(2 * mean, 1e-12)
    slopes[1] = max(float(slopes[1]), _LEAST_SLOPE)
    return tuple(slopes.tolist()), tuple(centre.tolist())


def kept_scores(scores: F64) -> F32:
    """Return the scores in rising order; of many, evenly spaced ones."""
    ordered: F32 = np.sort(scores).astype(np.float32)
    n = len(ordered)
    if n <= MOST_SCORES:
        return ordered
    ranks = -(-np.arange(1, MOST_SCORES + 1) * (n + 1) // (MOST_SCORES + 1))
    kept: F32 = ordered[np.minimum(ranks, n) - 1]
    return kept
