"""The variances of many pairs by the kernels: what `variances` does for one user."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.engine.threads import Threads
from penchant.features import bag_weights
from penchant.ids import Rows
from penchant.kernels.moments import pair_moments
from penchant.posterior.heads import Posterior
from penchant.posterior.rows import prior_parts, user_weights

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Users = npt.NDArray[np.integer]


class _Pairs(NamedTuple):
    """Pairs by user.

    Attributes:
        starts: (U + 1,) int64, where each user's pairs start.
        items: (m,) int32, rows of the items' table.
        places: (m,) where each pair, as they were given, stands.
    """

    starts: npt.NDArray[np.int64]
    items: Rows
    places: npt.NDArray[np.intp]

    @classmethod
    def of(cls, users: Users, items: Any, n_users: int) -> _Pairs:
        by_user = np.argsort(users, kind="stable")
        places = np.empty(len(by_user), dtype=np.intp)
        places[by_user] = np.arange(len(by_user))
        starts = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=n_users))])
        return cls(starts.astype(np.int64), items[by_user].astype(np.int32), places)


class _Work(NamedTuple):
    """What is the same in all heads: ratings, what is known of their users, and the pairs."""

    ratings: sp.csr_matrix
    facts: tuple[Any, ...]
    pairs: _Pairs
    threads: Threads


def pair_variances(
    posterior: Posterior,
    ratings: sp.csr_matrix,
    side: Floats,
    users: Users,
    item_rows: Rows,
    unrated: npt.NDArray[np.bool_],
    threads: Threads,
) -> Doubles:
    """Return the variance of a further rating of each pair, (n,) float64.

    Args:
        posterior: the heads.
        ratings: (U, N) float32, ``r − mean`` of the users asked for, less day effects; indices
            sorted, explicit zeros count.
        side: (U, S) float32, their side columns, zeros where unknown.
        users: (n,) which of the U users.
        item_rows: (n,) which item.
        unrated: (n,) whether that item has no ratings.
        threads: who does it.
    """
    T, N, D = posterior.items.draws.shape
    U, n = ratings.shape[0], len(users)
    unsure = np.unique(users[unrated])  # these meet the directions of the items' prior besides
    asked = np.concatenate([users, np.repeat(unsure, D)])
    pairs = _Pairs.of(asked, np.append(item_rows, np.tile(np.arange(N, N + D), len(unsure))), U)
    counts = np.diff(ratings.indptr)
    facts = bag_weights(counts), posterior.users.count.encode(counts), side
    weights = user_weights(posterior.noise, ratings)
    work = _Work(ratings, facts, pairs, threads)
    sums, squares, within, extra = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(U)
    for s in range(T):
        lower = np.linalg.cholesky(np.linalg.inv(posterior.items.precision[s].astype(np.float64)))
        means, withins = _moments(posterior, s, work, weights * posterior.alpha[s], lower)
        mine = means[:n] + posterior.items.draws[s, item_rows, D - 1]
        sums, squares, within = sums + mine, squares + mine**2, within + withins[:n]
        priors = (means[n:].reshape(-1, D) + lower[-1]) ** 2 + withins[n:].reshape(-1, D)
        extra[unsure] += priors.sum(axis=1) / T
    spread = np.maximum(squares / T - (sums / T) ** 2, 0)
    noise = np.mean(1 / posterior.alpha.astype(np.float64)) / (
        weights[users].astype(np.float64) * posterior.noise.item_weights[item_rows]
    )
    variances: Doubles = within / T + spread + noise + unrated * extra[users]
    return variances


def _moments(
    posterior: Posterior, s: int, work: _Work, alphas: Floats, lower: Doubles
) -> tuple[Doubles, Doubles]:
    """Return mean and ``fᵀ A⁻¹ f`` of all pairs in head s, in the order they were given."""
    N, D = posterior.items.draws.shape[1:]
    k, K = D - 1, -(-(D - 1) // 8) * 8
    draws = posterior.items.draws[s]
    items = np.zeros((N + D, K), dtype=np.float32)
    items[:N, :k], items[N:, :k] = draws[:, :k], lower[:k].T
    lasts = np.append(np.ones(N, np.float32), np.zeros(D, np.float32))
    units = np.sqrt(posterior.noise.item_weights)
    scaled, biases = items[:N] * units[:, None], np.ascontiguousarray(draws[:, k])
    ratings, pairs = work.ratings, work.pairs
    indptr, indices = ratings.indptr.astype(np.int64), ratings.indices.astype(np.int32)
    prior = prior_parts(posterior.users, slice(s, s + 1), np.arange(N, dtype=np.int32))
    means, withins = (np.empty(len(pairs.items), dtype=np.float32) for _ in range(2))

    def run(start: int, stop: int) -> None:
        pair_moments(
            start, stop, indptr, indices, ratings.data, *work.facts, alphas, scaled, biases, units,
            posterior.users.precision[s], *(part[0] for part in prior), pairs.starts, pairs.items,
            items, lasts, means, withins,
        )  # type: ignore[call-arg]  # fmt: skip

    work.threads.map(run, work.threads.blocks(np.diff(indptr) + np.diff(pairs.starts)))
    return means[pairs.places].astype(np.float64), withins[pairs.places].astype(np.float64)
