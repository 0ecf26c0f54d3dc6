"""Gram matrices of a row's factors, summed in registers, and the row's right side.

`factors` is a flat view of an (N, K) float32 table whose width K is a multiple of 8 (columns of
zeros fill it up). A row's ratings stand at lo … hi-1 of `indices`. Sums run in the order of the
ratings, so a row's bits depend on that row alone.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel
from penchant.kernels.vector import fma, load, prefetch, splat, store

CHUNK = 8192
"""So many numbers of factors are summed in registers before they are added up: 32 KiB, which stay
in the nearest cache while the tiles pass over them. It bounds the rounding error of long rows, too.
"""

AHEAD = 64
"""The factors of the rating so many places ahead are asked for, of this row or the next."""


@kernel
def chunk_of(K):  # type: ignore[no-untyped-def]
    """Return how many ratings of K factors make a chunk, a multiple of 4 of at least 32."""
    return max(32, CHUNK // K // 4 * 4)


@kernel
def _add(x, o, v):  # type: ignore[no-untyped-def]
    store(x, o, fma(v, splat(np.float32(1)), load(x, o)))


@kernel
def _tile_8_by_8(factors, K, indices, lo, hi, i, j, G):  # type: ignore[no-untyped-def]
    """Add ``Σ q[i : i+8] q[j : j+8]ᵀ`` to G."""
    z = splat(np.float32(0))
    c0, c1, c2, c3, c4, c5, c6, c7 = z, z, z, z, z, z, z, z
    last = indices.size - 1
    for t in range(lo, hi):
        if i == 0:
            prefetch(factors, np.intp(indices[min(t + AHEAD, last)]) * K + j)
        o = np.intp(indices[t]) * K
        q = load(factors, o + j)
        o += i
        c0 = fma(splat(factors[o]), q, c0)
        c1 = fma(splat(factors[o + 1]), q, c1)
        c2 = fma(splat(factors[o + 2]), q, c2)
        c3 = fma(splat(factors[o + 3]), q, c3)
        c4 = fma(splat(factors[o + 4]), q, c4)
        c5 = fma(splat(factors[o + 5]), q, c5)
        c6 = fma(splat(factors[o + 6]), q, c6)
        c7 = fma(splat(factors[o + 7]), q, c7)
    g = i * K + j
    _add(G, g, c0)
    _add(G, g + K, c1)
    _add(G, g + 2 * K, c2)
    _add(G, g + 3 * K, c3)
    _add(G, g + 4 * K, c4)
    _add(G, g + 5 * K, c5)
    _add(G, g + 6 * K, c6)
    _add(G, g + 7 * K, c7)


@kernel
def _tile_8_by_16(factors, K, indices, lo, hi, i, j, G):  # type: ignore[no-untyped-def]
    """Add ``Σ q[i : i+8] q[j : j+16]ᵀ`` to G: each broadcast serves two products."""
    z = splat(np.float32(0))
    c0, c1, c2, c3, c4, c5, c6, c7 = z, z, z, z, z, z, z, z
    d0, d1, d2, d3, d4, d5, d6, d7 = z, z, z, z, z, z, z, z
    last = indices.size - 1
    for t in range(lo, hi):
        if i == 0:
            prefetch(factors, np.intp(indices[min(t + AHEAD, last)]) * K + j)
        o = np.intp(indices[t]) * K
        q, r = load(factors, o + j), load(factors, o + j + 8)
        o += i
        a = splat(factors[o])
        c0, d0 = fma(a, q, c0), fma(a, r, d0)
        a = splat(factors[o + 1])
        c1, d1 = fma(a, q, c1), fma(a, r, d1)
        a = splat(factors[o + 2])
        c2, d2 = fma(a, q, c2), fma(a, r, d2)
        a = splat(factors[o + 3])
        c3, d3 = fma(a, q, c3), fma(a, r, d3)
        a = splat(factors[o + 4])
        c4, d4 = fma(a, q, c4), fma(a, r, d4)
        a = splat(factors[o + 5])
        c5, d5 = fma(a, q, c5), fma(a, r, d5)
        a = splat(factors[o + 6])
        c6, d6 = fma(a, q, c6), fma(a, r, d6)
        a = splat(factors[o + 7])
        c7, d7 = fma(a, q, c7), fma(a, r, d7)
    g = i * K + j
    _add(G, g, c0)
    _add(G, g + 8, d0)
    _add(G, g + K, c1)
    _add(G, g + K + 8, d1)
    _add(G, g + 2 * K, c2)
    _add(G, g + 2 * K + 8, d2)
    _add(G, g + 3 * K, c3)
    _add(G, g + 3 * K + 8, d3)
    _add(G, g + 4 * K, c4)
    _add(G, g + 4 * K + 8, d4)
    _add(G, g + 5 * K, c5)
    _add(G, g + 5 * K + 8, d5)
    _add(G, g + 6 * K, c6)
    _add(G, g + 6 * K + 8, d6)
    _add(G, g + 7 * K, c7)
    _add(G, g + 7 * K + 8, d7)


@kernel
def _add_gram(factors, K, indices, lo, hi, G):  # type: ignore[no-untyped-def]
    for i in range(0, K, 8):
        j = i
        if (K - i) % 16 == 8:
            _tile_8_by_8(factors, K, indices, lo, hi, i, j, G)
            j += 8
        while j < K:
            _tile_8_by_16(factors, K, indices, lo, hi, i, j, G)
            j += 16


@kernel
def row_errors(values, biases, units, indices, lo, hi, errors):  # type: ignore[no-untyped-def]
    """Fill `errors` with ``e = u (value − b)`` of each rating; return ``Σ u²`` and ``Σ u e``.

    `units` (N,) is the last coordinate u of each augmented factor (q, u), `biases` (N,) the other
    side's. The sums, float64, run in four strands, which don't wait for each other.
    """
    u0 = u1 = u2 = u3 = e0 = e1 = e2 = e3 = 0.0
    t = lo
    while t + 4 <= hi:
        j0, j1, j2, j3 = indices[t], indices[t + 1], indices[t + 2], indices[t + 3]
        a0, a1, a2, a3 = units[j0], units[j1], units[j2], units[j3]
        b0, b1 = a0 * (values[t] - biases[j0]), a1 * (values[t + 1] - biases[j1])
        b2, b3 = a2 * (values[t + 2] - biases[j2]), a3 * (values[t + 3] - biases[j3])
        o = t - lo
        errors[o], errors[o + 1], errors[o + 2], errors[o + 3] = b0, b1, b2, b3
        u0, u1, u2, u3 = u0 + a0 * a0, u1 + a1 * a1, u2 + a2 * a2, u3 + a3 * a3
        e0, e1, e2, e3 = e0 + a0 * b0, e1 + a1 * b1, e2 + a2 * b2, e3 + a3 * b3
        t += 4
    while t < hi:
        j0 = indices[t]
        a0 = units[j0]
        b0 = a0 * (values[t] - biases[j0])
        errors[t - lo] = b0
        u0, e0 = u0 + a0 * a0, e0 + a0 * b0
        t += 1
    return (u0 + u1) + (u2 + u3), (e0 + e1) + (e2 + e3)


@kernel
def _add_sums(factors, K, units, errors, indices, lo, hi, s, h):  # type: ignore[no-untyped-def]
    """Add ``Σ u q`` and ``Σ e q`` to s and h; `errors` starts with that of rating lo."""
    zero = splat(np.float32(0))
    for j in range(0, K, 8):
        a, b = zero, zero
        for t in range(lo, hi):
            q = load(factors, np.intp(indices[t]) * K + j)
            a = fma(splat(units[indices[t]]), q, a)
            b = fma(splat(errors[t - lo]), q, b)
        _add(s, j, a)
        _add(h, j, b)


@kernel
def row_moments(  # type: ignore[no-untyped-def]
    values, factors, K, biases, units, indices, lo, hi, errors, G, s, h
):
    """Sum up a row's ratings, chunk by chunk, while a chunk's factors are in the cache.

    Args:
        values: (n,) float32.
        factors: flat (N · K,) float32.
        K: their width.
        biases: (N,) float32, b of the other side.
        units: (N,) float32, u, the last coordinate of each augmented factor (q, u).
        indices: (n,) int32, the other side's row of each rating.
        lo: the row's first rating.
        hi: one past its last.
        errors: (`chunk_of(K)`,) float32, scratch.
        G: flat (K · K,) float32, filled with ``Σ q qᵀ`` in its upper triangle; whole tiles of 8
            are filled, so parts of the lower triangle are too.
        s: (K,) float32, filled with ``Σ u q``.
        h: (K,) float32, filled with ``Σ e q``, ``e = u (value − b)``.

    Returns:
        ``Σ u²`` and ``Σ u e``, float32.
    """
    G[: K * K] = np.float32(0)
    s[:K] = np.float32(0)
    h[:K] = np.float32(0)
    uu, ue, chunk = 0.0, 0.0, chunk_of(K)
    for first in range(lo, hi, chunk):
        last = min(first + chunk, hi)
        a, b = row_errors(values, biases, units, indices, first, last, errors)
        uu, ue = uu + a, ue + b
        _add_gram(factors, K, indices, first, last, G)
        _add_sums(factors, K, units, errors, indices, first, last, s, h)
    return np.float32(uu), np.float32(ue)
