"""The rows of all users at once, by the kernels: what `Posterior.row` does for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.engine.dense import times
from penchant.engine.threads import Threads
from penchant.features import bag_weights
from penchant.kernels.rng import seed_key
from penchant.kernels.rowstep import solve_rows
from penchant.kernels.sparse import pattern_times
from penchant.posterior.heads import Posterior, Side

Floats = npt.NDArray[np.float32]


def head_rows(
    posterior: Posterior, ratings: sp.csr_matrix, side: Floats, threads: Threads
) -> Iterator[Floats]:
    """Yield the users' rows x̃_s in one head after the other, (M, D) float32.

    Args:
        posterior: the heads; its maps aren't used.
        ratings: (M, N) float32, ``r − mean`` of each user's ratings; explicit zeros count.
        side: (M, S) float32, the users' side columns, zeros where unknown.
        threads: who does it.
    """
    users, items = posterior.users, posterior.items
    indptr, indices = ratings.indptr.astype(np.int64), ratings.indices.astype(np.int32)
    counts = np.diff(indptr)
    D = users.mean.shape[1]
    k, K = D - 1, -(-(D - 1) // 8) * 8
    roots = np.sqrt(posterior.noise.item_weights)
    user_weights = posterior.noise.user_weights
    blocks = threads.blocks(counts)
    M = len(counts)
    for s in range(posterior.heads):
        scaled = np.zeros((ratings.shape[1], K), dtype=np.float32)
        scaled[:, :k] = items.draws[s, :, :k] * roots[:, None]
        biases = np.ascontiguousarray(items.draws[s, :, k])
        priors = _prior_means(users, s, indptr, indices, counts, side, threads)
        factors, bias = np.zeros((M, K), np.float32), np.zeros(M, np.float32)

        def work(start: int, stop: int, *more: Any) -> None:
            scaled, biases, precision, alphas, priors, factors, bias = more
            solve_rows(
                start, stop, indptr, indices, ratings.data, scaled, biases, roots, alphas,
                precision, np.ones(M, np.float32), priors, False, 0, 0, seed_key(0), factors, bias,
            )  # fmt: skip

        alphas = posterior.alpha[s] * user_weights
        more = (scaled, biases, users.precision[s], alphas, priors, factors, bias)
        threads.map(lambda start, stop, more=more: work(start, stop, *more), blocks)
        yield np.column_stack([factors[:, :k], bias])


def user_tables(
    posterior: Posterior, ratings: sp.csr_matrix, side: Floats, threads: Threads
) -> tuple[Floats, Floats]:
    """Return the network's user factors (M, K) and user biases (M,), float32.

    Arguments as for `head_rows`.
    """
    T, K, _ = posterior.maps.shape
    factors = np.zeros((ratings.shape[0], K), dtype=np.float32)
    bias = np.zeros(ratings.shape[0], dtype=np.float64)
    for s, rows in enumerate(head_rows(posterior, ratings, side, threads)):
        part = np.ascontiguousarray(posterior.maps[s].T) / np.float32(T)
        factors += times(threads, np.ascontiguousarray(rows[:, :-1]), part)
        bias += rows[:, -1]
    return factors, (bias / T).astype(np.float32)


def _prior_means(
    users: Side,
    s: int,
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
    side: Floats,
    threads: Threads,
) -> Floats:
    """Return ``m + Bᵀx`` of all rows in head s, (M, D) float32."""
    D = users.mean.shape[1]
    means = np.tile(users.mean[s], (len(counts), 1)).astype(np.float32)
    if not users.weights.size:
        return means
    N = users.weights.shape[1] - 1 - users.encoder.width
    B = np.zeros((N, -(-D // 8) * 8), dtype=np.float32)
    B[:, :D] = users.weights[s, :N]
    bags = np.empty((len(counts), B.shape[1]), dtype=np.float32)
    norms, ones = bag_weights(counts), np.ones(N, dtype=np.float32)

    def work(start: int, stop: int) -> None:
        pattern_times(start, stop, indptr, indices, norms, ones, B, bags)

    threads.map(work, threads.blocks(counts))
    means += bags[:, :D] + users.count.encode(counts)[:, None] * users.weights[s, N]
    return means + side @ users.weights[s, N + 1 :] if side.shape[1] else means
