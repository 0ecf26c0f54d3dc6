"""Rows of one side, few or all, solved from their ratings by the kernels.

What comes out for a row is a pure function of that row's ratings, to the bit: a row that was
trained, that is new, or that is changed and changed back is one and the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.arrays import F32
from penchant.features import bag_weights
from penchant.features.who_rated import PRIOR_OFFSET, Noise, weight
from penchant.kernels.aligned import aligned_zeros
from penchant.kernels.head_rows import add_mapped, prior_rows
from penchant.kernels.rng import seed_key
from penchant.kernels.rowstep import solve_in_heads
from penchant.posterior.bulk_latent import latents
from penchant.posterior.latent import some
from penchant.posterior.posterior import Posterior
from penchant.posterior.sides import Side
from penchant.stars import Stars
from penchant.threads import Threads

_AT_ONCE = 2**16
"""Rows of the other side, times heads, that are gathered at once."""

_RATINGS_AT_ONCE = 2**18
"""Ratings that are weighed at once."""

_CHUNK = 4096
"""Rows that are solved at once, so that all their heads take bounded memory."""


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """What rows of one side are solved from.

    Attributes:
        side: the prior of the rows.
        draws: (T, N, D) float32, the other side's rows.
        weights: (N,) float32, the other side's noise weights.
        alpha: (T,) float32.
        names: (N,) int32, which rows of the other side those are; None for rows 0 … N-1.
        stars: for an ordered probit; ratings are scores then.
    """

    side: Side
    draws: F32
    weights: F32
    alpha: F32
    names: npt.NDArray[np.int32] | None = None
    stars: Stars | None = None

    def head(self, s: int) -> Given:
        """Return head s alone; ratings are latent values then, as `latent_values` gives them."""
        return dataclasses.replace(self._some(slice(s, s + 1)), stars=None)

    def _some(self, one: slice) -> Given:
        side = dataclasses.replace(
            self.side,
            mean=self.side.mean[one],
            precision=self.side.precision[one],
            weights=self.side.weights[one],
        )
        return dataclasses.replace(self, side=side, draws=self.draws[one], alpha=self.alpha[one])

    def latent_values(
        self, ratings: sp.csr_matrix, columns: F32, own: F32, threads: Threads | None = None
    ) -> sp.csr_matrix:
        """Return what rows are solved from, for the ratings that `head_rows` takes.

        The latent values where there are stars, and else the ratings themselves.
        """
        if self.stars is None or not ratings.nnz:
            return ratings
        few = dataclasses.replace(self._some(some(len(self.alpha))), stars=None)
        units = np.sqrt(own), np.sqrt(self.weights)
        alpha = float(self.alpha.mean(dtype=np.float64))

        def solve(values: sp.csr_matrix) -> tuple[F32, F32]:
            return head_rows(few, values, columns, own, threads)

        return latents(self.stars, ratings, few.draws, units, alpha, solve, threads)


def head_rows(
    given: Given,
    ratings: sp.csr_matrix,
    columns: F32,
    own: F32,
    threads: Threads | None = None,
) -> tuple[F32, F32]:
    """Return rows in all heads: factors (T, m, K), K a multiple of 8 from k on, and biases (T, m).

    Args:
        given: what they are solved from.
        ratings: (m, N) float32 ``r − mean``, indices sorted; explicit zeros count.
        columns: (m, S) float32, their side columns.
        own: (m,) float32, their noise weights.
        threads: who does it; this thread alone if None.
    """
    ratings = given.latent_values(ratings, columns, own, threads)
    indptr, counts = ratings.indptr.astype(np.int64), np.diff(ratings.indptr)
    used, indices = _used(ratings)
    T, D = given.side.mean.shape
    m, k, K = ratings.shape[0], D - 1, -(-(D - 1) // 8) * 8
    units = np.sqrt(given.weights[used])
    names = used if given.names is None else given.names[used]
    rows, bias = np.zeros((T, m, K), np.float32), np.zeros((T, m), np.float32)
    values, ones = np.ascontiguousarray(ratings.data), np.ones(m, np.float32)
    facts = (bag_weights(counts), given.side.count.encode(counts), columns)
    step = max(1, _AT_ONCE // max(1, len(used)))
    blocks = [(0, m)] if threads is None else threads.blocks(counts)
    for first in range(0, T, step):
        group = slice(first, first + step)
        drawn = given.draws[group][:, used]
        factors = aligned_zeros(len(drawn), len(used), K)
        np.multiply(drawn[:, :, :k], units[:, None], out=factors[:, :, :k])
        biases = np.ascontiguousarray(drawn[:, :, k])
        prior = prior_parts(given.side, group, names)
        alphas = given.alpha[group, None] * own
        priors = np.empty((len(drawn), m, D), np.float32)
        more = (factors, biases, units, alphas, given.side.precision[group], ones, priors)

        def work(
            start: int, stop: int, prior: Any = prior, more: Any = more, group: slice = group
        ) -> None:
            prior_rows(start, stop, indptr, indices, *facts, *prior, more[-1])  # type: ignore[call-arg]
            solve_in_heads(  # type: ignore[call-arg]
                start, stop, indptr, indices, values, *more, False, 0, 0, seed_key(0), rows[group],
                bias[group],
            )  # fmt: skip

        if threads is None:
            work(0, m)
        else:
            threads.map(work, blocks)
    return rows, bias


def _used(ratings: sp.csr_matrix) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Return which of the other side's rows are rated, ascending, and the place of each rating's.

    Few ratings are sorted, many are ticked off, which takes 4 bytes each or none.
    """
    indices, N = ratings.indices, ratings.shape[1]
    if len(indices) < N:
        used, places = np.unique(indices, return_inverse=True)
        return used, places.astype(np.int32).reshape(-1)
    seen = np.zeros(N, dtype=bool)
    seen[indices] = True
    if seen.all():
        return np.arange(N), indices.astype(np.int32, copy=False)
    return np.flatnonzero(seen), (np.cumsum(seen) - 1).astype(np.int32)[indices]


