"""Predictions of pairs, residuals, and what follows from them, row by row."""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel, part
from penchant.kernels.simd.vector import at, fma, load, prefetch, splat, total

AHEAD = 32
"""The factors of the rating so many places ahead are asked for, of this row or the next …"""

NEAR = 2**18
"""… where the table holds more numbers than this: a smaller one stays in the nearer caches."""


@part
def _dot(x, o, y, q, K):  # type: ignore[no-untyped-def]
    a = splat(np.float32(0))
    for j in range(0, K, 8):
        a = fma(load(x, o + j), load(y, q + j), a)
    return total(a)


@part
def _ask(x, indices, t, K):  # type: ignore[no-untyped-def]
    """Ask for the factors of the rating `AHEAD` places after t."""
    o = np.intp(at(indices, min(t + AHEAD, indices.size - 1))) * K
    for j in range(0, K, 16):
        prefetch(x, o + j)


@part
def _error(t, far, indices, values, p, o, b, q, other_biases, K):  # type: ignore[no-untyped-def]
    """Return ``value − b − b' − p · q`` of rating t, and the other side's row."""
    if far:
        _ask(q, indices, t, K)
    j = np.intp(at(indices, t))
    return at(values, t) - b - at(other_biases, j) - _dot(p, o, q, j * K, K), j


@kernel
def row_errors(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, factors, biases, other_factors, other_biases,
    other_weights, errors, sums,
):  # fmt: skip
    """Fill the errors ``e = value − b − b' − p · q`` of rows start … stop-1 and their sums.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64.
        indices: (n,) int32, the other side's rows.
        values: (n,) float32, or as `penchant.kernels.byte_values` has them.
        factors: (M, K) float32, K a multiple of 8.
        biases: (M,) float32.
        other_factors: (N, K) float32.
        other_biases: (N,) float32.
        other_weights: (N,) float32, w.
        errors: (n,) float32, written.
        sums: (M,) float64, written: ``Σ w e²`` of each row, in the order of its ratings.
    """
    K = factors.shape[1]
    p, q, far = factors.reshape(-1), other_factors.reshape(-1), other_factors.size > NEAR
    for row in range(start, stop):
        o, b, a = row * K, at(biases, row), 0.0
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            e, j = _error(t, far, indices, values, p, o, b, q, other_biases, K)
            errors[np.uintp(t)] = e
            a += np.float64(at(other_weights, j)) * np.float64(e) * np.float64(e)
        sums[row] = a


@kernel
def row_means(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, factors, biases, other_factors, other_biases,
    other_weights, known, count, low, high, fixed, averages, sums, clipped,
):  # fmt: skip
    """Fill the sums ``Σ w e²`` as `row_squares` does, and take the predictions into their means.

    A mean is kept in `averages`, (n,), as a whole number a, for ``fixed[0] + fixed[1] a``, of at
    most fixed[2]. It is compared with `known`, (n,), the ratings without what `values` are less,
    and is clipped to low … high, float32, for that: `clipped`, (M,) float64, gets each row's
    squares. `count` says how many draws there are with this one.
    """
    K, share = factors.shape[1], np.float32(1.0 / count)
    p, q, far = factors.reshape(-1), other_factors.reshape(-1), other_factors.size > NEAR
    middle, step, most = fixed[0], fixed[1], fixed[2]
    for row in range(start, stop):
        o, b, a, c = row * K, at(biases, row), 0.0, 0.0
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            e, j = _error(t, far, indices, values, p, o, b, q, other_biases, K)
            a += np.float64(at(other_weights, j)) * np.float64(e) * np.float64(e)
            rating = at(known, t)
            mean = middle + step * np.float32(at(averages, t))
            mean += share * (rating - e - mean)
            averages[np.uintp(t)] = np.rint(min(max((mean - middle) / step, -most), most))
            d = np.float64(rating - min(max(mean, low), high))
            c += d * d
        sums[row], clipped[row] = a, c


@kernel
def row_squares(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, factors, biases, other_factors, other_biases,
    other_weights, sums,
):  # fmt: skip
    """Fill the sums ``Σ w e²`` of rows start … stop-1 as `row_errors` does, and keep no errors."""
    K = factors.shape[1]
    p, q, far = factors.reshape(-1), other_factors.reshape(-1), other_factors.size > NEAR
    for row in range(start, stop):
        o, b, a = row * K, at(biases, row), 0.0
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            d, j = _error(t, far, indices, values, p, o, b, q, other_biases, K)
            e = np.float64(d)
            a += np.float64(at(other_weights, j)) * e * e
        sums[row] = a


@kernel
def row_scores(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, values, factors, biases, other_factors, other_biases,
    other_weights, low, high, sums, clipped,
):  # fmt: skip
    """Fill the sums ``Σ w e²`` as `row_squares` does, and those of what is measured.

    `clipped`, (M,) float64, gets each row's ``Σ (value − prediction)²`` without weights, the
    prediction clipped to low … high, float32; NaN where one is not finite.
    """
    K = factors.shape[1]
    p, q, far = factors.reshape(-1), other_factors.reshape(-1), other_factors.size > NEAR
    for row in range(start, stop):
        o, b, a, c = row * K, at(biases, row), 0.0, 0.0
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            if far:
                _ask(q, indices, t, K)
            j = np.intp(at(indices, t))
            predicted = b + at(other_biases, j) + _dot(p, o, q, j * K, K)
            e = np.float64(at(values, t) - predicted)
            a += np.float64(at(other_weights, j)) * e * e
            inside = predicted
            if predicted < low:
                inside = low
            if predicted > high:
                inside = high
            e = np.float64(at(values, t) - inside) + 0 * e  # an infinity is no rating
            c += e * e
        sums[row], clipped[row] = a, c


@kernel
def predict_pairs(start, stop, user_rows, item_rows, P, bu, Q, bi, out):  # type: ignore[no-untyped-def]
    """Fill out[start:stop], float32, with ``b_u + b_i + p_u · q_i`` of pairs of rows."""
    K = P.shape[1]
    p, q = P.reshape(-1), Q.reshape(-1)
    for n in range(start, stop):
        if P.size > NEAR:
            _ask(p, user_rows, n, K)
        if Q.size > NEAR:
            _ask(q, item_rows, n, K)
        u, i = np.intp(at(user_rows, n)), np.intp(at(item_rows, n))
        out[np.uintp(n)] = at(bu, u) + at(bi, i) + _dot(p, u * K, q, i * K, K)
