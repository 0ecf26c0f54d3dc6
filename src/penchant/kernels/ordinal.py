"""Kernels of the ordered probit: latent values of ratings, their likelihood, expected ratings.

A rating with star s, mean η and standard deviation d has a latent value that is normal, cut off by
the star's thresholds: γ_s below and γ_{s+1} above, infinite at the ends. All is in float64: the
tails of an interval are differences of small numbers. `penchant.kernels.plain.ordinal` holds the
twins in NumPy.
"""

from __future__ import annotations

import math

import numpy as np

from penchant.kernels.jit import kernel
from penchant.kernels.rng import philox
from penchant.kernels.simd.vector import fma, load, splat, total
from penchant.stars import LEAST

_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)


@kernel
def _tail(x):  # type: ignore[no-untyped-def]
    """Return P(Z > x)."""
    return 0.5 * math.erfc(x * _ROOT_HALF)


@kernel
def interval(a, b):  # type: ignore[no-untyped-def]
    """Return P(a < Z < b), from the tails on the side where they are small."""
    if a > 0:
        p = _tail(a) - _tail(b)
    elif b < 0:
        p = _tail(-b) - _tail(-a)
    else:
        p = 1.0 - _tail(-a) - _tail(b)
    return max(p, LEAST)


@kernel
def quantile(p):  # type: ignore[no-untyped-def]
    """Return the normal quantile of p, to 16 digits: algorithm AS 241 (Wichura 1988)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        n = ((r * 2509.0809287301226727 + 33430.575583588128105) * r + 67265.770927008700853) * r
        n = ((n + 45921.953931549871457) * r + 13731.693765509461125) * r
        n = ((n + 1971.5909503065514427) * r + 133.14166789178437745) * r + 3.387132872796366608
        d = ((r * 5226.495278852545925 + 28729.085735721942674) * r + 39307.89580009271061) * r
        d = ((d + 21213.794301586595867) * r + 5394.1960214247511077) * r
        d = ((d + 687.1870074920579083) * r + 42.313330701600911252) * r + 1.0
        return q * n / d
    r = math.sqrt(-math.log(min(p, 1 - p)))
    if r <= 5:
        r -= 1.6
        n = ((r * 7.7454501427834140764e-4 + 0.0227238449892691845833) * r) + 0.24178072517745061177
        n = (n * r + 1.27045825245236838258) * r + 3.64784832476320460504
        n = (n * r + 5.7694972214606914055) * r + 4.6303378461565452959
        n = n * r + 1.42343711074968357734
        d = (
            (r * 1.05075007164441684324e-9 + 5.475938084995344946e-4) * r
        ) + 0.0151986665636164571966
        d = (d * r + 0.14810397642748007459) * r + 0.68976733498510000455
        d = (d * r + 1.6763848301838038494) * r + 2.05319162663775882187
        d = d * r + 1.0
    else:
        r -= 5
        n = (
            (r * 2.01033439929228813265e-7 + 2.71155556874348757815e-5) * r
        ) + 0.0012426609473880784386
        n = (n * r + 0.026532189526576123093) * r + 0.29656057182850489123
        n = (n * r + 1.7848265399172913358) * r + 5.4637849111641143699
        n = n * r + 6.6579046435011037772
        d = (r * 2.04426310338993978564e-15 + 1.4215117583164458887e-7) * r
        d = (d + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4
        d = (d * r + 0.0148753612908506148525) * r + 0.13692988092273580531
        d = (d * r + 0.59983220655588793769) * r + 1.0
    return -n / d if q < 0 else n / d


@kernel
def _within(a, b, u):  # type: ignore[no-untyped-def]
    """Return the point of a < Z < b below which a share u of the probability lies.

    So far out that nothing is probable it is the nearer end.
    """
    if a + b > 0:  # measured from above, where the tails are small
        high, low = _tail(a), _tail(b)
        return max(a, min(b, -quantile(max(high - u * (high - low), LEAST))))
    low, high = _tail(-a), _tail(-b)
    return max(a, min(b, quantile(max(low + u * (high - low), LEAST))))


@kernel
def latent_means(start, stop, indptr, indices, P, bu, Q, bi, eta):  # type: ignore[no-untyped-def]
    """Fill `eta`, (n,) float32, of rows start … stop-1 with ``b + b' + p · q`` of each rating."""
    K = P.shape[1]
    p, q = P.reshape(-1), Q.reshape(-1)
    for row in range(start, stop):
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            j = np.intp(indices[t])
            a = splat(np.float32(0))
            for k in range(0, K, 8):
                a = fma(load(p, row * K + k), load(q, j * K + k), a)
            eta[t] = bu[row] + bi[j] + total(a)


