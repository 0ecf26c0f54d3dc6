"""A posterior whose tables grow or shrink, and the rows of items that training has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from penchant.arrays import F32, Rows
from penchant.features.who_rated import PRIOR_OFFSET, Noise
from penchant.posterior.posterior import Posterior
from penchant.posterior.rows import Given, head_rows, of_users, user_weights
from penchant.posterior.sides import DayEffects, Side
from penchant.threads import Threads


class Raters(NamedTuple):
    """Users as items see them: solved from their ratings of trained items alone.

    Attributes:
        rows: (m,) int32, rising.
        draws: (T, m, D) float32, their means in each head.
        weights: (m,) float32, their noise weights.
        offsets: (m,) float32, o_u.
    """

    rows: Rows
    draws: F32
    weights: F32
    offsets: F32


def grown(posterior: Posterior, M: int, N: int) -> Posterior:
    """Return it with rows for M users and N items; the new ones are still to be solved."""
    noise, draws = posterior.noise, posterior.items.draws
    T, known, D = draws.shape
    if known < N:
        draws = np.concatenate([draws, np.zeros((T, N - known, D), np.float32)], axis=1)
    return dataclasses.replace(
        posterior,
        items=dataclasses.replace(posterior.items, draws=draws),
        noise=dataclasses.replace(
            noise,
            user_offsets=_longer(noise.user_offsets, M, 0.0),
            item_offsets=_longer(noise.item_offsets, N, 0.0),
            user_weights=_longer(noise.user_weights, M, noise.user_level),
            item_weights=_longer(noise.item_weights, N, noise.item_level),
        ),
    )


def _longer(array: F32, n: int, value: float) -> F32:
    more = np.full(n - len(array), value, np.float32)
    return np.concatenate([array, more]) if len(more) else array


def without_rows(posterior: Posterior, users: Sequence[int], items: Sequence[int]) -> Posterior:
    """Return it without some rows; later rows move up. Their columns in B's bags go with them."""
    noise, days = posterior.noise, posterior.days
    return dataclasses.replace(
        posterior,
        users=_without(posterior.users, users, items),
        items=_without(posterior.items, items, users),
        noise=dataclasses.replace(
            noise,
            user_offsets=np.delete(noise.user_offsets, users),
            item_offsets=np.delete(noise.item_offsets, items),
            user_weights=np.delete(noise.user_weights, users),
            item_weights=np.delete(noise.item_weights, items),
        ),
        days=None if days is None or not len(users) else _days_without(days, users),
    )


def _without(side: Side, own: Sequence[int], others: Sequence[int]) -> Side:
    drawn = [row for row in own if row < side.draws.shape[1]]
    trained = side.weights.shape[1] - 1 - side.encoder.width
    named = [row for row in others if side.weights.size and row < trained]
    return dataclasses.replace(
        side,
        draws=np.delete(side.draws, drawn, axis=1) if drawn else side.draws,
        weights=np.delete(side.weights, named, axis=1) if named else side.weights,
    )


def _days_without(days: DayEffects, users: Sequence[int]) -> DayEffects:
    rows, gone = days.keys >> 32, np.array(sorted(users), np.int64)
    kept = ~np.isin(rows, gone)
    moved = days.keys[kept] - (np.searchsorted(gone, rows[kept]) << 32)
    return DayEffects(moved, days.values[kept])


def raters(posterior: Posterior, rows: Rows, ratings: sp.csr_matrix, columns: F32) -> Raters:
    """Solve users as items see them.

    Args:
        posterior: the heads.
        rows: (m,) the users, rising.
        ratings: (m, N) float32 ``r − mean`` of trained items alone.
        columns: (m, S) float32, their side columns.
    """
    own = user_weights(posterior.noise, ratings)
    factors, bias = head_rows(of_users(posterior), ratings, columns, own)
    k = posterior.maps.shape[2]
    draws = np.concatenate([factors[:, :, :k], bias[:, :, None]], axis=2)
    counts = np.diff(ratings.indptr)
    r = ratings.data.astype(np.float64) - posterior.noise.item_offsets[ratings.indices]
    sums = np.bincount(np.repeat(np.arange(len(rows)), counts), r, minlength=len(rows))
    return Raters(rows, draws, own, (sums / (PRIOR_OFFSET + counts)).astype(np.float32))