def prior_parts(side: Side, group: slice, rows: npt.NDArray[np.int32]) -> tuple[F32, ...]:
    """Return m, and the rows of B for the bag, the count and the side columns, of some heads."""
    mean = side.mean[group]
    H, D = mean.shape
    S = side.encoder.width
    if not side.weights.size:
        bags = np.zeros((H, len(rows), D), np.float32)
        return mean, bags, np.zeros((H, D), np.float32), np.zeros((H, S, D), np.float32)
    B = side.weights[group]
    N = B.shape[1] - 1 - S
    bags = np.take(B, np.minimum(rows, N), axis=1)
    bags[:, rows >= N] = 0  # what training has not seen counts for the norm alone
    return mean, bags, np.ascontiguousarray(B[:, N]), np.ascontiguousarray(B[:, N + 1 :])


def of_users(posterior: Posterior) -> Given:
    """Return what users' rows are solved from."""
    noise, items = posterior.noise, posterior.items
    weights, stars = noise.item_weights, posterior.stars
    return Given(posterior.users, items.draws, weights, posterior.alpha, stars=stars)


def user_weights(noise: Noise, ratings: sp.csr_matrix) -> F32:
    """Return the noise weight of users, (m,) float32: `Noise.of_user` of each."""
    indptr, weights = ratings.indptr, np.empty(ratings.shape[0])
    for start, stop in _pieces(indptr):
        counts = np.diff(indptr[start : stop + 1])
        part = slice(indptr[start], indptr[stop])
        rows = np.repeat(np.arange(stop - start), counts)
        r = ratings.data[part].astype(np.float64) - noise.item_offsets[ratings.indices[part]]
        offsets = np.bincount(rows, r, minlength=len(counts)) / (PRIOR_OFFSET + counts)
        squares = np.bincount(rows, (r - offsets[rows]) ** 2, minlength=len(counts))
        weights[start:stop] = weight(counts, squares, noise.variance)
    return (noise.user_level * weights).astype(np.float32)


def _pieces(indptr: npt.NDArray[np.integer]) -> Iterator[tuple[int, int]]:
    """Cut rows into pieces of few ratings, so that what NumPy makes of them stays small."""
    start, m = 0, len(indptr) - 1
    while start < m:
        end = int(np.searchsorted(indptr, indptr[start] + _RATINGS_AT_ONCE, "right")) - 1
        stop = min(max(end, start + 1), m)
        yield start, stop
        start = stop


def user_tables(
    posterior: Posterior,
    ratings: sp.csr_matrix,
    side: F32,
    threads: Threads | None = None,
    solved: tuple[F32, F32] | None = None,
) -> tuple[F32, F32]:
    """Return the network's user factors (m, K) and user biases (m,), float32.

    Args:
        posterior: the heads and maps.
        ratings: (m, N) float32 ``r − mean``, indices sorted; explicit zeros count.
        side: (m, S) float32, the users' side columns.
        threads: who does it; this thread alone if None.
        solved: what `head_rows` returned for them, if that is there already.
    """
    m, (T, K, k) = ratings.shape[0], posterior.maps.shape
    maps = np.zeros((T, k, -(-K // 8) * 8), np.float32)
    maps[:, :, :K] = posterior.maps.transpose(0, 2, 1)
    factors: F32 = np.zeros((m, maps.shape[2]), np.float32)
    bias: F32 = np.zeros(m, np.float32)
    given, own = of_users(posterior), user_weights(posterior.noise, ratings)
    for start in range(0, m, _CHUNK):
        part = slice(start, start + _CHUNK)
        if solved is None:
            rows, biases = head_rows(given, ratings[part], side[part], own[part], threads)
        else:
            rows, biases = solved[0][:, part], solved[1][:, part]
        _add(rows, maps, factors[part], threads)
        bias[part] = np.add.accumulate(biases, axis=0, dtype=np.float64)[-1] / T
    out: F32 = factors[:, :K] / np.float32(T)
    return out, bias


def _add(rows: F32, maps: F32, out: F32, threads: Threads | None) -> None:
    def work(start: int, stop: int) -> None:
        add_mapped(start, stop, rows, maps, out)

    if threads is None:
        work(0, len(out))
    else:
        threads.map(work, threads.blocks(np.ones(len(out), np.int64)))
