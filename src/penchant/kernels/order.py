"""Ratings by row, by counting: one pass over the rows, whatever their number."""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel, part


@part
def _count(rows, starts):  # type: ignore[no-untyped-def]
    """Fill `starts` with where each row's entries start."""
    starts[:] = 0
    for t in range(rows.size):
        starts[np.intp(rows[t]) + 1] += 1
    for m in range(starts.size - 1):
        starts[m + 1] += starts[m]


@part
def _move_back(starts):  # type: ignore[no-untyped-def]
    """Put each start, which has come to stand where the next row's was, back."""
    for m in range(starts.size - 1, 0, -1):
        starts[m] = starts[m - 1]
    starts[0] = 0


@kernel
def order_by(rows, starts, order):  # type: ignore[no-untyped-def]
    """Fill `order` so that ``rows[order]`` ascends; equal rows keep their order.

    Args:
        rows: (n,) int32, from 0 to M - 1.
        starts: (M + 1,) int64, written: where each row's entries start in `order`.
        order: (n,) int32 or int64, written.
    """
    _count(rows, starts)
    for t in range(rows.size):
        row = np.intp(rows[t])
        order[starts[row]] = t
        starts[row] += 1
    _move_back(starts)


@kernel
def gather_by(rows, others, values, starts, out_others, out_values):  # type: ignore[no-untyped-def]
    """Fill `out_others` and `out_values` with what belongs to each row, rows together.

    Within a row entries keep their order. Without an order in between, which would take as much
    memory as what is moved.

    Args:
        rows: (n,) int32, from 0 to M - 1.
        others: (n,) int32.
        values: (n,) of any type.
        starts: (M + 1,) int64, written: where each row's entries start.
        out_others: (n,) int32, written.
        out_values: (n,) as values, written.
    """
    _count(rows, starts)
    for t in range(rows.size):
        row = np.intp(rows[t])
        out_others[starts[row]], out_values[starts[row]] = others[t], values[t]
        starts[row] += 1
    _move_back(starts)


@kernel
def turn_over(indptr, indices, values, starts, out_others, out_values):  # type: ignore[no-untyped-def]
    """Fill the transpose of a sparse matrix; within a row of it columns rise.

    Args:
        indptr: (M + 1,) int64, where each row's entries start.
        indices: (n,) int32, from 0 to N - 1.
        values: (n,) of any type.
        starts: (N + 1,) int64, written.
        out_others: (n,) int32, written.
        out_values: (n,) as values, written.
    """
    _count(indices, starts)
    for row in range(indptr.size - 1):
        for t in range(indptr[row], indptr[row + 1]):
            column = np.intp(indices[t])
            out_others[starts[column]], out_values[starts[column]] = row, values[t]
            starts[column] += 1
    _move_back(starts)
