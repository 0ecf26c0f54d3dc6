"""Gram matrices of a row's factors, summed in registers, and the row's right side.

`factors` is a flat view of an (N, K) float32 table whose width K is a multiple of 8 (columns of
zeros fill it up). A row's ratings stand at lo … hi-1 of `indices`. Sums run in the order of the
ratings, each by itself, so a row's bits depend on that row alone, and not on the tiles.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.byte_values import Coded
from penchant.kernels.jit import inlined, part
from penchant.kernels.simd.tiles import add, outer, tile_8, tile_8_by_16, tile_16
from penchant.kernels.simd.vector import WIDE, at, axpy, prefetch, splat, store

CHUNK = 8192
"""So many numbers of factors are summed in registers before they are added up: 32 KiB, which stay
in the nearest cache while the tiles pass over them. It bounds the rounding error of long rows, too.
"""

AHEAD = 64
"""The factors of the rating so many places ahead are asked for, of this row or the next."""


def chunk_of(K: int) -> int:
    """Return how many ratings of K factors make a chunk, a multiple of 4 of at least 32."""
    return max(32, CHUNK // K // 4 * 4)


@part
def _tile(c, factors, K, indices, lo, hi, i, j, G, g):  # type: ignore[no-untyped-def]
    """Add ``Σ q[i : …] q[j : …]ᵀ`` to G, a tile of the shape of the zeros c."""
    for t in range(lo, hi):
        o = np.intp(at(indices, t)) * K
        c = outer(c, factors, o + i, o + j)
    add(G, g + i * K + j, K, c)


@part
def _first_tile(c, factors, K, units, errors, indices, lo, hi, j, G, g, s, h, o):  # type: ignore[no-untyped-def]
    """Add ``Σ q[0 : …] q[j : …]ᵀ`` to G, and the columns' ``Σ u q`` and ``Σ e q`` to s and h."""
    a, b = c[0], c[0]
    last = indices.size - 1
    for t in range(lo, hi):
        prefetch(factors, np.intp(at(indices, min(t + AHEAD, last))) * K + j)
        r = np.intp(at(indices, t))
        c = outer(c, factors, r * K, r * K + j)
        a = axpy(a, at(units, r), factors, r * K + j)
        b = axpy(b, at(errors, t - lo), factors, r * K + j)
    add(G, g + j, K, c)
    add(s, o + j, 0, (a,))
    add(h, o + j, 0, (b,))


@inlined
def add_sums(factors, K, units, errors, indices, lo, hi, wide, G, g, s, h, o):  # type: ignore[no-untyped-def]
    """Add the upper triangle of ``Σ q qᵀ``, ``Σ u q`` and ``Σ e q`` of some ratings.

    In tiles of 16 × 16 where `wide`, which says that registers hold as much.
    """
    high = 16 if wide and K % 16 == 0 else 8
    j = 0
    if K % 16 == 8:
        _first_tile(tile_8(), factors, K, units, errors, indices, lo, hi, j, G, g, s, h, o)
        j = 8
    while j < K:
        if high == 16:
            _first_tile(tile_16(), factors, K, units, errors, indices, lo, hi, j, G, g, s, h, o)
        else:
            _first_tile(
                tile_8_by_16(), factors, K, units, errors, indices, lo, hi, j, G, g, s, h, o
            )
        j += 16
    i = high
    while i < K:
        j = i
        if (K - i) % 16 == 8:
            _tile(tile_8(), factors, K, indices, lo, hi, i, j, G, g)
            j += 8
        while j < K:
            if wide and (K - i) % 16 == 0:
                _tile(tile_16(), factors, K, indices, lo, hi, i, j, G, g)
            else:
                _tile(tile_8_by_16(), factors, K, indices, lo, hi, i, j, G, g)
            j += 16
        i += 16 if wide and (K - i) % 16 == 0 else 8


