"""The row step: a Gaussian row given its ratings, its mean or a draw of it.

A row x = (factors, own bias) of width D = k + 1 meets the other side's augmented factors
f = (q, u), u = 1 or the root of a weight:

    A = c Λ + α Σ f fᵀ            b = c Λ m + α Σ f e,      e = u (value − the other's bias)
    mean = A⁻¹ b                   draw = A⁻¹ b + L⁻ᵀ z,    L Lᵀ = A,  z standard normal

(Salakhutdinov & Mnih 2008, equations 11–13, with the bias as one more coordinate.) m is the row's
own prior mean, Λ the precision all rows share, c the row's scale of it: 1, or the number of its
ratings for the weighted-λ of Zhou et al. 2008. Eight rows go abreast through the Cholesky; a row
with few ratings and many factors is solved by `penchant.kernels.dual`.

Training solves rows of one head, a posterior those of many. One machine code does both, of ratings
in a byte and of plain ones: a newcomer waits for each that is compiled.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.byte_values import Values, parts_of
from penchant.kernels.dual import LEAST_WIDTH, MOST_RATINGS, room_of, solve_short_rows
from penchant.kernels.jit import inner, kernel
from penchant.kernels.rng import fill_normals
from penchant.kernels.simd.cholesky import factorise, solve_lower, solve_upper
from penchant.kernels.simd.lanes import (
    add_normals,
    assemble,
    gather,
    lanes_of,
    put_row,
    repeat_first,
)
from penchant.kernels.simd.vector import at


def solve_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values: Values, factors, biases, units, alphas, precision,
    scales, priors, noise, sweep, side, key, out_factors, out_bias, first=0,
):  # fmt: skip
    """Solve rows start … stop-1; write their factors and biases.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64, where each row's ratings start in `indices` and `values`.
        indices: (n,) int32, the other side's row of each rating.
        values: (n,) float32, or as `penchant.kernels.byte_values` has them: the ratings less the
            mean and whatever else is known.
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
    solve_in_heads(
        start, stop, indptr, indices, values, factors[None], biases[None], units, alphas[None],
        precision[None], scales, priors[None], noise, sweep, side, key, out_factors[None],
        out_bias[None], first,
    )  # fmt: skip


def solve_in_heads(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values: Values, factors, biases, units, alphas, precision,
    scales, priors, noise, sweep, side, key, out_factors, out_bias, first=0,
):  # fmt: skip
    """Solve rows as `solve_rows` does, in H heads.

    `factors`, `biases`, `alphas`, `precision`, `priors`, `out_factors` and `out_bias` have a head
    each along their first axis; the noise is the same in all.
    """
    D, rows = precision.shape[1], slice(start, stop + 1)
    precision, priors = np.ascontiguousarray(precision), np.ascontiguousarray(priors)
    given = (*parts_of(values), factors, biases, units, alphas)
    short = D >= LEAST_WIDTH and bool((np.diff(indptr[rows]) <= MOST_RATINGS).any())
    if short:
        solve_short_rows(
            start, stop, indptr, indices, *given, precision, scales, priors, noise, sweep, side,
            key, out_factors, out_bias, first, room_of(D),
        )  # fmt: skip
    normals = np.empty((stop - start if noise else 0, D), np.float32)
    fill_normals(0, len(normals), sweep, side, key, normals, first + start)
    solve_long_rows(
        start, stop, MOST_RATINGS if short else -1, indptr, indices, *given, precision, scales,
        priors, normals, out_factors, out_bias, lanes_of(D, factors.shape[2]),
        np.empty(8, np.intp),
    )  # fmt: skip


@inner
def finish_rows(lanes, n, K, precision, noise):  # type: ignore[no-untyped-def]
    """Solve eight systems abreast and leave the rows in `lanes.b`.

    Args:
        lanes: the sums of those rows.
        n: how many lanes are filled.
        K: the width of the factors.
        precision: flat (D · D,) float32, Λ.
        noise: whether to draw, with `lanes.normals`, rather than to take the mean.
    """
    repeat_first(lanes, n)
    assemble(lanes, K, precision)
    D, A, b, inverse = lanes.inverse.size // 8, lanes.A, lanes.b, lanes.inverse
    factorise(A, D, inverse)
    solve_lower(A, D, inverse, b)
    if noise:
        add_normals(lanes, D)
    solve_upper(A, D, inverse, b)


@kernel
def solve_long_rows(  # type: ignore[no-untyped-def]
    start, stop, fewest, indptr, indices, codes, levels, numbers, factors, biases, units, alphas,
    precision, scales, priors, normals, out_factors, out_bias, lanes, rows,
):  # fmt: skip
    """Solve those of rows start … stop-1 that have more ratings than `fewest`, in H heads.

    Arrays are as for `solve_in_heads`, the values as `penchant.kernels.byte_values.parts_of` has
    them. `normals` is (stop - start, D) float32, or has no rows where the mean is asked for.
    `lanes`, and `rows`, (8,) intp, are scratch.
    """
    K, noise = factors.shape[2], len(normals) > 0
    for s in range(len(factors)):
        flat, shared = factors[s].reshape(-1), precision[s].reshape(-1)
        out, bias = out_factors[s].reshape(-1), out_bias[s]
        others, own, means = biases[s], alphas[s], priors[s]
        lane = 0
        for row in range(start, stop):
            if np.intp(at(indptr, row + 1)) - np.intp(at(indptr, row)) > fewest:
                gather(
                    lanes, lane, row, indptr, indices, codes, levels, numbers, flat, K, others,
                    units, at(own, row), at(scales, row), means, normals, row - start,
                )  # fmt: skip
                rows[lane] = row
                lane += 1
            if lane == 8 or (row == stop - 1 and lane > 0):
                finish_rows(lanes, lane, K, shared, noise)
                for filled in range(lane):
                    put_row(lanes, filled, rows[filled], K, out, bias)
                lane = 0
