"""What each head says of many pairs: the mean of a rating, and how unsure its user's row is.

The rows are solved as by `penchant.kernels.rowstep`; while a row's Cholesky factor is at hand, the
items asked for go through it eight abreast:

    mean = f · x̃,    within = fᵀ A⁻¹ f = |L⁻¹ f|²,    L Lᵀ = A,  f = (the item's factors, its last)
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.byte_values import parts_of
from penchant.kernels.jit import kernel
from penchant.kernels.rowstep import finish_rows
from penchant.kernels.simd.lanes import gather, lanes_of
from penchant.kernels.simd.vector import fma, load, mul, splat, store, sub


@kernel
def _eight_items(A, D, inverse, lane, b, x, mean, within):  # type: ignore[no-untyped-def]
    """Fill mean and within, (8,) float32, of the eight f in x, (8 D,), for the row in a lane."""
    m, w = splat(np.float32(0)), splat(np.float32(0))
    for i in range(D):
        I0 = 4 * i * (i + 1) + lane
        a = load(x, 8 * i)
        m = fma(splat(b[8 * i + lane]), a, m)
        for p in range(i):
            a = sub(a, mul(splat(A[I0 + 8 * p]), load(x, 8 * p)))
        a = mul(a, splat(inverse[8 * i + lane]))
        store(x, 8 * i, a)
        w = fma(a, a, w)
    store(mean, 0, m)
    store(within, 0, w)


@kernel
def _row_pairs(  # type: ignore[no-untyped-def]
    A, D, inverse, lane, b, lo, hi, pair_items, items, K, lasts, x, mean, within, means, withins,
):  # fmt: skip
    """Fill the pairs lo … hi-1 of the row in a lane; x, mean and within are scratch."""
    for first in range(lo, hi, 8):
        for place in range(8):
            item = np.intp(pair_items[min(first + place, hi - 1)])
            for d in range(D - 1):
                x[8 * d + place] = items[item * K + d]
            x[8 * (D - 1) + place] = lasts[item]
        _eight_items(A, D, inverse, lane, b, x, mean, within)
        for place in range(min(8, hi - first)):
            means[first + place] = mean[place]
            withins[first + place] = within[place]


def pair_moments(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, alphas, factors, biases, units, precision, priors, starts,
    pair_items, items, lasts, means, withins,
):  # fmt: skip
    """Solve rows start … stop-1 and fill the moments of their pairs.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64, where each row's ratings start.
        indices: (n,) int32, the other side's row of each rating.
        values: (n,) float32, ``r − mean``.
        alphas: (M,) float32, the noise precision of each row.
        factors: (N, K) float32 of the other side, times its units; K a multiple of 8.
        biases: (N,) float32 of the other side.
        units: (N,) float32, the roots of the other side's weights.
        precision: (D, D) float32, Λ.
        priors: (M, D) float32, m of each row.
        starts: (M + 1,) int64, where each row's pairs start.
        pair_items: (m,) int32, the item of each pair.
        items: (N', K) float32, the items' factors, without units.
        lasts: (N',) float32, the last coordinate of each f.
        means: (m,) float32, written.
        withins: (m,) float32, written.
    """
    D, K = precision.shape[0], factors.shape[1]
    x, eight = np.empty(8 * D, np.float32), np.empty((2, 8), np.float32)
    _pair_moments(
        start, stop, indptr, indices, *parts_of(values), alphas, factors, biases, units, precision,
        priors, starts, pair_items, items, lasts, means, withins, lanes_of(D, K), x, eight,
        np.empty((0, D), np.float32),
    )  # fmt: skip


@kernel
def _pair_moments(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, codes, levels, numbers, alphas, factors, biases, units, precision,
    priors, starts, pair_items, items, lasts, means, withins, lanes, x, eight, no_normals,
):  # fmt: skip
    """Do so; lanes, x and eight are scratch."""
    D, K, noise = precision.shape[0], factors.shape[1], len(no_normals) > 0
    flat, table, shared = factors.reshape(-1), items.reshape(-1), precision.reshape(-1)
    A, b, inverse, one = lanes.A, lanes.b, lanes.inverse, np.float32(1)
    for first in range(start, stop, 8):
        count = min(8, stop - first)
        for lane in range(count):
            row = first + lane
            gather(
                lanes, lane, row, indptr, indices, codes, levels, numbers, flat, K, biases, units,
                alphas[row], one, priors, no_normals, row,
            )  # fmt: skip
        finish_rows(lanes, count, K, shared, noise)
        for lane in range(count):
            lo, hi = np.intp(starts[first + lane]), np.intp(starts[first + lane + 1])
            _row_pairs(
                A, D, inverse, lane, b, lo, hi, pair_items, table, K, lasts, x, eight[0],
                eight[1], means, withins,
            )  # fmt: skip
