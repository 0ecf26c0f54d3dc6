"""Eight rows' systems ``A x = b`` side by side, as `penchant.kernels.simd.cholesky` solves them.

A row's sums are gathered at a place of its own; then all eight are turned at once, so that what
stood in a row of memory stands across the lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penchant.kernels.aligned import aligned_parts
from penchant.kernels.jit import part
from penchant.kernels.simd.gram import chunk_of, row_moments
from penchant.kernels.simd.tiles import across
from penchant.kernels.simd.vector import at, broadcast, fma, load, mul, splat, store


class Lanes(NamedTuple):
    """The sums of eight rows, and their systems.

    Attributes:
        G: (8 · K²,) float32, ``Σ q qᵀ`` of each.
        s: (8 · K,) float32, ``Σ u q``.
        h: (8 · K,) float32, ``Σ e q``.
        ends: (16,) float32, ``Σ u²`` of each, and ``Σ u e``.
        scales: (16,) float32, α of each, and c.
        priors: (8 · P,) float32, m of each, P = D rounded up to a multiple of 8.
        normals: (8 · P,) float32, z of each; not set where means are asked for.
        errors: (chunk,) float32, scratch.
        A: (4 · D · (D + 1),) float32, see `penchant.kernels.simd.cholesky`.
        b: (8 · P,) float32, the right sides, then the rows.
        inverse: (8 · D,) float32.
    """

    G: Any
    s: Any
    h: Any
    ends: Any
    scales: Any
    priors: Any
    normals: Any
    errors: Any
    A: Any
    b: Any
    inverse: Any


def lanes_of(D: int, K: int) -> Lanes:
    """Return lanes for rows of width D = k + 1, K = k rounded up to a multiple of 8."""
    P = (D + 7) // 8 * 8
    sums = (8 * K * K, 8 * K, 8 * K, 16, 16, 8 * P, 8 * P, chunk_of(K))
    lanes = Lanes(*aligned_parts(*sums, 4 * D * (D + 1), 8 * P, 8 * D))
    lanes.priors[:], lanes.normals[:] = 0, 0  # what fills the last vectors up
    return lanes


@part
def gather(  # type: ignore[no-untyped-def]
    lanes, lane, row, indptr, indices, codes, levels, numbers, factors, K, biases, units, alpha, c,
    priors, normals, drawn,
):  # fmt: skip
    """Sum up one row's ratings at the place of its lane; its noise is row `drawn` of `normals`."""
    lo, hi = np.intp(at(indptr, row)), np.intp(at(indptr, row + 1))
    uu, ue = row_moments(
        codes, levels, numbers, factors, K, biases, units, indices, lo, hi, lanes.errors, lane,
        lanes.G, lanes.s, lanes.h,
    )  # fmt: skip
    p = np.uintp(lane)
    lanes.ends[p], lanes.ends[p + np.uintp(8)] = uu, ue
    lanes.scales[p], lanes.scales[p + np.uintp(8)] = alpha, c
    D, P = priors.shape[1], lanes.b.size // 8
    for d in range(D):
        lanes.priors[np.uintp(lane * P + d)] = priors[np.uintp(row), np.uintp(d)]
    if len(normals) > 0:
        for d in range(D):
            lanes.normals[np.uintp(lane * P + d)] = normals[np.uintp(drawn), np.uintp(d)]


@part
def repeat_first(lanes, first):  # type: ignore[no-untyped-def]
    """Copy the sums of the first lane to the lanes from `first` on."""
    for x in (lanes.G, lanes.s, lanes.h, lanes.priors):
        size = x.size // 8
        for place in range(first * size, 8 * size):
            x[np.uintp(place)] = x[np.uintp(place % size)]
    for x in (lanes.ends, lanes.scales):
        for lane in range(first, 8):
            x[lane], x[8 + lane] = x[0], x[8]


@part
def add_normals(lanes, D):  # type: ignore[no-untyped-def]
    """Add z to b."""
    b, P, one = lanes.b, lanes.b.size // 8, splat(np.float32(1))
    for j in range(0, D, 8):
        turned = across(lanes.normals, j, P)
        for d in range(j, min(j + 8, D)):
            store(b, 8 * d, fma(one, turned[d - j], load(b, 8 * d)))


@part
def assemble(lanes, K, precision):  # type: ignore[no-untyped-def]
    """Fill A with ``c Λ + α Σ f fᵀ`` and b with ``c Λ m + α Σ f e``; `precision` is flat."""
    P = lanes.b.size // 8
    D = lanes.inverse.size // 8
    k, A, b = D - 1, lanes.A, lanes.b
    alpha, c = load(lanes.scales, 0), load(lanes.scales, 8)
    for j in range(k):
        for i in range(j // 8 * 8, k, 8):
            turned = across(lanes.G, j * K + i, K * K)
            for m in range(max(i, j), min(i + 8, k)):
                a = mul(alpha, turned[m - i])
                store(A, 4 * m * (m + 1) + 8 * j, fma(c, broadcast(precision, m * D + j), a))
    last = 4 * k * (k + 1)
    for j in range(0, k, 8):
        turned = across(lanes.s, j, K)
        for m in range(j, min(j + 8, k)):
            a = mul(alpha, turned[m - j])
            store(A, last + 8 * m, fma(c, broadcast(precision, k * D + m), a))
    a = mul(c, broadcast(precision, k * D + k))
    store(A, last + 8 * k, fma(alpha, load(lanes.ends, 0), a))
    for i in range(D):
        store(b, 8 * i, splat(np.float32(0)))
    for j in range(0, D, 8):
        turned = across(lanes.priors, j, P)
        for n in range(j, min(j + 8, D)):
            m = mul(c, turned[n - j])
            for i in range(D):  # Λ is symmetric: its rows lie in memory as they are needed
                store(b, 8 * i, fma(broadcast(precision, n * D + i), m, load(b, 8 * i)))
    for j in range(0, k, 8):
        turned = across(lanes.h, j, K)
        for m in range(j, min(j + 8, k)):
            store(b, 8 * m, fma(alpha, turned[m - j], load(b, 8 * m)))
    store(b, 8 * k, fma(alpha, load(lanes.ends, 8), load(b, 8 * k)))


@part
def put_row(lanes, lane, row, K, factors, bias):  # type: ignore[no-untyped-def]
    """Write the row in a lane of b: its k factors to `factors`, flat (M · K,), and its bias."""
    D, b = lanes.inverse.size // 8, lanes.b
    for d in range(D - 1):
        factors[np.uintp(row * K + d)] = at(b, 8 * d + lane)
    bias[np.uintp(row)] = at(b, 8 * (D - 1) + lane)
