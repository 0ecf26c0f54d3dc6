"""One side of alternating least squares: its rows given the other side, its prior given its rows.

Rows x̃ = (factors, own bias) are drawn towards ``m + Bᵀx``, x what is known of the row beside its
ratings' values. B lies in the leading directions of X (`penchant.solvers.spectrum`): ``X B = U G``.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from penchant.arrays import F32, F64
from penchant.kernels.aligned import aligned_times, aligned_zeros
from penchant.kernels.products import transposed_times
from penchant.kernels.rng import seed_key
from penchant.kernels.rowstep import solve_rows
from penchant.solvers.gibbs.problem import OneSide
from penchant.solvers.gibbs.side import Half, Prior
from penchant.threads import Threads

BETA = 2.0
"""Rows to assume for the prior mean m, in the objective that `ALS` states."""

STATE = ("factors", "bias", "mean", "coordinates")
"""The names of the arrays that a sweep changes."""


@dataclasses.dataclass(eq=False)
class RidgeHalf(Half):
    """One side, solved rather than drawn.

    Attributes:
        scales: (M,) float32, c: what λ is multiplied by for each row.
    """

    scales: F32
    _normal: Any = None

    @classmethod
    def of(
        cls,
        side: int,
        data: OneSide,
        rank: int,
        l2: tuple[float, float],
        strengths: F64,
        *,
        by_count: bool,
        threads: Threads,
    ) -> RidgeHalf:
        """Make the half of one side, all rows zero.

        Args:
            side: 0 for users, 1 for items.
            data: its ratings.
            rank: k, the number of factors.
            l2: λ of the factors and of the bias.
            strengths: (r,) float64, κ of each direction of side information.
            by_count: whether λ is multiplied by the number of a row's ratings.
            threads: who will solve it.
        """
        M, K = len(data.units), -(-rank // 8) * 8
        precision = np.diag([l2[0]] * rank + [l2[1]])
        prior = Prior(
            np.zeros(rank + 1),
            precision,
            strengths,
            np.zeros((data.spectrum.size, rank + 1)),
        )
        scales = np.maximum(data.counts, 1) if by_count else np.ones(M)
        return cls(
            side,
            data.indptr,
            data.indices,
            data.values,
            data.units,
            data.spectrum,
            aligned_zeros(M, K),
            np.zeros(M, np.float32),
            prior,
            threads.blocks(data.counts),
            scales.astype(np.float32),
        )

    def solve_rows(self, other: Half, threads: Threads) -> None:
        """Put each row where the objective is least, given the other side and the prior."""
        scaled = aligned_times(other.factors, other.units)
        alphas, precision = self.units**2, self.prior.precision.astype(np.float32)
        priors = self.explained(threads)

        def work(start: int, stop: int) -> None:
            solve_rows(
                start, stop, self.indptr, self.indices, self.values, scaled, other.bias,
                other.units, alphas, precision, self.scales, priors, False, 0, 0, seed_key(0),
                self.factors, self.bias,
            )  # fmt: skip

        threads.map(work, self.blocks)

    def solve_prior(self, threads: Threads) -> None:
        """Put m and G where the objective is least, given the rows: a ridge regression.

        ``(Zᵀ C Z + diag(κ / v, β)) (G, m) = Zᵀ C x̃`` over the rows that have ratings, Z = (U, 1).
        """
        weights = self.scales * self.active
        Z = np.column_stack([self.spectrum.U, np.ones(len(weights), np.float32)])
        weighted = Z * weights[:, None]
        if self._normal is None:
            ridge = np.append(self.prior.strengths / self.spectrum.variances, BETA)
            A = transposed_times(threads, weighted, Z).astype(np.float64)
            self._normal = cho_factor(A + np.diag(ridge))
        right = transposed_times(threads, weighted, self.rows()).astype(np.float64)
        solved = cho_solve(self._normal, right)
        self.prior.explain(solved)

    def penalty(self, threads: Threads) -> float:
        """Return what the rows and the prior add to the objective."""
        prior = self.prior
        l2 = np.diagonal(prior.precision)
        away = (self.rows() - self.explained(threads)).astype(np.float64)
        rows = float(self.scales @ (away**2 @ l2))
        strengths = prior.strengths / self.spectrum.variances
        weights = float(strengths @ (prior.coordinates**2 @ l2))
        return rows + weights + BETA * float(prior.mean**2 @ l2)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a sweep changes, as it stands, by the names in `STATE`."""
        prior = self.prior
        return {
            "factors": self.factors,
            "bias": self.bias,
            "mean": prior.mean,
            "coordinates": prior.coordinates,
        }

    def restore(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go back to the state that `arrays` gave."""
        self.factors[...], self.bias[...] = arrays["factors"], arrays["bias"]
        self.prior.mean, self.prior.coordinates = arrays["mean"], arrays["coordinates"]
