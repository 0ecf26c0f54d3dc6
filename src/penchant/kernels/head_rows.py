"""Rows of one side in many heads at once: what a row is, given the other side's rows in each head.

A row's numbers depend on its own ratings alone: neither its company nor the blocks nor the threads
change a bit, so a row that is solved again comes out as it was.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel
from penchant.kernels.simd.vector import at, fma, load, splat, store


def prior_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, norms, counts, side, mean, bags, count_weights, side_weights, out,
):  # fmt: skip
    """Fill rows start … stop-1 with their prior means ``m + Bᵀx`` in H heads.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64, where each row's ratings start.
        indices: (n,) int32, the other side's row of each.
        norms: (M,) float32, what each entry of a row's bag weighs.
        counts: (M,) float32, the count feature.
        side: (M, S) float32, the side columns.
        mean: (H, D) float32, m.
        bags: (H, N, D) float32, the rows of B for the bag; no rows without side information.
        count_weights: (H, D) float32, the row of B for the count.
        side_weights: (H, S, D) float32, the rows of B for the side columns.
        out: (H, M, D) float32, written.
    """
    N, P = bags.shape[1], (bags.shape[2] + 7) // 8 * 8
    wide, sums = np.zeros(N * P, np.float32), np.empty(P, np.float32)
    _prior_rows(
        start, stop, indptr, indices, norms, counts, side, mean, bags, count_weights, side_weights,
        out, wide, sums,
    )  # fmt: skip


@kernel
def _prior_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, norms, counts, side, mean, bags, count_weights, side_weights, out,
    wide, sums,
):  # fmt: skip
    """Do so; `wide`, (N · P,) zeros, and `sums`, (P,), are scratch, P = D in whole vectors."""
    H, N, D = bags.shape
    P = sums.size
    for s in range(H):
        for j in range(N):
            for d in range(D):
                wide[np.uintp(j * P + d)] = bags[s, j, d]
        for row in range(start, stop):
            lo, hi = np.intp(at(indptr, row)), np.intp(at(indptr, row + 1))
            for p in range(0, P, 8):
                a, one = splat(np.float32(0)), splat(np.float32(1))
                for t in range(lo, hi):
                    a = fma(one, load(wide, np.intp(at(indices, t)) * P + p), a)
                store(sums, p, a)
            for d in range(D):
                prior = norms[row] * sums[d] + counts[row] * count_weights[s, d] + mean[s, d]
                out[s, row, d] = prior
            for c in range(side.shape[1]):
                x = side[row, c]
                if x != 0:
                    for d in range(D):
                        out[s, row, d] += x * side_weights[s, c, d]


@kernel
def add_mapped(start, stop, rows, maps, out):  # type: ignore[no-untyped-def]
    """Add ``Σ_s rows_s maps_s`` to rows start … stop-1 of out, head after head.

    Args:
        start: the first row.
        stop: one past the last row.
        rows: (H, M, k or more) float32.
        maps: (H, k, K) float32, K a multiple of 8.
        out: (M, K) float32, added to.
    """
    H, k, K = maps.shape
    flat, target = maps.reshape(-1), out.reshape(-1)
    for row in range(start, stop):
        for s in range(H):
            for j in range(0, K, 8):
                a = load(target, row * K + j)
                for i in range(k):
                    a = fma(splat(rows[s, row, i]), load(flat, (s * k + i) * K + j), a)
                store(target, row * K + j, a)
