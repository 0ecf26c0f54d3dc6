"""The row step where a row has few ratings and many factors: one small system of its ratings.

With ``L Lᵀ = Λ`` the row is whitened, y = Lᵀ x, f̃ = L⁻¹ f, so that its prior is N(Lᵀ m, I / c).
F̃ holds the row's n ratings, e their weighted deviations. A draw by Bhattacharya, Chakraborty &
Mallick (2016, algorithm 1), the mean where the noises z and δ are zero:

    y₀ = Lᵀ m + z / √c,      w = (F̃ F̃ᵀ / c + I / α)⁻¹ (e − F̃ y₀ − δ / √α)
    y = y₀ + F̃ᵀ w / c,       x = L⁻ᵀ y

Up to eight ratings go abreast, so the work is D² instead of D³.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.kernels.aligned import aligned_parts
from penchant.kernels.jit import kernel, part
from penchant.kernels.rng import row_normals, scratch_of
from penchant.kernels.simd.gram import row_errors
from penchant.kernels.simd.vector import at, fma, load, mul, splat, store, total

MOST_RATINGS = 8
"""Rows of up to so many ratings are solved this way …"""

LEAST_WIDTH = 33
"""… where D is at least this: below, eight Cholesky factorisations abreast are as fast."""


@part
def root_of(precision, L, inverse):  # type: ignore[no-untyped-def]
    """Fill L, flat (D · D,) float32, with the Cholesky factor of Λ; `inverse` (D,) 1 / diagonal."""
    D = precision.shape[0]
    for i in range(D):
        for j in range(i + 1):
            a = np.float64(precision[i, j])
            for p in range(j):
                a -= np.float64(L[i * D + p]) * np.float64(L[j * D + p])
            L[i * D + j] = np.sqrt(a) if i == j else a * inverse[j]
        inverse[i] = 1 / L[i * D + i]


@part
def _whiten(factors, K, units, indices, lo, n, L, inverse, D, V):  # type: ignore[no-untyped-def]
    """Fill V, (8 D,), with F̃: ``V[8 i + r]`` is coordinate i of rating r; zeros from n on."""
    for i in range(D):
        for r in range(8):
            V[8 * i + r] = np.float32(0)
    for r in range(n):
        o = np.intp(indices[lo + r]) * K
        for i in range(D - 1):
            V[8 * i + r] = factors[o + i]
        V[8 * (D - 1) + r] = units[indices[lo + r]]
    for i in range(D):
        a = load(V, 8 * i)
        for p in range(i):
            a = fma(splat(-L[i * D + p]), load(V, 8 * p), a)
        store(V, 8 * i, mul(a, splat(inverse[i])))


@part
def _gram(V, D, S):  # type: ignore[no-untyped-def]
    """Fill S, (64,), with ``F̃ F̃ᵀ``."""
    c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = splat(np.float32(0))
    for i in range(D):
        o = 8 * i
        v = load(V, o)
        c0, c1 = fma(splat(V[o]), v, c0), fma(splat(V[o + 1]), v, c1)
        c2, c3 = fma(splat(V[o + 2]), v, c2), fma(splat(V[o + 3]), v, c3)
        c4, c5 = fma(splat(V[o + 4]), v, c4), fma(splat(V[o + 5]), v, c5)
        c6, c7 = fma(splat(V[o + 6]), v, c6), fma(splat(V[o + 7]), v, c7)
    store(S, 0, c0)
    store(S, 8, c1)
    store(S, 16, c2)
    store(S, 24, c3)
    store(S, 32, c4)
    store(S, 40, c5)
    store(S, 48, c6)
    store(S, 56, c7)


@part
def _solve_small(S, n, w):  # type: ignore[no-untyped-def]
    """Turn w into ``S⁻¹ w`` in place, S (8 · 8,) positive definite in its first n rows."""
    for i in range(n):
        for j in range(i + 1):
            a = S[8 * i + j]
            for p in range(j):
                a -= S[8 * i + p] * S[8 * j + p]
            S[8 * i + j] = np.sqrt(a) if i == j else a / S[9 * j]
    for i in range(n):
        for p in range(i):
            w[i] -= S[8 * i + p] * w[p]
        w[i] /= S[9 * i]
    for i in range(n - 1, -1, -1):
        for p in range(i + 1, n):
            w[i] -= S[8 * p + i] * w[p]
        w[i] /= S[9 * i]


@part
def solve_short(  # type: ignore[no-untyped-def]
    factors, K, units, indices, lo, n, errors, alpha, c, prior, L, inverse, z, noise, V, S, y
):
    """Leave the row x in y, (D,) float32.

    Args:
        factors: flat (N · K,) float32, the other side's.
        K: its width.
        units: (N,) float32, the last coordinate of each.
        indices: (…,) int32, where the row's ratings stand at lo … lo + n - 1.
        lo: the first.
        n: how many, at most 8.
        errors: (8,) float32, the weighted deviations e, zeros from n on; spoilt.
        alpha: the noise precision.
        c: the scale of the prior precision.
        prior: (D,) float32, m.
        L: flat (D · D,) float32 of `root_of`.
        inverse: (D,) float32 of `root_of`.
        z: (4, …) float32 of `row_normals`: D coordinates for the prior, n for the ratings.
        noise: whether to draw.
        V: (8 D,) float32, scratch.
        S: (64,) float32, scratch.
        y: (D,) float32, written.
    """
    D = inverse.size
    y[:] = np.float32(0)
    for p in range(D):
        m = prior[p]
        for i in range(p + 1):
            y[i] += L[p * D + i] * m
    if noise:
        root = np.float32(1) / np.sqrt(c)
        for i in range(D):
            y[i] += z[i & 3, i >> 2] * root
    if n > 0:
        _whiten(factors, K, units, indices, lo, n, L, inverse, D, V)
        _gram(V, D, S)
        for r in range(64):
            S[r] /= c
        for r in range(n):
            S[9 * r] += np.float32(1) / alpha
            if noise:
                errors[r] -= z[(D + r) & 3, (D + r) >> 2] / np.sqrt(alpha)
        e = load(errors, 0)
        for i in range(D):
            e = fma(splat(-y[i]), load(V, 8 * i), e)
        store(errors, 0, e)
        _solve_small(S, n, errors)
        w = mul(load(errors, 0), splat(np.float32(1) / c))
        for i in range(D):
            y[i] += total(mul(load(V, 8 * i), w))
    for i in range(D - 1, -1, -1):
        y[i] *= inverse[i]
        x = y[i]
        for p in range(i):
            y[p] -= L[i * D + p] * x


def room_of(D: int) -> tuple[Any, ...]:
    """Return scratch for `solve_short_rows`: L, root, V, S, y, e, and room for D + 8 normals."""
    return *aligned_parts(D * D, D, 8 * D, 64, D, 8), scratch_of((D + 8 + 31) // 32 * 8)


@kernel
def solve_short_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, codes, levels, numbers, factors, biases, units, alphas, precision,
    scales, priors, noise, sweep, side, key, out_factors, out_bias, first, room,
):  # fmt: skip
    """Solve those of rows start … stop-1 that have at most `MOST_RATINGS`, in H heads.

    Arrays are as for `penchant.kernels.rowstep.solve_in_heads`, the values as
    `penchant.kernels.byte_values.parts_of` has them; `room` is of `room_of`.
    """
    K, D = factors.shape[2], precision.shape[1]
    L, root, V, S, y, errors, scratch = room
    z, blocks = scratch.z, scratch.radius.size
    for s in range(len(factors)):
        root_of(precision[s], L, root)
        flat = factors[s].reshape(-1)
        for row in range(start, stop):
            lo, hi = np.intp(at(indptr, row)), np.intp(at(indptr, row + 1))
            if hi - lo > MOST_RATINGS:
                continue
            errors[:] = np.float32(0)
            row_errors(codes, levels, numbers, biases[s], units, indices, lo, hi, errors)
            if noise:
                row_normals(blocks, row + first, sweep, side, key, scratch)
            solve_short(
                flat, K, units, indices, lo, hi - lo, errors, alphas[s, row], scales[row],
                priors[s, row], L, root, z, noise, V, S, y,
            )  # fmt: skip
            for d in range(D - 1):
                out_factors[s, row, d] = y[d]
            out_bias[s, row] = y[D - 1]
