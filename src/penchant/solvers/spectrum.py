"""The leading directions of a side matrix X, in which the sampler draws what X explains.

The weights B of X have thousands of rows, and what they explain, ``X B``, lies almost wholly in the
leading directions of X. So the prior of B is put on these: with ``X V = U S`` (V and U orthonormal,
r columns, S their lengths),

    X B = U G,    G_j ~ N(0, S_j³ / (c λ) Λ⁻¹)    for each direction j,    B = V S⁻¹ G

The power 3 of S (2 would be the same prior for each column of X) lets columns that occur together
share their weights: films seen by the same people say similar things of a newcomer. The scale
``c = Σ S³ / M`` makes 1/λ the share of Λ⁻¹ that X explains of an average row.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.engine.dense import times, transposed_times
from penchant.engine.threads import Threads
from penchant.kernels.rng import fill_normals, seed_key
from penchant.kernels.sparse import pattern_times

Floats = npt.NDArray[np.float32]

DIRECTIONS = 128
"""The most directions that are kept."""

POWER = 3
"""The prior variance of a direction goes with this power of its length."""

_SPARE = 16
_PASSES = 2
_SMALLEST = 1e-4  # of the largest S²: what is shorter is noise of float32


@dataclasses.dataclass(frozen=True, eq=False)
class SideMatrix:
    """X in parts: the bag as a pattern, and dense further columns.

    Attributes:
        indptr: (M + 1,) int64 of the row's own ratings.
        indices: (n,) int32, rows of the other side.
        other_indptr: (N + 1,) int64 of the other side's ratings.
        other_indices: (n,) int32, rows of this side.
        norms: (M,) float32, what each entry of a row's bag weighs; zeros leave the bag out.
        rarity: (N,) float32, what each of the other side's rows weighs besides.
        dense: (M, F) float32, the count and the side columns.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    other_indptr: npt.NDArray[np.int64]
    other_indices: npt.NDArray[np.int32]
    norms: Floats
    rarity: Floats
    dense: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """(M, N + F): rows, and columns of the bag and the dense part."""
        return len(self.norms), len(self.other_indptr) - 1 + self.dense.shape[1]

    def times(self, threads: Threads, V: Floats) -> Floats:
        """Return ``X V`` for V, (N + F, r) float32, r a multiple of 8."""
        M, N = len(self.norms), len(self.other_indptr) - 1
        out = np.empty((M, V.shape[1]), dtype=np.float32)
        bag = np.ascontiguousarray(V[:N])

        def work(start: int, stop: int) -> None:
            pattern_times(start, stop, self.indptr, self.indices, self.norms, self.rarity, bag, out)

        threads.map(work, threads.blocks(np.diff(self.indptr)))
        return out + times(threads, self.dense, V[N:]) if self.dense.shape[1] else out

    def transposed_times(self, threads: Threads, Z: Floats) -> Floats:
        """Return ``Xᵀ Z`` for Z, (M, r) float32, r a multiple of 8."""
        N = len(self.other_indptr) - 1
        out = np.empty((N + self.dense.shape[1], Z.shape[1]), dtype=np.float32)

        def work(start: int, stop: int) -> None:
            pattern_times(
                start, stop, self.other_indptr, self.other_indices, self.rarity, self.norms, Z, out
            )

        threads.map(work, threads.blocks(np.diff(self.other_indptr)))
        out[N:] = transposed_times(threads, self.dense, Z)
        return out


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrum:
    """The leading directions of X over the rows that have ratings.

    Attributes:
        U: (M, r) float32, the rows' coordinates; orthonormal columns over the rows with ratings.
        variances: (r,) float64, ``S³ / c``: the prior variance of each coordinate at λ = 1.
        V: (N + F, r) float32, ``V S⁻¹``, rarity included: a row's coordinates are its x times it.
    """

    U: Floats
    variances: npt.NDArray[np.float64]
    V: Floats

    @property
    def size(self) -> int:
        """How many directions there are; 0 without side information."""
        return len(self.variances)


def spectrum(X: SideMatrix, active: npt.NDArray[np.bool_], threads: Threads) -> Spectrum:
    """Find the leading directions of X by block power iteration from a fixed random start.

    Args:
        X: the side matrix.
        active: (M,) which rows have ratings: only these learn and are counted.
        threads: who does it.
    """
    M, F = X.shape
    mask = active.astype(np.float32)
    seen = dataclasses.replace(X, norms=X.norms * mask, dense=X.dense * mask[:, None])
    wanted = min(DIRECTIONS + _SPARE, int(active.sum()), F)
    if wanted == 0 or not (seen.norms.any() or seen.dense.any()):
        return Spectrum(np.zeros((M, 0), np.float32), np.zeros(0), np.zeros((F, 0), np.float32))
    V = np.zeros((F, -(-wanted // 8) * 8), dtype=np.float32)
    fill_normals(0, F, 0, 1, seed_key(0), V)
    for _ in range(_PASSES):
        V = _orthonormal(V)
        V = seen.transposed_times(threads, seen.times(threads, V))
    V = _orthonormal(V)
    Z = seen.times(threads, V)
    squares, E = np.linalg.eigh(transposed_times(threads, Z, Z).astype(np.float64))
    kept = np.argsort(-squares)[:DIRECTIONS]
    kept = kept[squares[kept] > _SMALLEST * squares.max()]
    S = np.sqrt(squares[kept])
    V = times(threads, V, (E[:, kept] / S).astype(np.float32))
    padded = np.zeros((F, -(-V.shape[1] // 8) * 8), dtype=np.float32)
    padded[:, : V.shape[1]] = V
    U = np.ascontiguousarray(X.times(threads, padded)[:, : len(S)])
    V[: len(X.rarity)] *= X.rarity[:, None]
    return Spectrum(U, S**POWER / (np.sum(S**POWER) / active.sum()), V)


def _orthonormal(A: Any) -> Floats:
    """Return orthonormal columns of A's span; A's width is kept, a multiple of 8."""
    Q: Floats = np.zeros_like(A)
    thin = np.linalg.qr(A)[0]
    Q[:, : thin.shape[1]] = thin
    return Q
