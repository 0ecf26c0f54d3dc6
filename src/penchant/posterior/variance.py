"""How sure a prediction is: the variance of a further rating, given the heads.

In head s a rating is ``mean + b_u + b_i + p · q`` plus noise, with x̃ = (p, b_u) ~ N(x̃_s, A_s⁻¹)
and f = (q, 1). Over all heads, which are draws of the items' rows, its variance is

    mean_s (fᵀ A_s⁻¹ f + 1 / (α_s w_u w_i)) + var_s (f · x̃_s + b_i)

What an item is like that training had no ratings of, no head knows. For it the variance that its
n ratings leave counts besides, ``gᵀ S g + tr(C S_q)`` with g = (p_s, 1), S_q and C the parts of the
factors of S and A_s⁻¹, and S the inverse of ``Λ + n α_s E[f fᵀ]``, f = (p, 1) of the users' prior.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64, Rows
from penchant.posterior.posterior import Posterior
from penchant.posterior.sides import Solved

_ITEMS = 1024  # at once: it bounds the memory


def variances(
    posterior: Posterior, solved: Solved, item_rows: Rows, fresh: npt.NDArray[np.integer]
) -> F64:
    """Return the variance of a further rating of each item by one user, (n,) float64.

    Args:
        posterior: the heads.
        solved: the user's row of ``posterior.row``.
        item_rows: (n,) the items.
        fresh: (n,) the number of ratings of an item that training had none of; −1 for others.
    """
    inverse: Any = np.linalg.inv(solved.precision)
    noise = np.mean(1 / solved.noise) / posterior.noise.item_weights[item_rows].astype(np.float64)
    out: F64 = noise
    for n in np.unique(fresh[fresh >= 0]).tolist():
        out += (fresh == n) * _of_item(solved, inverse, item_covariance(posterior, n))
    for start in range(0, len(item_rows), _ITEMS):
        part = slice(start, start + _ITEMS)
        f = posterior.items.draws[:, item_rows[part]].astype(np.float64)  # (T, n, D)
        biases = f[:, :, -1].copy()
        f[:, :, -1] = 1.0
        within = np.einsum("tnd,tnd->tn", np.matmul(f, inverse), f)
        means = np.matmul(f, solved.rows[:, :, None])[:, :, 0] + biases
        out[part] += within.mean(axis=0) + means.var(axis=0)
    return out


def item_covariance(posterior: Posterior, n: int) -> F64:
    """Return S of an item that training had no ratings of, given n since then, (T, D, D)."""
    users = posterior.users
    f = users.mean.astype(np.float64)
    f[:, -1] = 1.0
    second = np.einsum("td,te->tde", f, f)
    second[:, :-1, :-1] += np.linalg.inv(users.precision.astype(np.float64))[:, :-1, :-1]
    told = n * posterior.alpha.astype(np.float64)
    covariance: F64 = np.linalg.inv(posterior.items.precision + told[:, None, None] * second)
    return covariance


def _of_item(solved: Solved, inverse: F64, S: F64) -> float:
    """Return what not knowing the item adds to the variance."""
    g = solved.rows.copy()
    g[:, -1] = 1.0
    unsure = np.einsum("td,tde,te->t", g, S, g)
    both = np.einsum("tde,tde->t", S[:, :-1, :-1], inverse[:, :-1, :-1])
    return float((unsure + both).mean())
