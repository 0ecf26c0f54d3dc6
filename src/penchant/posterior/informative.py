"""What to ask someone of whom little is known: by how much an answer would narrow the rest.

With C_s the covariance of a user's row in head s, f_j = (q_sj, 1), and a_j the noise precision of a
rating of item j, an answer lowers the mean variance of the user's ratings, over the items as ω
weighs them, by

    drop_j = mean_s  f_jᵀ C_s T_s C_s f_j / (1 / a_j + f_jᵀ C_s f_j),    T_s = Σ_i ω_i f_i f_iᵀ

(Bayesian A-optimal design: Chaloner & Verdinelli 1995, section 2.2). It doesn't depend on what the
answer will be, so the questions after it can be chosen before it is given.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Rows
from penchant.features import bag_weights
from penchant.posterior.posterior import Posterior

Counts = npt.NDArray[np.integer]

ASKED = 20.0
"""So many items of one's own choice say as much of what one rates as a usual user's bag does."""


def usual_prior(posterior: Posterior, user_counts: Counts, item_counts: Counts) -> F64:
    """Return the mean of the users' prior in each head, (T, D) float64: of a usual user's bag.

    A stranger's features are zero, which is no usual user's. Here x holds the mean of the users'
    bags, in which item i weighs ``c_i Σ_u √n_u / (M Σ_u n_u)``, as if all users drew from the same
    items.
    """
    users = posterior.users
    mean = users.mean.astype(np.float64)
    if not users.weights.size:
        return mean
    known = users.weights.shape[1] - 1 - users.encoder.width
    n = user_counts[user_counts > 0].astype(np.float64)
    share = float((n * bag_weights(n.astype(np.int64))).sum() / max(1.0, n.sum()) / max(1, len(n)))
    bag = share * item_counts[:known].astype(np.float64)
    usual: F64 = mean + np.einsum("i,tid->td", bag, users.weights[:, : len(bag)], optimize=True)
    return usual


def asked_prior(posterior: Posterior, usual: F64, rated: Rows, side: F32 | None) -> F64:
    """Return the prior's mean of someone who answered about n items that we chose, (T, D).

    What one rates unasked says much of one's taste; what one was asked about says little. So the
    bag counts for n / (n + `ASKED`), and a usual user's for the rest.
    """
    own = posterior.users.prior_means(rated, side)
    if side is not None:
        nothing = np.zeros(0, np.int32)
        usual = usual + posterior.users.prior_means(nothing, side) - posterior.users.mean
    part = len(rated) / (len(rated) + ASKED)
    prior: F64 = part * own + (1 - part) * usual
    return prior


def weights_of(item_counts: Counts) -> F64:
    """Return ω, (N,) float64: half of it as items are rated, half the same for each.

    Only items with training ratings count; the first half is what a user is likely to meet, the
    second keeps the rest of the catalogue in sight.

    >>> weights_of(np.array([0, 1, 3])).tolist()
    [0.0, 0.375, 0.625]
    """
    counts = item_counts.astype(np.float64)
    even = (counts > 0) / max(1, int(np.count_nonzero(counts)))
    weights: F64 = 0.5 * counts / max(1.0, float(counts.sum())) + 0.5 * even
    return weights


def targets(posterior: Posterior, weights: F64) -> F64:
    """Return T_s of the weights ω, (T, D, D) float64."""
    rated = np.flatnonzero(weights)
    weights = weights[rated]
    T, _, D = posterior.items.draws.shape
    found = np.empty((T, D, D))
    for s in range(T):
        f = with_one(posterior.items.draws[s, rated])
        found[s] = (f * weights[:, None]).T @ f
    return found


def with_one(draws: F32) -> F64:
    """Return f = (factors, 1) of rows (factors, bias), float64."""
    f = draws.astype(np.float64)
    f[..., -1] = 1.0
    return f


def drops(covariance: F64, target: F64, f: F64, noise: F64) -> F64:
    """Return the expected drop of the variance by an answer about each of n items, (n,) float64.

    Args:
        covariance: (T, D, D), C_s.
        target: (T, D, D), T_s.
        f: (T, n, D), of the items.
        noise: (T, n), ``1 / a_j``.
    """
    spread = np.matmul(f, covariance)
    gained = np.einsum("tnd,tnd->tn", np.matmul(spread, target), spread)
    own = np.einsum("tnd,tnd->tn", spread, f)
    found: F64 = (gained / (noise + own)).mean(axis=0)
    return found


def answered(covariance: F64, f: F64, noise: F64) -> F64:
    """Return C_s after an answer about one item, (T, D, D); f is (T, D), noise (T,).

    >>> answered(np.eye(2)[None], np.array([[1.0, 0.0]]), np.ones(1)).tolist()
    [[[0.5, 0.0], [0.0, 1.0]]]
    """
    spread = np.einsum("tde,te->td", covariance, f)
    own = np.einsum("td,td->t", spread, f) + noise
    left: F64 = covariance - np.einsum("td,te->tde", spread, spread) / own[:, None, None]
    return left
