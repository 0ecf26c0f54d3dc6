"""Cholesky of eight small systems abreast.

The lower triangle of a symmetric D × D matrix is packed row by row; element (i, j) of the system in
lane l stands at ``8 (i (i + 1) / 2 + j) + l`` of a flat float32 array. Vectors are ``8 i + l``. All
lanes do the same steps, so a system's bits don't depend on its lane or its neighbours.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import part
from penchant.kernels.simd.vector import div, fma, load, mul, splat, sqrt, store, sub


@part
def factorise(A, D, inverse):  # type: ignore[no-untyped-def]
    """Turn A into L with ``L Lᵀ = A`` in place; `inverse` (8 D,) gets 1 / the diagonal of L.

    A lane whose matrix is not positive definite gets NaN.
    """
    one, minus = splat(np.float32(1)), splat(np.float32(-1))
    for j in range(D):
        J = 4 * j * (j + 1)
        d = load(A, J + 8 * j)
        for p in range(j):
            x = load(A, J + 8 * p)
            d = fma(mul(minus, x), x, d)
        root = sqrt(d)
        r = div(one, root)
        store(A, J + 8 * j, root)
        store(inverse, 8 * j, r)
        i = j + 1
        while i + 4 <= D:  # four rows share each load of row j
            I0 = 4 * i * (i + 1)
            I1 = I0 + 8 * (i + 1)
            I2 = I1 + 8 * (i + 2)
            I3 = I2 + 8 * (i + 3)
            a, b = load(A, I0 + 8 * j), load(A, I1 + 8 * j)
            c, d = load(A, I2 + 8 * j), load(A, I3 + 8 * j)
            for p in range(j):
                o = 8 * p
                x = mul(minus, load(A, J + o))
                a = fma(x, load(A, I0 + o), a)
                b = fma(x, load(A, I1 + o), b)
                c = fma(x, load(A, I2 + o), c)
                d = fma(x, load(A, I3 + o), d)
            store(A, I0 + 8 * j, mul(a, r))
            store(A, I1 + 8 * j, mul(b, r))
            store(A, I2 + 8 * j, mul(c, r))
            store(A, I3 + 8 * j, mul(d, r))
            i += 4
        while i < D:
            I0 = 4 * i * (i + 1)
            a = load(A, I0 + 8 * j)
            for p in range(j):
                a = fma(mul(minus, load(A, J + 8 * p)), load(A, I0 + 8 * p), a)
            store(A, I0 + 8 * j, mul(a, r))
            i += 1


@part
def solve_lower(A, D, inverse, x):  # type: ignore[no-untyped-def]
    """Turn x into ``L⁻¹ x`` in place."""
    for i in range(D):
        I0 = 4 * i * (i + 1)
        a = load(x, 8 * i)
        for p in range(i):
            a = sub(a, mul(load(A, I0 + 8 * p), load(x, 8 * p)))
        store(x, 8 * i, mul(a, load(inverse, 8 * i)))


@part
def solve_upper(A, D, inverse, x):  # type: ignore[no-untyped-def]
    """Turn x into ``L⁻ᵀ x`` in place."""
    for i in range(D - 1, -1, -1):
        I0 = 4 * i * (i + 1)
        a = mul(load(x, 8 * i), load(inverse, 8 * i))
        store(x, 8 * i, a)
        for p in range(i):
            store(x, 8 * p, sub(load(x, 8 * p), mul(load(A, I0 + 8 * p), a)))
