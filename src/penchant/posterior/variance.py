"""How sure a prediction is: the variance of a further rating, given the heads.

In head s a rating is ``mean + b_u + b_i + p · q`` plus noise, with x̃ = (p, b_u) ~ N(x̃_s, A_s⁻¹)
and f = (q, 1). Over all heads, which are draws of the items' rows, its variance is

    mean_s (fᵀ A_s⁻¹ f + 1 / (α_s w_u w_i)) + var_s (f · x̃_s + b_i)

What an item without ratings is like, no head knows: for it the variance of its prior counts,
``gᵀ S g + tr(C S_q)`` with g = (p_s, 1), S the inverse of the items' Λ, S_q its part of the factors
and C that of A_s⁻¹.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.ids import Rows
from penchant.posterior.heads import Posterior, Solved

Doubles = npt.NDArray[np.float64]

_ITEMS = 1024  # at once: it bounds the memory


def variances(
    posterior: Posterior, solved: Solved, item_rows: Rows, unrated: npt.NDArray[np.bool_]
) -> Doubles:
    """Return the variance of a further rating of each item by one user, (n,) float64.

    Args:
        posterior: the heads.
        solved: the user's row of ``posterior.row``.
        item_rows: (n,) the items.
        unrated: (n,) which of them have no ratings.
    """
    inverse = np.linalg.inv(solved.precision)
    noise = np.mean(1 / solved.noise) / posterior.noise.item_weights[item_rows].astype(np.float64)
    out: Doubles = noise + unrated * _of_priors(posterior, solved, inverse)
    for start in range(0, len(item_rows), _ITEMS):
        part = slice(start, start + _ITEMS)
        f = posterior.items.draws[:, item_rows[part]].astype(np.float64)  # (T, n, D)
        biases = f[:, :, -1].copy()
        f[:, :, -1] = 1.0
        within = np.einsum("tnd,tnd->tn", np.matmul(f, inverse), f)
        means = np.matmul(f, solved.rows[:, :, None])[:, :, 0] + biases
        out[part] += within.mean(axis=0) + means.var(axis=0)
    return out


def _of_priors(posterior: Posterior, solved: Solved, inverse: Doubles) -> float:
    """Return what not knowing the item adds to the variance."""
    S = np.linalg.inv(posterior.items.precision.astype(np.float64))
    g = solved.rows.copy()
    g[:, -1] = 1.0
    unsure = np.einsum("td,tde,te->t", g, S, g)
    both = np.einsum("tde,tde->t", S[:, :-1, :-1], inverse[:, :-1, :-1])
    return float((unsure + both).mean())
