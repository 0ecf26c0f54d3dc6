"""The plain twins of the kernels: NumPy, in the papers' symbols, for reading and for testing.

They take the same arrays, give the same integers, and the same floats to float32's precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.kernels.dual import LEAST_WIDTH, MOST_RATINGS

Array = npt.NDArray[Any]
Words = npt.NDArray[np.uint32]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85


def philox(c0: Any, c1: Any, c2: Any, c3: Any, key: Words) -> tuple[Words, Words, Words, Words]:
    """Philox4x32-10 of counters of one shape; see `penchant.kernels.rng`.

    The first known answer of Salmon et al.'s own test vectors:

    >>> [hex(word) for word in philox(0, 0, 0, 0, np.zeros(2, np.uint32))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    a, b, c, d = (np.asarray(x, dtype=np.uint32) for x in (c0, c1, c2, c3))
    k0, k1 = int(key[0]), int(key[1])
    for _ in range(10):
        p, q = _M0 * a.astype(np.uint64), _M1 * c.astype(np.uint64)
        a, b, c, d = (
            (q >> np.uint64(32)).astype(np.uint32) ^ b ^ np.uint32(k0),
            q.astype(np.uint32),
            (p >> np.uint64(32)).astype(np.uint32) ^ d ^ np.uint32(k1),
            p.astype(np.uint32),
        )
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return a, b, c, d


def normals(rows: Array, D: int, sweep: int, side: int, key: Words) -> F64:
    """Return (len(rows), D) standard normals: coordinate c of a row by Box and Muller (1958)."""
    blocks = np.arange((D + 3) // 4)
    w0, w1, w2, w3 = philox(blocks[None, :], np.asarray(rows)[:, None], sweep, side, key)

    def pair(u: Words, v: Words) -> tuple[Array, Array]:
        radius = np.sqrt(-2 * np.log(((u >> np.uint32(8)) + 0.5) * 2.0**-24))
        angle = 2 * np.pi * v.view(np.int32) / 2.0**32
        return radius * np.cos(angle), radius * np.sin(angle)

    z = np.stack([*pair(w0, w1), *pair(w2, w3)], axis=-1)  # (rows, blocks, 4)
    return z.reshape(len(z), -1)[:, :D]


def solve_rows(
    start: int,
    stop: int,
    indptr: Array,
    indices: Array,
    values: F32,
    factors: F32,
    biases: F32,
    units: F32,
    alphas: F32,
    precision: Array,
    scales: F32,
    priors: F32,
    noise: bool,
    sweep: int,
    side: int,
    key: Words,
    out_factors: F32,
    out_bias: F32,
) -> None:
    """Solve rows as `penchant.kernels.rowstep.solve_rows` does, one at a time in float64."""
    L = np.asarray(precision, dtype=np.float64)  # Λ
    D = len(L)
    k = D - 1
    z = normals(np.arange(start, stop), D + MOST_RATINGS, sweep, side, key) * noise
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        j = indices[t]
        f = np.column_stack([factors[j, :k], units[j]]).astype(np.float64)  # (n, D)
        e = units[j].astype(np.float64) * (values[t].astype(np.float64) - biases[j])
        alpha, c = float(alphas[row]), float(scales[row])
        if len(e) <= MOST_RATINGS and D >= LEAST_WIDTH:
            x = _dual(L, priors[row].astype(np.float64), f, e, alpha, c, z[row - start])
        else:
            A = c * L + alpha * f.T @ f
            b = c * L @ priors[row] + alpha * f.T @ e
            x = np.linalg.solve(A, b)
            x += np.linalg.solve(np.linalg.cholesky(A).T, z[row - start, :D])
        out_factors[row, :k] = x[:k]
        out_bias[row] = x[k]


def _dual(L: Array, m: Array, f: Array, e: Array, alpha: float, c: float, z: Array) -> Array:
    """Solve a row as `penchant.kernels.dual` does; L is the precision Λ, z the noise."""
    n, D = f.shape
    root = np.linalg.cholesky(L)
    F = np.linalg.solve(root, f.T).T  # (n, D), whitened
    y = root.T @ m + z[:D] / np.sqrt(c)
    S = F @ F.T / c + np.eye(n) / alpha
    y += F.T @ np.linalg.solve(S, e - F @ y - z[D : D + n] / np.sqrt(alpha)) / c
    return np.linalg.solve(root.T, y)


def row_errors(
    start: int,
    stop: int,
    indptr: Array,
    indices: Array,
    values: F32,
    factors: F32,
    biases: F32,
    other_factors: F32,
    other_biases: F32,
    other_weights: F32,
    errors: F32,
    sums: F64,
) -> None:
    """Fill errors and their weighted squares as `penchant.kernels.residuals.row_errors` does."""
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        j = indices[t]
        dots = other_factors[j].astype(np.float64) @ factors[row].astype(np.float64)
        errors[t] = values[t] - biases[row] - other_biases[j] - dots
        sums[row] = (other_weights[j] * errors[t].astype(np.float64) ** 2).sum()


def row_scores(
    start: int,
    stop: int,
    indptr: Array,
    indices: Array,
    values: F32,
    factors: F32,
    biases: F32,
    other_factors: F32,
    other_biases: F32,
    other_weights: F32,
    low: np.float32,
    high: np.float32,
    sums: F64,
    clipped: F64,
) -> None:
    """Fill weighted squares, and those of clipped predictions, as the kernel does."""
    errors = np.zeros(len(values), np.float32)
    row_errors(
        start, stop, indptr, indices, values, factors, biases,
        other_factors, other_biases, other_weights, errors, sums,
    )  # fmt: skip
    squares = (values - np.clip(values - errors, low, high)).astype(np.float64) ** 2
    for row in range(start, stop):
        clipped[row] = squares[indptr[row] : indptr[row + 1]].sum()


def row_means(
    start: int,
    stop: int,
    indptr: Array,
    indices: Array,
    values: F32,
    factors: F32,
    biases: F32,
    other_factors: F32,
    other_biases: F32,
    other_weights: F32,
    known: F32,
    count: int,
    low: np.float32,
    high: np.float32,
    fixed: F32,
    averages: Array,
    sums: F64,
    clipped: F64,
) -> None:
    """Take predictions into their means, and fill the sums, as the kernel does."""
    errors, (middle, step, most) = np.zeros(len(values), np.float32), fixed.astype(np.float64)
    row_errors(
        start, stop, indptr, indices, values, factors, biases,
        other_factors, other_biases, other_weights, errors, sums,
    )  # fmt: skip
    part = slice(indptr[start], indptr[stop])
    means = middle + step * averages[part]
    means += (known[part] - errors[part] - means) / count
    averages[part] = np.rint(np.clip((means - middle) / step, -most, most))
    squares = np.zeros(len(values))
    squares[part] = (known[part] - np.clip(means, low, high)) ** 2
    for row in range(start, stop):
        clipped[row] = squares[indptr[row] : indptr[row + 1]].sum()


def predict_pairs(
    start: int,
    stop: int,
    user_rows: Array,
    item_rows: Array,
    P: F32,
    bu: F32,
    Q: F32,
    bi: F32,
    out: F32,
) -> None:
    """Fill predictions of pairs as `penchant.kernels.residuals.predict_pairs` does."""
    u, i = user_rows[start:stop], item_rows[start:stop]
    out[start:stop] = bu[u] + bi[i] + (P[u].astype(np.float64) * Q[i]).sum(axis=1)


def order_by(rows: Array, starts: Array, order: Array) -> None:
    """Fill the order and the starts as `penchant.kernels.order.order_by` does."""
    order[:] = np.argsort(rows, kind="stable")
    starts[:] = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(starts) - 1))])


def gather_by(
    rows: Array, others: Array, values: Array, starts: Array, out_others: Array, out_values: Array
) -> None:
    """Put what belongs to each row together as `penchant.kernels.order.gather_by` does."""
    order = np.empty(len(rows), np.int64)
    order_by(rows, starts, order)
    out_others[:], out_values[:] = others[order], values[order]


def turn_over(
    indptr: Array,
    indices: Array,
    values: Array,
    starts: Array,
    out_others: Array,
    out_values: Array,
) -> None:
    """Fill the transpose as `penchant.kernels.order.turn_over` does."""
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    gather_by(indices, rows, values, starts, out_others, out_values)


def row_squares(
    start: int,
    stop: int,
    indptr: Array,
    indices: Array,
    values: F32,
    factors: F32,
    biases: F32,
    other_factors: F32,
    other_biases: F32,
    other_weights: F32,
    sums: F64,
) -> None:
    """Fill the sums of `row_errors` alone."""
    errors = np.empty(len(values), dtype=np.float32)
    row_errors(
        start, stop, indptr, indices, values, factors, biases,
        other_factors, other_biases, other_weights, errors, sums,
    )  # fmt: skip
