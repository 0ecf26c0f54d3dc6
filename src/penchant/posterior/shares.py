"""What a prediction is made of: a pure function of a solved row.

In each head the user's row is x̃ = (p, b), and given the bias b the factors p alone solve a ridge
regression of what bias and quality leave over. With q the item's factors in that head, A and Λ as
in `penchant.posterior.posterior`, their parts of the factors ``A_pp``, and ``g = (A_pp⁻¹ q, 0)``,

    q · p = Σ_j a_j (g · f_j) (e_j − b) + gᵀ Λ (m + Bᵀ x − (0, b))

so the prediction ``mean + b_u + b_i + mean_s q · p`` is a sum with a term for the user's severity
b_u, the item's quality b_i, each rating by how far it is from what these two would say, each thing
rated at all, their number, each side column, and the prior.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from penchant.arrays import F32, F64
from penchant.features import bag_weights
from penchant.posterior.posterior import Posterior
from penchant.posterior.sides import Solved


@dataclasses.dataclass(frozen=True, eq=False)
class Shares:
    """The terms of one unclipped prediction, in rating units; `total` is their sum.

    Attributes:
        mean: the mean of the training ratings.
        severity: the user's bias b_u.
        quality: the item's bias b_i.
        prior: what stands for every user, whatever was rated.
        ratings: (n,) float64, what the value of each of the user's ratings adds.
        rated: (n,) float64, what it adds that each was rated at all.
        count: what the number of ratings adds.
        side: (S,) float64, what each side value adds.
        slopes: (n,) float64, by how much the prediction rises when one rating rises by 1, through
            factors and bias, the weight of the user's noise held.
    """

    mean: float
    severity: float
    quality: float
    prior: float
    ratings: F64
    rated: F64
    count: float
    side: F64
    slopes: F64

    @property
    def total(self) -> float:
        """The sum: the unclipped prediction."""
        known = self.mean + self.severity + self.quality + self.prior + self.count
        return float(known + self.ratings.sum() + self.rated.sum() + self.side.sum())


def _directions(posterior: Posterior, solved: Solved, item: F32) -> tuple[F64, F64]:
    """Return g, and ``A⁻¹ (q, 1)``, of an item's distilled row (K,) in each head, (T, D) each."""
    T, _, k = posterior.maps.shape
    right = np.zeros((T, k + 1, 2))
    right[:, :k, 0] = np.matmul(item, posterior.maps)
    right[:, k, 1] = 1.0
    found = np.linalg.solve(solved.precision, right)
    factors, bias = found[:, :, 0], found[:, :, 1]
    return factors - bias * (factors[:, k:] / bias[:, k:]), factors + bias


def shares(posterior: Posterior, solved: Solved, item: F32, item_bias: float) -> Shares:
    """Take a user's prediction for an item apart.

    Args:
        posterior: the heads.
        solved: the user's row of ``posterior.row``.
        item: (K,) float32, the item's distilled row.
        item_bias: b_i of the network.
    """
    g, whole = _directions(posterior, solved, item)
    users, T = posterior.users, posterior.heads
    bias = solved.rows[:, -1]  # (T,)
    h = np.matmul(g[:, None, :], users.precision)[:, 0]  # gᵀ Λ, (T, D)
    pulls = np.matmul(solved.weighted, np.stack([g, whole], axis=2))  # (T, n, 2)
    rated, count, side = _prior_shares(posterior, solved, h)
    return Shares(
        posterior.mean,
        solved.bias,
        item_bias,
        float((h * users.mean).sum() - h[:, -1] @ bias) / T,
        (pulls[:, :, 0] * (solved.errors - bias[:, None])).mean(axis=0),
        rated,
        count,
        side,
        pulls[:, :, 1].mean(axis=0),
    )


def _prior_shares(posterior: Posterior, solved: Solved, h: F64) -> tuple[F64, float, F64]:
    """Return what x adds: each thing rated (n,), the count, each side value (S,)."""
    users, T = posterior.users, posterior.heads
    n, S = len(solved.rated), users.encoder.width
    rated, count, side = np.zeros(n), 0.0, np.zeros(S)
    if not users.weights.size:
        return rated, count, side
    N = users.weights.shape[1] - 1 - S
    if n:
        known = solved.rated < N
        bag = users.weights[:, solved.rated[known]]  # (T, n, D)
        weight = float(bag_weights(np.array([n]))[0])
        rated[known] = np.matmul(bag, h[:, :, None])[:, :, 0].sum(axis=0) * (weight / T)
        z = float(users.count.encode(np.array([n]))[0])
        count = z * float((h * users.weights[:, N]).sum()) / T
    if solved.side is not None and S:
        along = np.matmul(users.weights[:, N + 1 :], h[:, :, None])[:, :, 0]  # (T, S)
        side = solved.side * along.sum(axis=0) / T
    return rated, count, side
