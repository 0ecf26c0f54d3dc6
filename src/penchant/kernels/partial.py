"""Partial sums of a row's ratings, whose total is the same bits in whatever order they are added.

The ratings of an item are spread over blocks of users. Users are cut into *segments*, fixed by
their number alone; what a segment adds to an item's normal equations is summed in the order of its
ratings, and then rounded to a multiple of a grid, 2⁻ᵍ. Sums of such multiples below 2⁵³⁻ᵍ are exact
in float64, so neither blocks nor workers nor the order of adding change a bit of the total (the
pre-rounding of Demmel & Nguyen 2015, "Parallel reproducible summation"). The rounding loses less
than float32 has lost before.

The sums of a row lie flat, `size_of(k)` numbers: ``Σ q qᵀ`` row after row of its upper triangle,
``Σ u q``, ``Σ e q``, ``Σ u²``, ``Σ u e``, with q, u, e of `penchant.kernels.rowstep`.
"""

from __future__ import annotations

import math

import numpy as np

from penchant.kernels.byte_values import parts_of
from penchant.kernels.jit import kernel
from penchant.kernels.rng import fill_normals
from penchant.kernels.rowstep import finish_rows
from penchant.kernels.simd.gram import chunk_of, row_moments
from penchant.kernels.simd.lanes import lanes_of, put_row

HEADROOM = 6
"""Powers of two that a rating's share of a sum may have on average, in units of the ratings'
deviation: the square of a factor, for instance."""


def size_of(k: int) -> int:
    """Return how many numbers the sums of a row of k factors are.

    >>> size_of(2)
    9
    """
    return k * (k + 1) // 2 + 2 * k + 2


def rounder_of(count: int) -> float:
    """Return the number c that rounds: ``(x + c) - c`` is x on the grid for sums of `count` parts.

    >>> (0.1 + rounder_of(1)) - rounder_of(1) == 0.1
    False
    """
    grid = 52 - HEADROOM - max(0, math.ceil(math.log2(max(1, count))))
    return 1.5 * 2.0 ** (52 - grid)


def limit_of(count: int) -> float:
    """Return how large a sum of `count` parts may get before it is no longer exact."""
    return rounder_of(count) / 3


@kernel
def add_rounded(parts, c, sums):  # type: ignore[no-untyped-def]
    """Add parts, flat, to sums, flat float64, each rounded by c of `rounder_of`; zero the parts."""
    for n in range(sums.size):
        sums[n] += (np.float64(parts[n]) + c) - c
        parts[n] = 0


def item_sums(  # type: ignore[no-untyped-def]
    items, starts, raters, values, names, shift, factors, k, biases, units, c, sums,
):  # fmt: skip
    """Add to the sums of some items what their ratings in these columns say.

    Args:
        items: (m,) int32 or int64, which items: rows of `starts`.
        starts: (N + 1,) int64, where each item's ratings start.
        raters: (n,) int32, the user of each rating, a row of `factors`; ascending within an item.
        values: (n,) float32.
        names: (U,) int64, what those users' rows are called in the whole table.
        shift: a segment holds 2^shift rows.
        factors: (U, K) float32 of the users, times their units; K a multiple of 8.
        k: the number of factors.
        biases: (U,) float32.
        units: (U,) float32.
        c: of `rounder_of`.
        sums: (m, `size_of(k)`) float64, added to.
    """
    K = factors.shape[1]
    G, s, h = np.empty(K * K, np.float32), np.empty(K, np.float32), np.empty(K, np.float32)
    _item_sums(
        items, starts, raters, *parts_of(values), names, shift, factors, k, biases, units, c, sums,
        np.empty(chunk_of(K), np.float32), G, s, h,
    )  # fmt: skip


@kernel
def _item_sums(  # type: ignore[no-untyped-def]
    items, starts, raters, codes, levels, numbers, names, shift, factors, k, biases, units, c, sums,
    errors, G, s, h,
):  # fmt: skip
    """Do so; errors, G, s and h are scratch."""
    K, lane = factors.shape[1], np.intp(0)
    flat = factors.reshape(-1)
    for m in range(items.size):
        lo, end = np.intp(starts[items[m]]), np.intp(starts[items[m] + 1])
        out = sums[m]
        while lo < end:
            segment, hi = names[raters[lo]] >> shift, lo + 1
            while hi < end and names[raters[hi]] >> shift == segment:
                hi += 1
            uu, ue = row_moments(
                codes, levels, numbers, flat, K, biases, units, raters, lo, hi, errors, lane, G, s,
                h,
            )  # fmt: skip
            _add_moments(G, s, h, uu, ue, K, k, c, out)
            lo = hi


