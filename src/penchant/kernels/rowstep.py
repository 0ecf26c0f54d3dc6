"""The row step: a Gaussian row given its ratings, its mean or a draw of it.

A row x = (factors, own bias) of width D = k + 1 meets the other side's augmented factors
f = (q, u), u = 1 or the root of a weight:

    A = c Λ + α Σ f fᵀ            b = c Λ m + α Σ f e,      e = u (value − the other's bias)
    mean = A⁻¹ b                   draw = A⁻¹ b + L⁻ᵀ z,    L Lᵀ = A,  z standard normal

(Salakhutdinov & Mnih 2008, equations 11–13, with the bias as one more coordinate.) m is the row's
own prior mean, Λ the precision all rows share, c the row's scale of it: 1, or the number of its
ratings for the weighted-λ of Zhou et al. 2008. Eight rows go abreast through the Cholesky; a row
with few ratings and many factors is solved by `penchant.kernels.dual`.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.cholesky import factorise, solve_lower, solve_upper
from penchant.kernels.dual import LEAST_WIDTH, MOST_RATINGS, root_of, solve_short
from penchant.kernels.gram import chunk_of, row_errors, row_moments
from penchant.kernels.jit import kernel
from penchant.kernels.rng import lane_normals, row_normals


@kernel
def _spread(G, s, uu, K, k, alpha, precision, c, lane, A):  # type: ignore[no-untyped-def]
    """Put ``A = c Λ + α Σ f fᵀ`` of one row into its lane."""
    o = lane
    for i in range(k):
        for j in range(i + 1):
            A[o] = c * precision[i, j] + alpha * G[j * K + i]
            o += 8
    for j in range(k):
        A[o] = c * precision[k, j] + alpha * s[j]
        o += 8
    A[o] = c * precision[k, k] + alpha * uu


@kernel
def _right_side(h, ue, k, alpha, precision, c, prior, weighted, lane, b):  # type: ignore[no-untyped-def]
    """Put ``b = c Λ m + α Σ f e`` of one row into its lane; `weighted` (k + 1,) is scratch."""
    weighted[:] = np.float32(0)
    for j in range(k + 1):
        m = c * prior[j]
        for i in range(k + 1):  # Λ is symmetric: its rows lie in memory as they are needed
            weighted[i] += precision[j, i] * m
    for i in range(k):
        b[8 * i + lane] = weighted[i] + alpha * h[i]
    b[8 * k + lane] = weighted[k] + alpha * ue


@kernel
def _one_row(  # type: ignore[no-untyped-def]
    row, lane, indptr, indices, values, factors, K, biases, units, alpha, precision, c, prior,
    errors, G, s, h, weighted, A, b,
):  # fmt: skip
    """Sum up one row's ratings into its lane of A and b."""
    k = precision.shape[0] - 1
    lo, hi = np.intp(indptr[row]), np.intp(indptr[row + 1])
    uu, ue = row_moments(values, factors, K, biases, units, indices, lo, hi, errors, G, s, h)
    _spread(G, s, uu, K, k, alpha, precision, c, lane, A)
    _right_side(h, ue, k, alpha, precision, c, prior, weighted, lane, b)


@kernel
def _fill_up(rows, lanes, D, A, b):  # type: ignore[no-untyped-def]
    """Copy the first lane's system into the lanes that are left."""
    for lane in range(lanes, 8):
        rows[lane] = rows[0]
        for o in range(0, 4 * D * (D + 1), 8):
            A[o + lane] = A[o]
        for o in range(0, 8 * D, 8):
            b[o + lane] = b[o]


