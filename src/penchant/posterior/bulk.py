"""The rows of all users at once, by the kernels: what `Posterior.row` does for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    indptr, indices = ratings.indptr.astype(np.int64), ratings.indices.astype(np.int32)
    for s in range(posterior.heads):
        priors = _prior_means(posterior.users, s, indptr, indices, side, threads)
        yield _one_head(posterior, s, indptr, indices, ratings.data, priors, threads)


def _one_head(
    posterior: Posterior,
    s: int,
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    values: Floats,
    priors: Floats,
    threads: Threads,
) -> Floats:
    draws, precision = posterior.items.draws[s], posterior.users.precision[s]
    M, D = priors.shape
    k, K = D - 1, -(-(D - 1) // 8) * 8
    roots = np.sqrt(posterior.noise.item_weights)
    scaled = np.zeros((len(draws), K), dtype=np.float32)
    scaled[:, :k] = draws[:, :k] * roots[:, None]
    biases = np.ascontiguousarray(draws[:, k])
    alphas = posterior.alpha[s] * posterior.noise.user_weights
    factors, bias = np.zeros((M, K), np.float32), np.zeros(M, np.float32)

    def work(start: int, stop: int) -> None:
        solve_rows(
            start, stop, indptr, indices, values, scaled, biases, roots, alphas, precision,
            np.ones(M, np.float32), priors, False, 0, 0, seed_key(0), factors, bias,
        )  # fmt: skip

    threads.map(work, threads.blocks(np.diff(indptr)))
    return np.column_stack([factors[:, :k], bias])


def user_tables(
    posterior: Posterior, solved: Iterable[Floats], threads: Threads
) -> tuple[Floats, Floats]:
    """Return the network's user factors (M, K) and user biases (M,), float32.

    Args:
        posterior: the heads, with their maps.
        solved: what `head_rows` yields, one (M, D) for each head.
        threads: who does it.
    """
    T = posterior.heads
    factors: npt.NDArray[np.float32] = np.zeros((), dtype=np.float32)
    bias: npt.NDArray[np.float64] = np.zeros(())
    for s, rows in enumerate(solved):
        part = np.ascontiguousarray(posterior.maps[s].T) / np.float32(T)
        factors = factors + times(threads, np.ascontiguousarray(rows[:, :-1]), part)
        bias = bias + rows[:, -1].astype(np.float64)
    return factors.astype(np.float32), (bias / T).astype(np.float32)


def _prior_means(
    users: Side,
    s: int,
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    side: Floats,
    threads: Threads,
) -> Floats:
    """Return ``m + Bᵀx`` of all rows in head s, (M, D) float32."""
    D, counts = users.mean.shape[1], np.diff(indptr)
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