@kernel
def head_means(start, stop, indptr, indices, rows, bias, draws, eta):  # type: ignore[no-untyped-def]
    """Fill `eta`, (n,) float32, of rows start … stop-1 with the heads' mean of each rating's mean.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64.
        indices: (n,) int32, the other side's rows.
        rows: (H, M, K) float32, K of at least k.
        bias: (H, M) float32.
        draws: (H, N, k + 1) float32, the other side's factors and biases.
        eta: written.
    """
    H, k = draws.shape[0], draws.shape[2] - 1
    for row in range(start, stop):
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            j, a = np.intp(indices[t]), 0.0
            for h in range(H):
                a += np.float64(bias[h, row]) + np.float64(draws[h, j, k])
                for c in range(k):
                    a += np.float64(rows[h, row, c]) * np.float64(draws[h, j, c])
            eta[t] = np.float32(a / H)


@kernel
def log_likelihoods(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, places, moved, edges, eta, units, other_units, root, sums
):
    """Fill `sums`, (M, S) float64, with the log-likelihood of each row's ratings of each star.

    Args:
        start: the first row.
        stop: one past the last row.
        indptr: (M + 1,) int64.
        indices: (n,) int32, the other side's rows.
        places: (n,) uint8, the stars.
        moved: (S,) bool, the stars to look at.
        edges: (S + 1,) float64, the thresholds between infinities.
        eta: (n,) float32, the means.
        units: (M,) float32, the roots of the rows' weights.
        other_units: (N,) float32, of the other side.
        root: the root of the noise precision α.
        sums: written for rows start … stop-1.
    """
    for row in range(start, stop):
        sums[row] = 0.0
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            s = np.intp(places[t])
            if moved[s]:
                r = root * np.float64(units[row]) * np.float64(other_units[np.intp(indices[t])])
                m = np.float64(eta[t])
                sums[row, s] += math.log(interval(r * (edges[s] - m), r * (edges[s + 1] - m)))


@kernel
def draw_latents(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, places, edges, eta, units, other_units, root, sweep, side, key,
    out,
):  # fmt: skip
    """Fill `out`, (n,) float32, with a draw of each rating's latent value; see `log_likelihoods`.

    The draw is a pure function of (key, sweep, side, row, the other side's row).
    """
    k0, k1 = key[0], key[1]
    sweep, side = np.uint32(sweep), np.uint32(side)
    for row in range(start, stop):
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            j, s = np.intp(indices[t]), np.intp(places[t])
            word = philox(np.uint32(j), np.uint32(row), sweep, side, k0, k1)[0]
            u = (np.float64(word) + 0.5) * 2.0**-32
            r = root * np.float64(units[row]) * np.float64(other_units[j])
            m = np.float64(eta[t])
            a, b = r * (edges[s] - m), r * (edges[s + 1] - m)
            out[t] = np.float32(m + _within(a, b, u) / r)


@kernel
def mean_latents(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, places, edges, eta, units, other_units, root, out
):
    """Fill `out`, (n,) float32, with the mean of each rating's latent value given its star."""
    for row in range(start, stop):
        for t in range(np.intp(indptr[row]), np.intp(indptr[row + 1])):
            s = np.intp(places[t])
            r = root * np.float64(units[row]) * np.float64(other_units[np.intp(indices[t])])
            m = np.float64(eta[t])
            a, b = r * (edges[s] - m), r * (edges[s + 1] - m)
            drop = math.exp(-0.5 * a * a) - math.exp(-0.5 * b * b)
            z = _DENSITY * drop / interval(a, b)
            out[t] = np.float32(m + max(a, min(b, z)) / r)


@kernel
def expected_ratings(  # type: ignore[no-untyped-def]
    start, stop, user_rows, item_rows, eta, units, other_units, root, thresholds, values, out
):
    """Fill out[start:stop], float32, with the expected rating of pairs of rows of means `eta`."""
    S = len(values)
    for n in range(start, stop):
        r = root * np.float64(units[user_rows[n]]) * np.float64(other_units[item_rows[n]])
        m, e = np.float64(eta[n]), np.float64(values[0])
        for s in range(S - 1):
            e += (np.float64(values[s + 1]) - np.float64(values[s])) * _tail(
                r * (thresholds[s] - m)
            )
        out[n] = np.float32(e)
