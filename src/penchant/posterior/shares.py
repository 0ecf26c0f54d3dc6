"""What a prediction is made of, and how sure it is: pure functions of a solved row.

With ``f_s = (W_sᵀ q_i, 1)`` and ``g_s = A_s⁻¹ f_s`` the prediction is

    mean + b_i + mean_s g_sᵀ (Σ_j a_j f_j e_j + Λ_s (m_s + B_sᵀ x))

a sum with a term for each rating, each thing rated at all, each side column, and the prior.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from penchant.features import bag_weights
from penchant.posterior.heads import Posterior, Solved

Doubles = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Shares:
    """The terms of one unclipped prediction, in rating units; `total` is their sum.

    Attributes:
        mean: the mean of the training ratings.
        item: the item's bias b_i.
        prior: what stands for every user, whatever was rated.
        ratings: (n,) float64, what the value of each of the user's ratings adds.
        rated: (n,) float64, what it adds that each was rated at all.
        count: what the number of ratings adds.
        side: (S,) float64, what each side value adds.
    """

    mean: float
    item: float
    prior: float
    ratings: Doubles
    rated: Doubles
    count: float
    side: Doubles

    @property
    def total(self) -> float:
        """The sum: the unclipped prediction."""
        ends = self.ratings.sum() + self.rated.sum() + self.side.sum()
        return float(self.mean + self.item + self.prior + self.count + ends)


def item_directions(
    posterior: Posterior, solved: Solved, item: npt.NDArray[np.float32]
) -> tuple[Doubles, Doubles]:
    """Return ``f_s`` and ``g_s = A_s⁻¹ f_s`` of an item's distilled row (K,), (T, D) each."""
    f: Doubles = np.ones((posterior.heads, posterior.maps.shape[2] + 1))
    f[:, :-1] = np.einsum("tKk,K->tk", posterior.maps, item)
    g = np.linalg.solve(solved.precision, f[:, :, None])[:, :, 0]
    return f, g.astype(np.float64, copy=False)


def shares(
    posterior: Posterior, solved: Solved, item: npt.NDArray[np.float32], item_bias: float
) -> Shares:
    """Take a user's prediction for an item apart.

    Args:
        posterior: the heads.
        solved: the user's row of ``posterior.row``.
        item: (K,) float32, the item's distilled row.
        item_bias: b_i of the network.
    """
    _, g = item_directions(posterior, solved, item)
    users, T = posterior.users, posterior.heads
    h = np.matmul(g[:, None, :], users.precision)[:, 0]  # gᵀ Λ, (T, D)
    n, S = len(solved.rated), users.encoder.width
    rated, count, side = np.zeros(n), 0.0, np.zeros(S)
    if users.weights.size:
        N = users.weights.shape[1] - 1 - S
        if n:
            known = solved.rated < N
            bag = users.weights[:, solved.rated[known]]
            rated[known] = np.einsum("td,tnd->n", h, bag) * bag_weights(np.array([n]))[0]
            z = users.count.encode(np.array([n]))[0]
            count = float(z * np.einsum("td,td->", h, users.weights[:, N])) / T
        if solved.side is not None:
            side = solved.side * np.einsum("td,tsd->s", h, users.weights[:, N + 1 :]) / T
    return Shares(
        posterior.mean,
        item_bias,
        float(np.einsum("td,td->", h, users.mean)) / T,
        np.einsum("td,tnd->n", g, solved.parts) / T,
        rated / T,
        count,
        side,
    )


def variance(
    posterior: Posterior,
    solved: Solved,
    item: npt.NDArray[np.float32],
    item_weight: float = 1.0,
) -> float:
    """Return the variance of a further rating of an item by this user, in squared rating units.

    The mean over heads of ``fᵀ A⁻¹ f + 1 / (α w_u w_i)``, plus the variance of the heads' means.

    Args:
        posterior: the heads.
        solved: the user's row of ``posterior.row``.
        item: (K,) float32, the item's distilled row.
        item_weight: w_i of the item's noise.
    """
    f, g = item_directions(posterior, solved, item)
    within = np.einsum("td,td->t", f, g) + 1 / (solved.noise * item_weight)
    means = np.einsum("td,td->t", f, solved.rows)
    return float(within.mean() + means.var())