class NewItems(NamedTuple):
    """Solved items.

    Attributes:
        draws: (T, m, D) float32, their means in each head.
        factors: (m, K) float32, the distilled rows.
        bias: (m,) float32.
        weights: (m,) float32, their noise weights.
        offsets: (m,) float32, o_i.
    """

    draws: F32
    factors: F32
    bias: F32
    weights: F32
    offsets: F32


def new_items(posterior: Posterior, who: Raters, ratings: sp.csr_matrix, columns: F32) -> NewItems:
    """Solve items that training has not seen, from their ratings.

    In each head from their raters' means (which tell more than the raters' draws of the training,
    and are there for new users too).

    Args:
        posterior: the heads and maps.
        who: all their raters.
        ratings: (m, raters) float32 ``r − mean``, indices sorted.
        columns: (m, S) float32, the items' side columns.
    """
    weights, offsets = _item_noise(posterior.noise, who, ratings)
    given = Given(
        posterior.items, who.draws, who.weights, posterior.alpha, who.rows, posterior.stars
    )
    factors, bias = head_rows(given, ratings, columns, weights)
    k = posterior.maps.shape[2]
    draws = np.concatenate([factors[:, :, :k], bias[:, :, None]], axis=2)
    return NewItems(draws, *distilled(posterior.maps, draws), weights, offsets)


def with_cold_items(
    posterior: Posterior, factors: F32, cold: Rows, columns: F32
) -> tuple[Posterior, F32]:
    """Solve items that have no ratings, so that they are what they would be if solved later.

    Args:
        posterior: the heads and maps.
        factors: (N, K) float32, the items' distilled rows.
        cold: (m,) the items.
        columns: (m, S) float32, their side columns.

    Returns:
        The posterior and the items' rows, with theirs put in.
    """
    if not len(cold):
        return posterior, factors
    T, _, D = posterior.items.draws.shape
    none = Raters(np.zeros(0, np.int32), np.zeros((T, 0, D), np.float32), *_NONE)
    solved = new_items(posterior, none, sp.csr_matrix((len(cold), 0), dtype=np.float32), columns)
    draws, factors = posterior.items.draws.copy(), factors.copy()
    draws[:, cold], factors[cold] = solved.draws, solved.factors
    weights, offsets = posterior.noise.item_weights.copy(), posterior.noise.item_offsets.copy()
    weights[cold], offsets[cold] = solved.weights, solved.offsets
    noise = dataclasses.replace(posterior.noise, item_weights=weights, item_offsets=offsets)
    items = dataclasses.replace(posterior.items, draws=draws)
    return dataclasses.replace(posterior, items=items, noise=noise), factors


_NONE = (np.zeros(0, np.float32), np.zeros(0, np.float32))


def _item_noise(noise: Noise, who: Raters, ratings: sp.csr_matrix) -> tuple[F32, F32]:
    seen = dataclasses.replace(noise, user_offsets=who.offsets)
    weights, offsets = [], []
    for start, stop in zip(ratings.indptr[:-1], ratings.indptr[1:], strict=True):
        deviations = ratings.data[start:stop]
        weights.append(seen.of_item(ratings.indices[start:stop], deviations))
        total = deviations.sum(dtype=np.float64)
        offsets.append(total / (PRIOR_OFFSET + len(deviations)))
    return np.array(weights, np.float32), np.array(offsets, np.float32)


def distilled(maps: F32, draws: F32) -> tuple[F32, F32]:
    """Return items' rows of the network, (m, K), and biases (m,), from their rows in each head.

    ``q`` is the least-squares solution of ``W_sᵀ q = q_s`` over all heads; the bias is the mean.

    Args:
        maps: (T, K, k) float32, W.
        draws: (T, m, D) float32.
    """
    T, K, k = maps.shape
    W = maps.astype(np.float64).transpose(1, 0, 2).reshape(K, T * k)
    q: Any = np.zeros((draws.shape[1], K), np.float32)
    with Threads(1):  # one thread of BLAS, as in the training: with more it may sum otherwise
        values, vectors = np.linalg.eigh(W @ W.T)
        kept = values > 1e-11 * max(float(values[-1]), 1e-300)
        inverse = (vectors[:, kept] / values[kept]) @ (vectors[:, kept].T @ W)  # (K, T k)
        for row in range(len(q)):  # one by one: a row's bits don't depend on its company
            q[row] = inverse @ draws[:, row, :-1].astype(np.float64).reshape(-1)
    bias = np.add.accumulate(draws[:, :, -1], axis=0, dtype=np.float64)[-1] / T
    return q, bias.astype(np.float32)
