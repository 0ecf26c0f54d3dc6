"""Distillation: many small models become one dot product.

The posterior mean of a product is a sum of products: T samples of rank k are one dot product of
width T k,

    (1/T) Σ_s P_s Q_sᵀ = A_P A_Qᵀ,    A_P = [P_1 … P_T] / √T,  A_Q = [Q_1 … Q_T] / √T,

and its best approximation of width K (Eckart & Young 1936) is the chapter's plain network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import qr

from penchant.arrays import F32
from penchant.kernels.products import times, transposed_times
from penchant.kernels.rng import fill_normals, seed_key
from penchant.threads import Threads

_SPARE = 16  # further directions in the random start, which make the last wanted ones exact
_PASSES = 2
_WIDEST = 1024  # so many columns are gathered before a squeeze, however small K is


class Distiller:
    """Adds up products of tables and keeps their sum at a bounded width.

    >>> both = Distiller(1, Threads(1))
    >>> both.add(np.ones((3, 1), np.float32), np.ones((2, 1), np.float32))
    >>> both.add(np.ones((3, 1), np.float32), np.ones((2, 1), np.float32))
    >>> P, Q = both.squeezed()
    >>> (P @ Q.T).round(3).tolist()
    [[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    """

    def __init__(self, width: int, threads: Threads) -> None:
        """Keep sums at `width` columns K in the end."""
        self._width = width
        self._threads = threads
        self._parts: list[tuple[F32, F32]] = []

    def add(self, P: F32, Q: F32) -> None:
        """Add ``P Qᵀ``, tables of (M, k) and (N, k) float32."""
        self._parts.append((P, Q))
        if sum(P.shape[1] for P, _ in self._parts) > max(2 * self._width, _WIDEST):
            self._parts = [self.squeezed(2 * self._width)]

    def squeezed(self, width: int | None = None) -> tuple[F32, F32]:
        """Return tables (M, K) and (N, K) float32 whose product comes nearest to the sum."""
        P = np.hstack([P for P, _ in self._parts])
        Q = np.hstack([Q for _, Q in self._parts])
        return squeeze(P, Q, self._width if width is None else width, self._threads)


def squeeze(P: F32, Q: F32, K: int, threads: Threads) -> tuple[F32, F32]:
    """Return tables of width K whose product is the nearest to ``P Qᵀ`` in squares.

    The right singular directions V of R = P Qᵀ, by block power iteration from a fixed random start
    (Halko, Martinsson & Tropp 2011, algorithm 4.4) on the factors, never on R itself; the tables
    are ``R V σ^(-1/2)`` and ``V σ^(1/2)``, equally long. Directions beyond the rank are zeros.

    Args:
        P: (M, w) float32.
        Q: (N, w) float32.
        K: the width of the result.
        threads: who does it.
    """
    wanted = min(K + _SPARE, *P.shape, *Q.shape)
    V = _orthonormal(Q) if wanted == Q.shape[1] else _start(len(Q), wanted)
    if wanted < Q.shape[1]:
        for _ in range(_PASSES):
            C = times(threads, P, transposed_times(threads, Q, V))  # R V, (M, wanted)
            V = _orthonormal(times(threads, Q, transposed_times(threads, P, C)))  # Rᵀ R V
    C = times(threads, P, transposed_times(threads, Q, V))
    squares, E = np.linalg.eigh(transposed_times(threads, C, C).astype(np.float64))
    largest = np.argsort(-squares)[:K]
    sigma = np.sqrt(np.maximum(squares[largest], 0.0))
    sigma[sigma <= 1e-6 * max(float(sigma.max(initial=0.0)), 1e-30)] = 0.0
    E = _signed(E[:, largest]).astype(np.float32)
    root = np.sqrt(sigma)
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    return (
        _padded(times(threads, C, E * inverse.astype(np.float32)), K),
        _padded(times(threads, V, E * root.astype(np.float32)), K),
    )


def _orthonormal(A: Any) -> F32:
    Q = qr(A, mode="economic", check_finite=False)[0]  # in float32, where NumPy's is in float64
    return np.ascontiguousarray(Q, dtype=np.float32)


def _start(rows: int, columns: int) -> F32:
    out = np.empty((rows, columns), dtype=np.float32)
    fill_normals(0, rows, 0, 0, seed_key(0), out)
    return out


def _signed(E: Any) -> Any:
    """Make the largest entry of each direction positive: its sign means nothing."""
    largest = np.abs(E).argmax(axis=0)
    return E * np.where(E[largest, np.arange(E.shape[1])] < 0, -1.0, 1.0)


def _padded(A: F32, K: int) -> F32:
    out = np.zeros((len(A), K), dtype=np.float32)
    out[:, : A.shape[1]] = A
    return out