@part
def _errors(values, biases, units, indices, lo, hi, errors):  # type: ignore[no-untyped-def]
    """Fill `errors` with ``e = u (value − b)`` of each rating; return ``Σ u²`` and ``Σ u e``.

    `units` (N,) is the last coordinate u of each augmented factor (q, u), `biases` (N,) the other
    side's. The sums, float64, run in four strands, which don't wait for each other.
    """
    u0 = u1 = u2 = u3 = e0 = e1 = e2 = e3 = 0.0
    t = lo
    while t + 4 <= hi:
        j0, j1, j2, j3 = at(indices, t), at(indices, t + 1), at(indices, t + 2), at(indices, t + 3)
        a0, a1, a2, a3 = at(units, j0), at(units, j1), at(units, j2), at(units, j3)
        b0 = a0 * (at(values, t) - at(biases, j0))
        b1 = a1 * (at(values, t + 1) - at(biases, j1))
        b2 = a2 * (at(values, t + 2) - at(biases, j2))
        b3 = a3 * (at(values, t + 3) - at(biases, j3))
        o = np.uintp(t - lo)
        errors[o], errors[o + 1], errors[o + 2], errors[o + 3] = b0, b1, b2, b3
        u0, u1, u2, u3 = u0 + a0 * a0, u1 + a1 * a1, u2 + a2 * a2, u3 + a3 * a3
        e0, e1, e2, e3 = e0 + a0 * b0, e1 + a1 * b1, e2 + a2 * b2, e3 + a3 * b3
        t += 4
    while t < hi:
        j0 = at(indices, t)
        a0 = at(units, j0)
        b0 = a0 * (at(values, t) - at(biases, j0))
        errors[np.uintp(t - lo)] = b0
        u0, e0 = u0 + a0 * a0, e0 + a0 * b0
        t += 1
    return (u0 + u1) + (u2 + u3), (e0 + e1) + (e2 + e3)


@part
def row_errors(codes, levels, numbers, biases, units, indices, lo, hi, errors):  # type: ignore[no-untyped-def]
    """Fill `errors` as `_errors` does, of values in bytes or plain ones."""
    if codes.size > 0:
        return _errors(Coded(codes, levels), biases, units, indices, lo, hi, errors)
    return _errors(numbers, biases, units, indices, lo, hi, errors)


@part
def row_moments(  # type: ignore[no-untyped-def]
    codes, levels, numbers, factors, K, biases, units, indices, lo, hi, errors, lane, G, s, h
):
    """Sum up a row's ratings, chunk by chunk, while a chunk's factors are in the cache.

    Args:
        codes: the values, as `penchant.kernels.byte_values.parts_of` has them.
        levels: of `parts_of`.
        numbers: of `parts_of`.
        factors: flat (N · K,) float32.
        K: their width.
        biases: (N,) float32, b of the other side.
        units: (N,) float32, u, the last coordinate of each augmented factor (q, u).
        indices: (n,) int32, the other side's row of each rating.
        lo: the row's first rating.
        hi: one past its last.
        errors: (`chunk_of(K)`,) float32, scratch.
        lane: which of the places in G, s and h to fill.
        G: flat (…, K · K) float32, filled with ``Σ q qᵀ`` in its upper triangle; whole tiles of 8
            are filled, so parts of the lower triangle are too.
        s: flat (…, K) float32, filled with ``Σ u q``.
        h: flat (…, K) float32, filled with ``Σ e q``, ``e = u (value − b)``.

    Returns:
        ``Σ u²`` and ``Σ u e``, float32.
    """
    g, o, zero = lane * K * K, lane * K, splat(np.float32(0))
    for p in range(g, g + K * K, 8):
        store(G, p, zero)
    for p in range(o, o + K, 8):
        store(s, p, zero)
        store(h, p, zero)
    uu, ue, chunk = 0.0, 0.0, errors.size
    for first in range(lo, hi, chunk):
        last = first + chunk
        if last > hi:
            last = hi
        a, b = row_errors(codes, levels, numbers, biases, units, indices, first, last, errors)
        uu, ue = uu + a, ue + b
        add_sums(factors, K, units, errors, indices, first, last, WIDE, G, g, s, h, o)
    return np.float32(uu), np.float32(ue)
