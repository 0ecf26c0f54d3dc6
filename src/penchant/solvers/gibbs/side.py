"""One side of the sampler: its rows, its prior, and how each is drawn.

With x̃ = (factors, own bias), D = k + 1, rows x̃ ~ N(m + Bᵀx, Λ⁻¹) as in Macau (Simm et al. 2017),
(m, Λ) Normal–Wishart as in BPMF (Salakhutdinov & Mnih 2008, equation 14), and B in the directions
of `penchant.solvers.spectrum`. All draws are pure functions of (seed, sweep, side).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dtrtrs

from penchant.arrays import F32, F64, Mask
from penchant.kernels.aligned import aligned_times
from penchant.kernels.byte_values import Values
from penchant.kernels.centred import deviations, unexplained
from penchant.kernels.products import times, transposed_times
from penchant.kernels.rng import fill_normals
from penchant.kernels.rowstep import solve_rows
from penchant.solvers.spectrum import Spectrum
from penchant.threads import Block, Threads

BETA = 2.0
"""Rows to assume for the prior mean m."""

_ROWS, _WEIGHTS, _PRIOR = 0, 2, 4  # what a draw is for; the side is added


@dataclasses.dataclass(eq=False)
class Prior:
    """The prior of a side's rows: m, Λ, and what side information explains.

    Attributes:
        mean: (D,) float64, m.
        precision: (D, D) float64, Λ.
        strengths: (r,) float64, λ of each direction's part: the precision of B in units of Λ.
        coordinates: (r, D) float64, G: the weights of the directions.
    """

    mean: F64
    precision: F64
    strengths: F64
    coordinates: F64

    @classmethod
    def start(cls, D: int, directions: int) -> Prior:
        """Return a prior that is somewhat narrow: unit precision times D, as the Wishart's mean."""
        return cls(np.zeros(D), np.eye(D) * D, np.ones(directions), np.zeros((directions, D)))

    def explain(self, solved: F64) -> None:
        """Take G and, in the last row, m from a solution (r + 1, D).

        LAPACK's has its columns one after the other. What is kept has one layout, that of a
        checkpoint: in another BLAS takes another way, and a resumed training ends elsewhere.
        """
        rows = np.ascontiguousarray(solved)
        self.coordinates, self.mean = rows[:-1], rows[-1]


@dataclasses.dataclass(eq=False)
class Half:
    """One side: its ratings, and its rows as they stand.

    Attributes:
        side: 0 for users, 1 for items; a counter of the draws.
        indptr: (M + 1,) int64, where each row's ratings start.
        indices: (n,) int32, the other side's row of each.
        values: (n,) in units of the ratings' deviation, less the mean and the contexts.
        units: (M,) float32, the root of each row's weight.
        spectrum: the directions of the row's x.
        factors: (M, K) float32, K = k rounded up to a multiple of 8.
        bias: (M,) float32.
        prior: how the rows are distributed.
    """

    side: int
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: Values
    units: F32
    spectrum: Spectrum
    factors: F32
    bias: F32
    prior: Prior
    blocks: list[Block]
    _directed: tuple[F64, F32] | None = dataclasses.field(init=False, default=None)

    def without_ratings(self) -> None:
        """Let go of the ratings; only their numbers are kept."""
        self.indices, self.values = self.indices[:0].copy(), np.zeros(0, np.float32)

    @functools.cached_property
    def active(self) -> Mask:
        """Which rows have ratings, (M,)."""
        return np.diff(self.indptr) > 0

    @property
    def rank(self) -> int:
        """k, the number of factors."""
        return len(self.prior.mean) - 1

    def rows(self) -> F32:
        """Return the augmented rows x̃, (M, D) float32."""
        return np.column_stack([self.factors[:, : self.rank], self.bias])

    def explained(self, threads: Threads) -> F32:
        """Return the rows' prior means ``m + X B``, (M, D) float32."""
        return self.directed(threads) + self.prior.mean.astype(np.float32)

    def directed(self, threads: Threads) -> F32:
        """Return ``X B = U G`` of the prior as it stands, (M, D) float32.

        It is kept until there is another G, for it is asked for in one sweep and in the next.
        """
        G = self.prior.coordinates
        if self._directed is None or self._directed[0] is not G:
            self._directed = G, times(threads, self.spectrum.U, G.astype(np.float32))
        return self._directed[1]

    def draw_rows(
        self,
        other: Half,
        alpha: float,
        sweep: int,
        key: npt.NDArray[np.uint32],
        threads: Threads,
        beside: Callable[[], None] | None = None,
    ) -> None:
        """Draw all rows given the other side: the row step; do `beside` meanwhile."""
        M = len(self.bias)
        scaled = aligned_times(other.factors, other.units)
        alphas = (alpha * self.units.astype(np.float64) ** 2).astype(np.float32)
        precision, ones = self.prior.precision.astype(np.float32), np.ones(M, np.float32)
        priors = self.explained(threads)

        def work(start: int, stop: int) -> None:
            solve_rows(
                start, stop, self.indptr, self.indices, self.values, scaled, other.bias,
                other.units, alphas, precision, ones, priors, True, sweep, _ROWS + self.side, key,
                self.factors, self.bias,
            )  # fmt: skip

        threads.map(work, self.blocks, beside)

    def draw_prior(self, sweep: int, key: npt.NDArray[np.uint32], threads: Threads) -> None:
        """Draw B and λ given the rows, then (m, Λ)."""
        prior, active = self.prior, self.active
        seed = int(key[0]) | int(key[1]) << 32
        random = np.random.Generator(
            np.random.Philox(key=[seed, 0], counter=[0, sweep, _PRIOR + self.side, 0])
        )
        if self.spectrum.size:
            centred = np.empty((len(active), len(prior.mean)), dtype=np.float32)
            deviations(self.factors, self.bias, prior.mean.astype(np.float32), active, centred)
            Y = transposed_times(threads, self.spectrum.U, centred).astype(np.float64)
            noise = np.empty(Y.shape, dtype=np.float32)
            fill_normals(0, len(noise), sweep, _WEIGHTS + self.side, key, noise)
            for part in self.spectrum.parts:
                draw_part(part, Y, self.spectrum, prior, noise, random)
        left = np.empty((int(active.sum()), len(prior.mean)))
        mean = np.empty(len(prior.mean))
        unexplained(self.factors, self.bias, self.directed(threads), active, mean, left)
        prior.mean, prior.precision = draw_hyper(
            len(left), mean, left.T @ left, self.spectrum.variances, prior, random
        )