@kernel
def _add_moments(G, s, h, uu, ue, K, k, c, out):  # type: ignore[no-untyped-def]
    """Add the moments of a segment to a row's sums, each rounded by c."""
    o = 0
    for i in range(k):
        row, part = out[o : o + k - i], G[i * K + i : i * K + k]
        for j in range(k - i):
            row[j] += (np.float64(part[j]) + c) - c
        o += k - i
    for i in range(k):
        out[o + i] += (np.float64(s[i]) + c) - c
        out[o + k + i] += (np.float64(h[i]) + c) - c
    out[o + 2 * k] += (np.float64(uu) + c) - c
    out[o + 2 * k + 1] += (np.float64(ue) + c) - c


@kernel
def add_to(rows, parts, sums):  # type: ignore[no-untyped-def]
    """Add ``parts[m]`` to ``sums[rows[m]]`` for each m."""
    for m in range(rows.size):
        out, part = sums[rows[m]], parts[m]
        for n in range(out.size):
            out[n] += part[n]


@kernel
def is_exact(sums, limit):  # type: ignore[no-untyped-def]
    """Return whether all of sums, (m, n) float64, are nearer to 0 than the limit."""
    fine = True
    for m in range(len(sums)):
        one = sums[m]
        for n in range(one.size):
            fine &= abs(one[n]) < limit
    return fine


def solve_sums(  # type: ignore[no-untyped-def]
    sums, K, alphas, precision, scales, priors, noise, sweep, side, key, first, out_factors,
    out_bias,
):  # fmt: skip
    """Solve rows of which the sums are known, as `penchant.kernels.rowstep.solve_rows` does.

    Args:
        sums: (m, `size_of(k)`) float64.
        K: k rounded up to a multiple of 8.
        alphas: (m,) float32, the noise precision of each row.
        precision: (D, D) float32, Λ.
        scales: (m,) float32, c.
        priors: (m, D) float32, m.
        noise: whether to draw rather than to take the mean.
        sweep: a counter of the noise, uint32.
        side: a counter of the noise, uint32.
        key: (2,) uint32 of `seed_key`.
        first: what row 0 of the arrays is called in the counters of the noise.
        out_factors: (m, K) float32, written; columns from k on are left alone.
        out_bias: (m,) float32, written.
    """
    D = precision.shape[0]
    lanes, m = lanes_of(D, K), len(sums)
    lanes.G[:] = 0
    normals = np.empty((m if noise else 0, D), np.float32)
    fill_normals(0, len(normals), sweep, side, key, normals, first)
    _solve_sums(sums, K, alphas, precision, scales, priors, normals, out_factors, out_bias, lanes)


@kernel
def _solve_sums(  # type: ignore[no-untyped-def]
    sums, K, alphas, precision, scales, priors, normals, out_factors, out_bias, lanes
):
    """Do so; lanes are scratch."""
    D, P = precision.shape[0], lanes.b.size // 8
    k, noise = D - 1, len(normals) > 0
    shared, out = precision.reshape(-1), out_factors.reshape(-1)
    for start in range(0, len(sums), 8):
        n = min(8, len(sums) - start)
        for lane in range(n):
            row, o = start + lane, 0
            one = sums[row]
            for i in range(k):
                for j in range(i, k):
                    lanes.G[(lane * K + i) * K + j] = np.float32(one[o])
                    o += 1
            for i in range(k):
                lanes.s[lane * K + i] = np.float32(one[o + i])
                lanes.h[lane * K + i] = np.float32(one[o + k + i])
            lanes.ends[lane] = np.float32(one[o + 2 * k])
            lanes.ends[8 + lane] = np.float32(one[o + 2 * k + 1])
            lanes.scales[lane], lanes.scales[8 + lane] = alphas[row], scales[row]
            for d in range(D):
                lanes.priors[lane * P + d] = priors[row, d]
                if noise:
                    lanes.normals[lane * P + d] = normals[row, d]
        finish_rows(lanes, n, K, shared, noise)
        for lane in range(n):
            put_row(lanes, lane, start + lane, K, out, out_bias)


@kernel
def add_bags(start, stop, indptr, indices, weights, rows, out):  # type: ignore[no-untyped-def]
    """Add ``weight_r row_r`` to line j of out for each rating (r, j) of rows start … stop-1.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64.
        indices: (n,) int32, lines of `out`.
        weights: (M,) float32.
        rows: (M, W) float32.
        out: (N, W) float32 or float64, added to.
    """
    W = rows.shape[1]
    for row in range(start, stop):
        w = weights[row]
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            j = indices[t]
            for d in range(W):
                out[j, d] += w * rows[row, d]


@kernel
def add_squares(start, stop, indptr, indices, errors, weights, out):  # type: ignore[no-untyped-def]
    """Add ``weight_r e²`` to out[j], float64, for each rating (r, j) of rows start … stop-1."""
    for row in range(start, stop):
        w = np.float64(weights[row])
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            e = np.float64(errors[t])
            out[indices[t]] += w * e * e