@kernel
def _finish(  # type: ignore[no-untyped-def]
    rows, lanes, k, A, b, inverse, noise, sweep, side, key, words, radius, z, out_factors, out_bias
):
    """Solve eight systems abreast; write the rows of the first `lanes`."""
    D = k + 1
    factorise(A, D, inverse)
    solve_lower(A, D, inverse, b)
    if noise:
        lane_normals((D + 3) // 4, rows, sweep, side, key, words, radius, z)
        for d in range(D):
            for lane in range(8):
                b[8 * d + lane] += z[d & 3, 8 * (d >> 2) + lane]
    solve_upper(A, D, inverse, b)
    for lane in range(lanes):
        row = np.intp(rows[lane])
        for d in range(k):
            out_factors[row, d] = b[8 * d + lane]
        out_bias[row] = b[8 * k + lane]


@kernel
def solve_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, factors, biases, units, alphas, precision, scales, priors,
    noise, sweep, side, key, out_factors, out_bias,
):  # fmt: skip
    """Solve rows start … stop-1; write their factors and biases.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64, where each row's ratings start in `indices` and `values`.
        indices: (n,) int32, the other side's row of each rating.
        values: (n,) float32, the ratings less the mean and whatever else is known.
        factors: (N, K) float32 of the other side, times its units; K a multiple of 8, columns
            from k on are zeros.
        biases: (N,) float32 of the other side.
        units: (N,) float32, 1 or the root of the other side's weight.
        alphas: (M,) float32, the noise precision of each row.
        precision: (D, D) float32, Λ.
        scales: (M,) float32, c.
        priors: (M, D) float32, m.
        noise: whether to draw rather than to take the mean.
        sweep: a counter of the noise, uint32.
        side: a counter of the noise, uint32.
        key: (2,) uint32 of `seed_key`.
        out_factors: (M, K) float32, written; columns from k on are left alone.
        out_bias: (M,) float32, written.
    """
    D = precision.shape[0]
    k, K = D - 1, factors.shape[1]
    flat = factors.reshape(-1)
    shortest = np.intp(MOST_RATINGS + 1)
    for row in range(start, stop):
        shortest = min(shortest, np.intp(indptr[row + 1]) - np.intp(indptr[row]))
    errors = np.empty(chunk_of(K), np.float32)
    G, s, h = np.empty(K * K, np.float32), np.empty(K, np.float32), np.empty(K, np.float32)
    A, b = np.empty(4 * D * (D + 1), np.float32), np.empty(8 * D, np.float32)
    inverse, weighted = np.empty(8 * D, np.float32), np.empty(D, np.float32)
    blocks = (D + 8 + 31) // 32 * 8  # of four coordinates, for a row that needs D + 8
    words, radius = np.empty((4, blocks * 8), np.uint32), np.empty(blocks * 8, np.float32)
    z = np.empty((4, blocks * 8), np.float32)
    dual = D >= LEAST_WIDTH and shortest <= MOST_RATINGS
    L, root = np.empty(D * D if dual else 0, np.float32), np.empty(D, np.float32)
    V, S = np.empty(8 * D, np.float32), np.empty(64, np.float32)
    if dual:
        root_of(precision, L, root)
    rows, lane = np.empty(8, np.uint32), 0
    for row in range(start, stop):
        lo, hi = np.intp(indptr[row]), np.intp(indptr[row + 1])
        if dual and hi - lo <= MOST_RATINGS:
            errors[:8] = np.float32(0)
            row_errors(values, biases, units, indices, lo, hi, errors)
            if noise:
                row_normals(blocks, row, sweep, side, key, words, radius, z)
            solve_short(
                flat, K, units, indices, lo, hi - lo, errors, alphas[row], scales[row],
                priors[row], L, root, z, noise, V, S, weighted,
            )  # fmt: skip
            out_factors[row, :k] = weighted[:k]
            out_bias[row] = weighted[k]
            continue
        _one_row(
            row, lane, indptr, indices, values, flat, K, biases, units, alphas[row], precision,
            scales[row], priors[row], errors, G, s, h, weighted, A, b,
        )  # fmt: skip
        rows[lane] = row
        lane += 1
        if lane == 8:
            _finish(
                rows, lane, k, A, b, inverse, noise, sweep, side, key, words, radius, z,
                out_factors, out_bias,
            )  # fmt: skip
            lane = 0
    if lane > 0:
        _fill_up(rows, lane, D, A, b)
        _finish(
            rows, lane, k, A, b, inverse, noise, sweep, side, key, words, radius, z,
            out_factors, out_bias,
        )  # fmt: skip
