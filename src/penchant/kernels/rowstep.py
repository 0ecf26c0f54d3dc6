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
from penchant.kernels.gram import row_errors
from penchant.kernels.jit import kernel
from penchant.kernels.lanes import assemble, gather, lanes_of, put_row, repeat_first
from penchant.kernels.rng import lane_normals, row_normals
from penchant.kernels.vector import at, fma, load, splat, store


@kernel
def finish_rows(  # type: ignore[no-untyped-def]
    lanes, rows, n, K, precision, noise, sweep, side, key, words, radius, z, first, out_factors,
    out_bias,
):  # fmt: skip
    """Solve eight systems abreast; write the rows of the first n lanes.

    Args:
        lanes: the sums of those rows.
        rows: (8,) uint32, what the rows are called in the counters of the noise.
        n: how many lanes are filled.
        K: the width of the factors.
        precision: flat (D · D,) float32, Λ.
        noise: whether to draw rather than to take the mean.
        sweep: a counter of the noise.
        side: a counter of the noise.
        key: (2,) uint32 of `seed_key`.
        words: (4, …) uint32 for `lane_normals`, scratch.
        radius: (…,) float32, scratch.
        z: (4, …) float32, scratch.
        first: what row 0 of the tables is called in `rows`.
        out_factors: flat (M · K,) float32, written.
        out_bias: (M,) float32, written.
    """
    if n < 8:
        repeat_first(lanes, n)
    assemble(lanes, K, precision)
    D, A, b, inverse = lanes.inverse.size // 8, lanes.A, lanes.b, lanes.inverse
    factorise(A, D, inverse)
    solve_lower(A, D, inverse, b)
    if noise:
        lane_normals((D + 3) // 4, rows, sweep, side, key, words, radius, z)
        flat, one, width = z.reshape(-1), splat(np.float32(1)), z.shape[1]
        for d in range(D):
            drawn = load(flat, (d & 3) * width + 8 * (d >> 2))
            store(b, 8 * d, fma(one, drawn, load(b, 8 * d)))
    solve_upper(A, D, inverse, b)
    for lane in range(n):
        put_row(lanes, lane, np.intp(rows[lane]) - first, K, out_factors, out_bias)


@kernel
def solve_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, factors, biases, units, alphas, precision, scales, priors,
    noise, sweep, side, key, out_factors, out_bias, first=0,
):  # fmt: skip
    """Solve rows start … stop-1; write their factors and biases.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64, where each row's ratings start in `indices` and `values`.
        indices: (n,) int32, the other side's row of each rating.
        values: (n,) float32, or as `penchant.kernels.coded` has them: the ratings less the mean and
            whatever else is known.
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
        first: what row 0 of the arrays is called in the counters of the noise.
    """
    D = precision.shape[0]
    k, K = D - 1, factors.shape[1]
    flat, out = factors.reshape(-1), out_factors.reshape(-1)
    shortest = np.intp(MOST_RATINGS + 1)
    for row in range(start, stop):
        shortest = min(shortest, np.intp(indptr[row + 1]) - np.intp(indptr[row]))
    lanes, shared = lanes_of(D, K), np.ascontiguousarray(precision).reshape(-1)
    blocks = (D + 8 + 31) // 32 * 8  # of four coordinates, for a row that needs D + 8
    words, radius = np.empty((4, blocks * 8), np.uint32), np.empty(blocks * 8, np.float32)
    z = np.empty((4, blocks * 8), np.float32)
    dual = D >= LEAST_WIDTH and shortest <= MOST_RATINGS
    L, root = np.empty(D * D if dual else 0, np.float32), np.empty(D, np.float32)
    V, S, y = np.empty(8 * D, np.float32), np.empty(64, np.float32), np.empty(D, np.float32)
    if dual:
        root_of(precision, L, root)
    rows, lane = np.empty(8, np.uint32), 0
    for row in range(start, stop):
        lo, hi = np.intp(at(indptr, row)), np.intp(at(indptr, row + 1))
        if dual and hi - lo <= MOST_RATINGS:
            errors = lanes.errors
            errors[:8] = np.float32(0)
            row_errors(values, biases, units, indices, lo, hi, errors)
            if noise:
                row_normals(blocks, row + first, sweep, side, key, words, radius, z)
            solve_short(
                flat, K, units, indices, lo, hi - lo, errors, alphas[row], scales[row],
                priors[row], L, root, z, noise, V, S, y,
            )  # fmt: skip
            out_factors[row, :k] = y[:k]
            out_bias[row] = y[k]
            continue
        gather(
            lanes, lane, row, indptr, indices, values, flat, K, biases, units, at(alphas, row),
            at(scales, row), priors,
        )  # fmt: skip
        rows[lane] = row + first
        lane += 1
        if lane == 8:
            finish_rows(
                lanes, rows, lane, K, shared, noise, sweep, side, key, words, radius, z, first,
                out, out_bias,
            )  # fmt: skip
            lane = 0
    if lane > 0:
        for spare in range(lane, 8):
            rows[spare] = rows[0]
        finish_rows(
            lanes, rows, lane, K, shared, noise, sweep, side, key, words, radius, z, first,
            out, out_bias,
        )  # fmt: skip
