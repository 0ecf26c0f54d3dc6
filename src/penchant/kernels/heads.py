"""Rows of one side in many heads at once: what a row is, given the other side's rows in each head.

A row's numbers depend on its own ratings alone: neither its company nor the blocks nor the threads
change a bit, so a row that is solved again comes out as it was.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel
from penchant.kernels.rowstep import solve_rows
from penchant.kernels.vector import at, fma, load, splat, store


@kernel
def prior_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, norms, counts, side, mean, bags, count_weights, side_weights, out,
):  # fmt: skip
    """Fill rows start … stop-1 of out, (M, D), with ``m + Bᵀx``."""
    N, D = bags.shape
    P = (D + 7) // 8 * 8
    wide, sums = np.zeros(N * P, np.float32), np.empty(P, np.float32)
    for j in range(N):  # whole vectors, whatever D is
        for d in range(D):
            wide[np.uintp(j * P + d)] = bags[j, d]
    for row in range(start, stop):
        lo, hi = np.intp(at(indptr, row)), np.intp(at(indptr, row + 1))
        for p in range(0, P, 8):
            a, one = splat(np.float32(0)), splat(np.float32(1))
            for t in range(lo, hi):
                a = fma(one, load(wide, np.intp(at(indices, t)) * P + p), a)
            store(sums, p, a)
        for d in range(D):
            out[row, d] = norms[row] * sums[d] + counts[row] * count_weights[d] + mean[d]
        for c in range(side.shape[1]):
            x = side[row, c]
            if x != 0:
                for d in range(D):
                    out[row, d] += x * side_weights[c, d]


@kernel
def solve_heads(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, norms, counts, side, weights, factors, biases, units,
    alpha, precision, mean, bags, count_weights, side_weights, key, rows, bias,
):  # fmt: skip
    """Solve rows start … stop-1 in H heads: their means given the other side.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64, where each row's ratings start.
        indices: (n,) int32, the other side's row of each.
        values: (n,) float32, ``r − mean``.
        norms: (M,) float32, what each entry of a row's bag weighs.
        counts: (M,) float32, the count feature.
        side: (M, S) float32, the side columns.
        weights: (M,) float32, the noise weight of each row.
        factors: (H, N, K) float32 of the other side, times its units; K a multiple of 8.
        biases: (H, N) float32 of the other side.
        units: (N,) float32, the roots of the other side's weights.
        alpha: (H,) float32.
        precision: (H, D, D) float32, Λ.
        mean: (H, D) float32, m.
        bags: (H, N, D) float32, the rows of B for the bag; no rows without side information.
        count_weights: (H, D) float32, the row of B for the count.
        side_weights: (H, S, D) float32, the rows of B for the side columns.
        key: (2,) uint32, not used for a mean.
        rows: (H, M, K) float32, written: the factors; columns from D - 1 on are left alone.
        bias: (H, M) float32, written.
    """
    M, D = len(norms), mean.shape[1]
    priors = np.empty((M, D), np.float32)
    scales, alphas = np.ones(M, np.float32), np.empty(M, np.float32)
    for s in range(len(alpha)):
        for row in range(start, stop):
            alphas[row] = alpha[s] * weights[row]
        prior_rows(
            start, stop, indptr, indices, norms, counts, side, mean[s], bags[s], count_weights[s],
            side_weights[s], priors,
        )  # fmt: skip
        solve_rows(
            start, stop, indptr, indices, values, factors[s], biases[s], units, alphas,
            precision[s], scales, priors, False, 0, 0, key, rows[s], bias[s],
        )  # fmt: skip


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
