"""Products of tall dense tables in blocks of fixed height.

BLAS may sum in another order for another height, so the blocks' height is fixed, whatever the
number of threads; each block is one call of BLAS on one thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.threads import Block, Threads

HEIGHT = 1024
"""Rows of a block."""

Array = npt.NDArray[Any]


def fixed_blocks(n_rows: int, height: int = HEIGHT) -> list[Block]:
    """Cut rows into blocks of a fixed height; the last is what is left.

    >>> fixed_blocks(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(start, min(start + height, n_rows)) for start in range(0, n_rows, height)]


def times(threads: Threads, A: Array, B: Array) -> Array:
    """Return ``A B`` for a tall A, (M, r), and a small B, (r, D)."""
    out = np.empty((len(A), B.shape[1]), dtype=np.result_type(A, B))

    def work(start: int, stop: int) -> None:
        np.matmul(A[start:stop], B, out=out[start:stop])

    threads.map(work, fixed_blocks(len(A)))
    return out


def transposed_times(threads: Threads, A: Array, B: Array) -> Array:
    """Return ``Aᵀ B`` for tall A, (M, r), and B, (M, D): the blocks' sums are added in order."""
    blocks = fixed_blocks(len(A))
    parts = np.zeros((max(1, len(blocks)), A.shape[1], B.shape[1]), dtype=np.result_type(A, B))

    def work(start: int, stop: int) -> None:
        np.matmul(A[start:stop].T, B[start:stop], out=parts[start // HEIGHT])

    threads.map(work, blocks)
    total: Array = parts[0] if len(parts) == 1 else np.add.reduce(parts, axis=0)
    return total


def orthonormal(threads: Threads, A: Array, passes: int = 2) -> Array:
    """Return a tall A, (M, r) float32, with orthonormal columns of the same span.

    ``A E λ^(-1/2)`` by the eigenvectors of ``AᵀA`` in float64, twice, because the first time leaves
    the square of A's condition in float32's error. Columns beyond the rank are zeros.

    Args:
        threads: who does it.
        A: the columns.
        passes: 1 where they need be no more than far from parallel.
    """
    for _ in range(passes):
        gram = np.zeros((A.shape[1], A.shape[1]))
        for start, stop in fixed_blocks(len(A)):
            block = A[start:stop].astype(np.float64)
            gram += block.T @ block
        squares, E = np.linalg.eigh(gram)
        kept = squares > 1e-10 * max(float(squares.max(initial=0.0)), 1e-300)
        roots = np.sqrt(np.where(kept, squares, 1.0))
        A = times(threads, A, (E * (kept / roots)).astype(np.float32))
    return A
