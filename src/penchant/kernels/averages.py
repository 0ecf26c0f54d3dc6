"""Running means of residuals: the error of the mean of the draws so far."""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel
from penchant.kernels.vector import at


@kernel
def average_errors(start, stop, indptr, errors, values, count, low, high, averages, sums):  # type: ignore[no-untyped-def]
    """Take the errors of draw number `count` into the averages of rows start … stop-1.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64.
        errors: (n,) float32, ``value − prediction`` of this draw.
        values: (n,) float32.
        count: how many draws there are with this one, from 1.
        low: the lowest value on the scale; predictions are clipped to it.
        high: the highest.
        averages: (n,) float32, the mean error so far, updated.
        sums: (M,) float64, written: each row's squared errors of the clipped mean prediction.
    """
    share = np.float32(1.0 / count)
    for row in range(start, stop):
        a = 0.0
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            mean, value = at(averages, t), at(values, t)
            mean += share * (at(errors, t) - mean)
            averages[np.uintp(t)] = mean
            clipped = min(max(value - mean, low), high)
            e = np.float64(value - clipped)
            a += e * e
        sums[row] = a
