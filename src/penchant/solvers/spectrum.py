"""The leading directions of a side matrix X, in which the sampler draws what X explains.

The weights B of X have thousands of rows, and what they explain, ``X B``, lies almost wholly in the
leading directions of X. So the prior of B is put on these: with ``X V = U S`` (V and U orthonormal,
r columns, S their lengths),

    X B = U G,    G_j ~ N(0, S_j^p / (c λ) Λ⁻¹)    for each direction j,    B = V S⁻¹ G

For side columns p = 2, which is the same prior for each column of X. For who rated what p = 3:
films seen by the same people say similar things of a newcomer, and so share their weights. The
scale ``c = Σ S^p / M`` makes 1/λ the share of Λ⁻¹ that X explains of an average row.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Mask
from penchant.kernels.products import orthonormal, times, transposed_times
from penchant.kernels.rng import fill_normals, seed_key
from penchant.kernels.sparse import pattern_times
from penchant.threads import Threads

DIRECTIONS = 128
"""The most directions that are kept."""

POWERS = (3, 2)
"""The prior variance of a direction goes with this power of its length: bags, side columns."""

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
    norms: F32
    rarity: F32
    dense: F32

    @property
    def shape(self) -> tuple[int, int]:
        """(M, N + F): rows, and columns of the bag and the dense part."""
        return len(self.norms), len(self.other_indptr) - 1 + self.dense.shape[1]

    def bag(self) -> SideMatrix:
        """Return the bag and the count alone."""
        return dataclasses.replace(self, dense=np.ascontiguousarray(self.dense[:, :1]))

    def side(self) -> SideMatrix:
        """Return the side columns alone."""
        M, none = len(self.norms), np.zeros(0, dtype=np.int32)
        empty, zeros = np.zeros(0, dtype=np.float32), np.zeros(M, dtype=np.float32)
        starts = np.zeros(M + 1, dtype=np.int64)
        side = np.ascontiguousarray(self.dense[:, 1:])
        return SideMatrix(starts, none, starts[:1], none, zeros, empty, side)

    def times(self, threads: Threads, V: F32) -> F32:
        """Return ``X V`` for V, (N + F, r) float32, r a multiple of 8."""
        M, N = len(self.norms), len(self.other_indptr) - 1
        if not self.norms.any():
            return times(threads, self.dense, V[N:])
        out = np.empty((M, V.shape[1]), dtype=np.float32)
        bag = np.ascontiguousarray(V[:N])

        def work(start: int, stop: int) -> None:
            pattern_times(start, stop, self.indptr, self.indices, self.norms, self.rarity, bag, out)

        threads.map(work, threads.blocks(np.diff(self.indptr)))
        return out + times(threads, self.dense, V[N:]) if self.dense.shape[1] else out

    def transposed_times(self, threads: Threads, Z: F32) -> F32:
        """Return ``Xᵀ Z`` for Z, (M, r) float32, r a multiple of 8."""
        N = len(self.other_indptr) - 1
        out = np.zeros((N + self.dense.shape[1], Z.shape[1]), dtype=np.float32)

        def work(start: int, stop: int) -> None:
            pattern_times(
                start, stop, self.other_indptr, self.other_indices, self.rarity, self.norms, Z, out
            )

        if self.norms.any():
            threads.map(work, threads.blocks(np.diff(self.other_indptr)))
        out[N:] = transposed_times(threads, self.dense, Z)
        return out


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrum:
    """The leading directions of X over the rows that have ratings.

    Attributes:
        U: (M, r) float32, the rows' coordinates; orthonormal columns over the rows with ratings.
        variances: (r,) float64, ``S^p / c``: the prior variance of each coordinate at λ = 1.
        V: (N + F, r) float32, ``V S⁻¹``, rarity included: a row's coordinates are its x times it.
        parts: the slices of directions that have a λ of their own; orthonormal each by itself.
        overlap: (r, r) float64, ``Uᵀ U`` over the rows with ratings.
    """

    U: F32
    variances: F64
    V: F32
    parts: tuple[slice, ...]
    overlap: F64

    @property
    def size(self) -> int:
        """How many directions there are; 0 without side information."""
        return len(self.variances)


def spectrum(X: SideMatrix, active: Mask, threads: Threads) -> Spectrum:
    """Find the leading directions of X: of the bag and the count, and of the side columns.

    Each has a λ of its own, because either may say nothing.

    Args:
        X: the side matrix; the first of its dense columns is the count.
        active: (M,) which rows have ratings: only these learn and are counted.
        threads: who does it.
    """
    parts = (X.bag(), X.side())
    found = [_part(*part, active, threads) for part in zip(parts, POWERS, strict=True)]
    U = np.hstack([f[0] for f in found])
    V = np.zeros((X.shape[1], U.shape[1]), dtype=np.float32)
    bag = found[0][2]
    V[: len(bag), : bag.shape[1]] = bag
    V[len(bag) :, bag.shape[1] :] = found[1][2]
    ends = np.cumsum([0, *(len(f[1]) for f in found)]).tolist()
    seen = U * active[:, None]
    return Spectrum(
        np.ascontiguousarray(U),
        np.concatenate([f[1] for f in found]),
        V,
        tuple(slice(a, b) for a, b in pairwise(ends) if b > a),
        transposed_times(threads, seen, seen).astype(np.float64),
    )


def _part(X: SideMatrix, power: int, active: Mask, threads: Threads) -> tuple[F32, F64, F32]:
    """Find U, variances and V of one part of X."""
    M, F = X.shape
    mask = active.astype(np.float32)
    seen = dataclasses.replace(X, norms=X.norms * mask, dense=X.dense * mask[:, None])
    wanted = min(DIRECTIONS + _SPARE, int(active.sum()), F)
    if wanted == 0 or not (seen.norms.any() or seen.dense.any()):
        return np.zeros((M, 0), np.float32), np.zeros(0), np.zeros((F, 0), np.float32)
    V, squares, E = ritz(seen, wanted, threads)
    S = np.sqrt(squares[:DIRECTIONS])
    V = times(threads, V, (E[:, : len(S)] / S).astype(np.float32))
    padded = np.zeros((F, -(-V.shape[1] // 8) * 8), dtype=np.float32)
    padded[:, : V.shape[1]] = V
    U = np.ascontiguousarray(X.times(threads, padded)[:, : len(S)])
    V[: len(X.rarity)] *= X.rarity[:, None]
    return (U, S**power / (np.sum(S**power) / active.sum()), V)


def ritz(X: SideMatrix, wanted: int, threads: Threads) -> tuple[F32, F64, F64]:
    """Find the leading directions of X by block power iteration from a fixed random start.

    Args:
        X: the matrix, (M, F); not all zeros.
        wanted: how many directions to iterate on; the last of them are rough.
        threads: who does it.

    Returns:
        An orthonormal V, (F, wanted and up to 7 more) float32; the squared lengths of X along the
        directions, (r,) float64, falling, without those that are noise of float32; and these
        directions in V, (.., r) float64.
    """
    F = X.shape[1]
    V = np.zeros((F, -(-wanted // 8) * 8), dtype=np.float32)
    fill_normals(0, F, 0, 1, seed_key(0), V)
    for left in range(_PASSES, 0, -1):  # the start is random, and so far from parallel
        V = X.transposed_times(threads, X.times(threads, V))
        V = orthonormal(threads, V, 1 if left > 1 else 2)
    Z = X.times(threads, V)
    squares, E = np.linalg.eigh(transposed_times(threads, Z, Z).astype(np.float64))
    order = np.argsort(-squares)
    order = order[squares[order] > _SMALLEST * squares.max()]
    return V, squares[order], E[:, order]
