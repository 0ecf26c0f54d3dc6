"""Sums of rows of a dense table, as a sparse pattern names them."""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel
from penchant.kernels.simd.vector import at, broadcast, fma, load, mul, splat, store


@kernel
def pattern_times(start, stop, indptr, indices, left, right, dense, out):  # type: ignore[no-untyped-def]
    """Fill rows start … stop-1 of out with ``left_r Σ_j right_j dense_j`` over row r's indices.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64.
        indices: (n,) int32, rows of `dense`.
        left: (M,) float32.
        right: (N,) float32.
        dense: (N, K) float32, K a multiple of 8.
        out: (M, K) float32, written.
    """
    K = dense.shape[1]
    d, o = dense.reshape(-1), out.reshape(-1)
    for row in range(start, stop):
        lo, hi = np.intp(at(indptr, row)), np.intp(at(indptr, row + 1))
        scale = broadcast(left, row)
        j = 0
        while j + 32 <= K:  # four registers a pass: the indices are read less often
            a0 = a1 = a2 = a3 = splat(np.float32(0))
            for t in range(lo, hi):
                n = np.intp(at(indices, t))
                r, p = broadcast(right, n), n * K + j
                a0, a1 = fma(r, load(d, p), a0), fma(r, load(d, p + 8), a1)
                a2, a3 = fma(r, load(d, p + 16), a2), fma(r, load(d, p + 24), a3)
            q = row * K + j
            store(o, q, mul(scale, a0))
            store(o, q + 8, mul(scale, a1))
            store(o, q + 16, mul(scale, a2))
            store(o, q + 24, mul(scale, a3))
            j += 32
        while j < K:
            a0 = splat(np.float32(0))
            for t in range(lo, hi):
                n = np.intp(at(indices, t))
                a0 = fma(broadcast(right, n), load(d, n * K + j), a0)
            store(o, row * K + j, mul(scale, a0))
            j += 8