def draw_part(
    part: slice,
    Y: F64,
    spectrum: Spectrum,
    prior: Prior,
    noise: Any,
    random: np.random.Generator,
) -> None:
    """Draw G of one part given the others', then that part's λ.

    With ``Y = Uᵀ(rows − m)``, (r, D), what the others explain is taken off by the overlap.
    """
    others = np.ones(len(Y), dtype=bool)
    others[part] = False
    rest = Y[part] - spectrum.overlap[part][:, others] @ prior.coordinates[others]
    variances = spectrum.variances[part]
    strength = float(prior.strengths[part][0])
    G = draw_coordinates(rest, variances, strength, prior.precision, noise[part])
    prior.coordinates = prior.coordinates.copy()  # another array: `Half.directed` knows it by that
    prior.coordinates[part] = G
    prior.strengths[part] = draw_strength(G, variances, prior.precision, random)


def draw_coordinates(Y: F64, variances: F64, strength: float, precision: F64, noise: Any) -> F64:
    """Draw G given Y, (r, D): each direction for itself.

    Prior N(0, v/λ Λ⁻¹), likelihood N(Y | G, Λ⁻¹), so with the share ``h = v / (v + λ)`` the draw is
    ``h Y + √h z L⁻¹``, ``L Lᵀ = Λ``.
    """
    share = variances / (variances + strength)
    L = np.linalg.cholesky(precision)
    z = solve_transposed(L, np.asarray(noise, dtype=np.float64).T).T
    drawn: F64 = share[:, None] * Y + np.sqrt(share)[:, None] * z
    return drawn


def draw_strength(G: F64, variances: F64, precision: F64, random: np.random.Generator) -> float:
    """Draw λ given G: Gamma(1 + r D / 2, rate 1 + ½ Σ gᵀ Λ g / v)."""
    squares = np.einsum("rd,rd->r", G @ precision, G)
    rate = 1 + 0.5 * float((squares / variances).sum())
    return float(random.gamma(1 + G.size / 2) / rate)


def draw_hyper(
    M: int,
    mean: F64,
    scatter: F64,
    variances: F64,
    prior: Prior,
    random: np.random.Generator,
) -> tuple[F64, F64]:
    """Draw (m, Λ) given the rows less what X explains, and G, whose prior holds Λ too.

    Normal–Wishart with ``m | Λ ~ N(0, (β Λ)⁻¹)``, ``Λ ~ W(I, D)``: the Wishart's inverse scale is
    ``I + S + β M / (β + M) x̄ x̄ᵀ + λ Σ g gᵀ / v``, its degrees of freedom ``D + M + r``.

    Args:
        M: the number of rows.
        mean: (D,) their mean x̄.
        scatter: (D, D), S: the sum of their squares around it.
        variances: (r,) v of the directions.
        prior: G and λ.
        random: where the draws come from.
    """
    D, G = len(mean), prior.coordinates
    inverse = np.eye(D) + scatter + BETA * M / (BETA + M) * np.outer(mean, mean)
    inverse += (G.T * (prior.strengths / variances)) @ G
    precision = draw_wishart(inverse, D + M + len(variances), random)
    L = np.linalg.cholesky((BETA + M) * precision)
    centre = M * mean / (BETA + M)
    return centre + solve_transposed(L, random.normal(size=D)), precision


def draw_wishart(inverse_scale: F64, freedom: int, random: np.random.Generator) -> F64:
    """Draw a Wishart matrix, (D, D), by Bartlett's decomposition (1933).

    With ``C Cᵀ`` the inverse scale, ``C⁻ᵀ A Aᵀ C⁻¹``: A is lower triangular, normals below a
    diagonal of roots of chi-squares with ``freedom − i`` degrees.
    """
    D = len(inverse_scale)
    A = np.tril(random.normal(size=(D, D)), -1)
    A[np.diag_indices(D)] = np.sqrt(random.chisquare(freedom - np.arange(D)))
    C = np.linalg.cholesky(inverse_scale)
    T = solve_transposed(C, A)
    return T @ T.T  # type: ignore[no-any-return]


def solve_transposed(L: Any, B: Any) -> Any:
    """Return ``L⁻ᵀ B`` for a lower triangular L, (D, D), without asking what B is."""
    return dtrtrs(L, B, lower=1, trans=1)[0]
