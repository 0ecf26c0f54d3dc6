"""The order of ratings by row, by counting: one pass over the rows, whatever their number."""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel


@kernel
def order_by(rows, starts, order):  # type: ignore[no-untyped-def]
    """Fill `order` so that ``rows[order]`` ascends; equal rows keep their order.

    Args:
        rows: (n,) int32, from 0 to M - 1.
        starts: (M + 1,) int64, written: where each row's entries start in `order`.
        order: (n,) int32 or int64, written.
    """
    starts[:] = 0
    for t in range(rows.size):
        starts[np.intp(rows[t]) + 1] += 1
    for m in range(starts.size - 1):
        starts[m + 1] += starts[m]
    for t in range(rows.size):
        row = np.intp(rows[t])
        order[starts[row]] = t
        starts[row] += 1
    for m in range(starts.size - 1, 0, -1):  # each start stands where the next row's was
        starts[m] = starts[m - 1]
    starts[0] = 0
