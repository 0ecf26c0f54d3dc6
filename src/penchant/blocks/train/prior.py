"""The users' prior, given the moments of their rows.

With H = (G; m) stacked and Z = (U, 1), all that the rows tell of their prior is ``Zᵀ x̃`` and
``x̃ᵀ x̃``: of what H leaves, the scatter is ``x̃ᵀx̃ − Hᵀ Zᵀx̃ − x̃ᵀZ H + Hᵀ ZᵀZ H``. Since U = X V,
``Uᵀ x̃ = Vᵀ (Xᵀ x̃)``, and U, as tall as the users, is never made. Where λ goes by the number of
ratings, each user counts as many times as they have ratings in all of these sums.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from penchant.arrays import F64
from penchant.blocks.train.driver import Known
from penchant.kernels.rng import fill_normals
from penchant.solvers.als.side import BETA
from penchant.solvers.gibbs.side import Prior, draw_hyper, draw_part

_WEIGHTS, _PRIOR = 2, 4  # what a draw is for


class Moments(NamedTuple):
    """Sums over the users with ratings.

    Attributes:
        n: how many there are.
        total: (D,) ``Σ x̃``.
        squares: (D, D) ``Σ x̃ x̃ᵀ``.
        explained: (r, D) ``Uᵀ x̃``.
    """

    n: int
    total: F64
    squares: F64
    explained: F64

    @classmethod
    def of(cls, sums: dict[str, F64], users: Known) -> Moments:
        """Read them from what the tasks have summed."""
        table = sums["moments"]
        D = table.shape[1]
        V = users.spectrum.V.astype(np.float64)
        N = len(V) - (len(table) - D - 1)
        of_x = V[N:].T @ table[D + 1 :]
        if "bags" in sums:
            of_x += V[:N].T @ sums["bags"]
        return cls(int((users.counts > 0).sum()), table[D], table[:D], of_x)

    def scatter(self, H: F64, gram: F64) -> F64:
        """Return the scatter of ``x̃ − Z H`` about 0, (D, D); H and gram of Z's first rows."""
        seen = np.vstack([self.explained, self.total])[: len(H)]
        both = H.T @ seen
        return self.squares - both - both.T + H.T @ gram @ H


def gram_of(users: Known) -> F64:
    """Return ``Zᵀ C Z`` over the users with ratings, (r + 1, r + 1), C their scales."""
    n = float(users.scales[users.counts > 0].sum(dtype=np.float64))
    ones = users.ones[:, None]
    return np.block([[users.spectrum.overlap, ones], [ones.T, np.array([[n]])]])


def solve_prior(prior: Prior, moments: Moments, users: Known) -> float:
    """Put m and G where ALS' objective is least; return what rows and prior add to it."""
    gram, l2 = gram_of(users), np.diagonal(prior.precision)
    ridge = np.append(prior.strengths / users.spectrum.variances, BETA)
    right = np.vstack([moments.explained, moments.total])
    solved = cho_solve(cho_factor(gram + np.diag(ridge)), right)
    prior.explain(solved)
    rows = float(np.diagonal(moments.scatter(solved, gram)) @ l2)
    return rows + float(ridge @ (solved**2 @ l2))


def draw_prior(prior: Prior, moments: Moments, users: Known, sweep: int, key: Any) -> None:
    """Draw B and λ given the rows, then (m, Λ), as `Half.draw_prior` does."""
    random = np.random.Generator(
        np.random.Philox(key=[int(key[0]) | int(key[1]) << 32, 0], counter=[0, sweep, _PRIOR, 0])
    )
    spectrum = users.spectrum
    if spectrum.size:
        Y = moments.explained - np.outer(users.ones, prior.mean)
        noise = np.empty(Y.shape, np.float32)
        fill_normals(0, len(noise), sweep, _WEIGHTS, key, noise)
        for part in spectrum.parts:
            draw_part(part, Y, spectrum, prior, noise, random)
    G, n = prior.coordinates, moments.n
    mean = (moments.total - users.ones @ G) / max(1, n)
    scatter = moments.scatter(G, spectrum.overlap) - n * np.outer(mean, mean)
    prior.mean, prior.precision = draw_hyper(n, mean, scatter, spectrum.variances, prior, random)
