"""The variances of many pairs by the kernels: what `variances` does for one user."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.arrays import F32, F64, Rows
from penchant.features import bag_weights
from penchant.kernels.head_means import pair_moments
from penchant.kernels.head_rows import prior_rows
from penchant.posterior.posterior import Posterior
from penchant.posterior.rows import of_users, prior_parts, user_weights
from penchant.posterior.variance import item_covariance
from penchant.threads import Threads

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


class _Unknown(NamedTuple):
    """Pairs whose items training had no ratings of, by user and by the items' number of ratings.

    These users meet besides the directions in which such items vary: the columns of the Cholesky
    factors of their covariances.

    Attributes:
        users: (m,) the users.
        level: (m,) the place of the number in `lower`.
        pairs: which of the m each unknown pair is.
        lower: (levels, T, D, D) the Cholesky factors.
    """

    users: npt.NDArray[np.intp]
    level: npt.NDArray[np.intp]
    pairs: npt.NDArray[np.intp]
    lower: F64

    @classmethod
    def of(cls, posterior: Posterior, users: Users, fresh: Users) -> _Unknown:
        numbers, level = np.unique(fresh[fresh >= 0], return_inverse=True)
        D = posterior.items.mean.shape[1]
        many = max(1, len(numbers))
        met, pairs = np.unique(users[fresh >= 0] * many + level, return_inverse=True)
        lower = np.zeros((len(numbers), posterior.heads, D, D))
        for place, number in enumerate(numbers.tolist()):
            lower[place] = np.linalg.cholesky(item_covariance(posterior, number))
        return cls(met // many, met % many, pairs, lower)


class _Work(NamedTuple):
    """What is the same in all heads: ratings, what is known of their users, and the pairs."""

    ratings: sp.csr_matrix
    facts: tuple[Any, ...]
    pairs: _Pairs
    threads: Threads


def pair_variances(
    posterior: Posterior,
    ratings: sp.csr_matrix,
    side: F32,
    users: Users,
    item_rows: Rows,
    fresh: Users,
    threads: Threads,
) -> F64:
    """Return the variance of a further rating of each pair, (n,) float64.

    Args:
        posterior: the heads.
        ratings: (U, N) float32, ``r − mean`` of the users asked for, less day effects; indices
            sorted, explicit zeros count.
        side: (U, S) float32, their side columns, zeros where unknown.
        users: (n,) which of the U users.
        item_rows: (n,) which item.
        fresh: (n,) as for `variances`.
        threads: who does it.
    """
    T, N, D = posterior.items.draws.shape
    n, counts = len(users), np.diff(ratings.indptr)
    unknown = _Unknown.of(posterior, users, fresh)
    pairs = _Pairs.of(
        np.concatenate([users, np.repeat(unknown.users, D)]),
        np.append(item_rows, (N + D * unknown.level[:, None] + np.arange(D)).reshape(-1)),
        ratings.shape[0],
    )
    weights = user_weights(posterior.noise, ratings)
    ratings = of_users(posterior).latent_values(ratings, side, weights, threads)
    facts = bag_weights(counts), posterior.users.count.encode(counts), side
    work = _Work(ratings, facts, pairs, threads)
    sums, squares, within = np.zeros(n), np.zeros(n), np.zeros(n)
    extra = np.zeros(len(unknown.users))
    for s in range(T):
        lower = unknown.lower[:, s]
        means, withins = _moments(posterior, s, work, weights * posterior.alpha[s], lower)
        mine = means[:n] + posterior.items.draws[s, item_rows, D - 1]
        sums, squares, within = sums + mine, squares + mine**2, within + withins[:n]
        along = (means[n:].reshape(-1, D) + lower[unknown.level, -1]) ** 2
        extra += (along + withins[n:].reshape(-1, D)).sum(axis=1) / T
    noise = np.mean(1 / posterior.alpha.astype(np.float64)) / (
        weights[users].astype(np.float64) * posterior.noise.item_weights[item_rows]
    )
    out: F64 = within / T + np.maximum(squares / T - (sums / T) ** 2, 0) + noise
    out[fresh >= 0] += extra[unknown.pairs]
    return out


def _moments(posterior: Posterior, s: int, work: _Work, alphas: F32, lower: F64) -> tuple[F64, F64]:
    """Return mean and ``fᵀ A⁻¹ f`` of all pairs in head s, in the order they were given."""
    N, D = posterior.items.draws.shape[1:]
    k, K = D - 1, -(-(D - 1) // 8) * 8
    draws = posterior.items.draws[s]
    directions = lower[:, :k].transpose(0, 2, 1).reshape(-1, k)  # columns of the Cholesky factors
    items = np.zeros((N + len(directions), K), dtype=np.float32)
    items[:N, :k], items[N:, :k] = draws[:, :k], directions
    lasts = np.append(np.ones(N, np.float32), np.zeros(len(directions), np.float32))
    units = np.sqrt(posterior.noise.item_weights)
    scaled, biases = items[:N] * units[:, None], np.ascontiguousarray(draws[:, k])
    ratings, pairs = work.ratings, work.pairs
    indptr, indices = ratings.indptr.astype(np.int64), ratings.indices.astype(np.int32)
    prior = prior_parts(posterior.users, slice(s, s + 1), np.arange(N, dtype=np.int32))
    means, withins = (np.empty(len(pairs.items), dtype=np.float32) for _ in range(2))
    priors = np.empty((1, ratings.shape[0], D), dtype=np.float32)

    def run(start: int, stop: int) -> None:
        prior_rows(start, stop, indptr, indices, *work.facts, *prior, priors)  # type: ignore[call-arg]
        pair_moments(
            start, stop, indptr, indices, ratings.data, alphas, scaled, biases, units,
            posterior.users.precision[s], priors[0], pairs.starts, pairs.items, items, lasts, means,
            withins,
        )  # fmt: skip

    work.threads.map(run, work.threads.blocks(np.diff(indptr) + np.diff(pairs.starts)))
    return means[pairs.places].astype(np.float64), withins[pairs.places].astype(np.float64)
