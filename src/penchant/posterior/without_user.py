"""Items' draws solved again without one user's ratings, with the noise that they were drawn with.

In a head the row of an item was drawn as ``q = A⁻¹ b + L⁻ᵀ z`` with ``L Lᵀ = A``, given its raters'
rows. So its noise is ``z = Lᵀ (q − A⁻¹ b)``, and with A and b of the other ratings alone the draw
becomes ``q' = A'⁻¹ b' + L'⁻ᵀ z``: what the sampler would have drawn in the user's absence, had all
else been the same. Nothing changes where nothing is taken out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.arrays import F32, F64, Mask
from penchant.features import bag_weights
from penchant.features.who_rated import PRIOR_OFFSET
from penchant.posterior.latent import means
from penchant.posterior.posterior import Posterior
from penchant.posterior.resize import distilled
from penchant.posterior.rows import head_rows, of_users, user_weights
from penchant.threads import Threads


class Ratings(NamedTuple):
    """The ratings of one item as training saw them.

    Attributes:
        rows: (n,) int32, the users.
        deviations: (n,) float32, ``r − mean``, less day effects.
        gone: (n,) bool, which are taken out.
        side: (S,) float32, the item's side columns.
    """

    rows: npt.NDArray[np.int32]
    deviations: F32
    gone: Mask
    side: F32


def without_ratings(
    posterior: Posterior,
    item_factors: F32,
    items: Mapping[int, Ratings],
    users: tuple[sp.csr_matrix, F32],
    threads: Threads,
) -> tuple[Posterior, F32]:
    """Solve items again without some of their ratings.

    Args:
        posterior: the heads and maps.
        item_factors: (N, K) float32, the distilled rows.
        items: by row, the items that lose ratings.
        users: ratings (M, N) and side columns (M, S) of all users: where their draws were too
            many to keep, their means serve.
        threads: who does it.

    Returns:
        The posterior with new draws, and the distilled rows that go with them.
    """
    rows = np.array(sorted(items), np.int32)
    if not len(rows):
        return posterior, item_factors
    draws = posterior.items.draws.copy()

    blocks = threads.blocks(np.array([len(items[row].rows) for row in rows.tolist()]))
    for heads in _groups(posterior):
        drawn = posterior.users.draws[heads]
        if not drawn.size:
            drawn = _means(posterior, heads, users, threads)

        def solve(start: int, stop: int, heads: slice = heads, drawn: F32 = drawn) -> None:
            for row in rows[start:stop].tolist():
                system = _System.of(posterior, heads, row, items[row], drawn)
                draws[heads, row] = system.without(draws[heads, row], items[row].gone)

        threads.map(solve, blocks)
    moved, _ = distilled(posterior.maps, draws[:, rows] - posterior.items.draws[:, rows])
    Q = item_factors.copy()
    Q[rows] += moved
    offsets = posterior.noise.item_offsets.copy()
    for row in rows.tolist():
        left = items[row].deviations[~items[row].gone]
        offsets[row] = left.sum(dtype=np.float64) / (PRIOR_OFFSET + len(left))
    noise = dataclasses.replace(posterior.noise, item_offsets=offsets)
    side = dataclasses.replace(posterior.items, draws=draws)
    return dataclasses.replace(posterior, items=side, noise=noise), Q


def _groups(posterior: Posterior) -> list[slice]:
    """Return all heads at once where the users' draws are kept, and else one by one."""
    if posterior.users.draws.size:
        return [slice(0, posterior.heads)]
    return [slice(s, s + 1) for s in range(posterior.heads)]


def _means(
    posterior: Posterior, head: slice, users: tuple[sp.csr_matrix, F32], threads: Threads
) -> F32:
    """Return the users' means in one head, (1, M, D)."""
    ratings, columns = users
    own = user_weights(posterior.noise, ratings)
    given = of_users(posterior)
    ratings = given.latent_values(ratings, columns, own, threads)
    given = given.head(head.start)
    factors, bias = head_rows(given, ratings, columns, own, threads)
    k = posterior.maps.shape[2]
    return np.concatenate([factors[:, :, :k], bias[:, :, None]], axis=2)


def _values(posterior: Posterior, heads: slice, row: int, ratings: Ratings, f: F64, a: F64) -> F64:
    """Return what an item's row was drawn from, (n,), or (H, n) where stars leave it open.

    Then it is the mean of the latent values, given the star and the draws of both rows.
    """
    if posterior.stars is None:
        return ratings.deviations.astype(np.float64)
    own = posterior.items.draws[heads, row].astype(np.float64)  # (H, D)
    eta = np.matmul(f[:, :, :-1], own[:, :-1, None])[:, :, 0] + f[:, :, -1] + own[:, -1:]
    places = posterior.stars.places_of(ratings.deviations)
    return means(posterior.stars, places, eta, np.sqrt(a))


@dataclasses.dataclass(frozen=True, eq=False)
class _System:
    """What an item's row was drawn from, in H heads.

    Attributes:
        precision: (H, D, D) float64, Λ.
        f: (H, n, D) float64, the raters' rows, 1 in the last place.
        errors: (H, n) float64, e.
        noise: (H, n) float64, a.
        bags: (H, n, D) float64, the raters' rows of B.
        rest: (H, D) float64, the prior mean without the bag and the count.
        count: (H, D) float64, the row of B for the count.
        encode: how a number of ratings becomes a feature.
    """

    precision: F64
    f: F64
    errors: F64
    noise: F64
    bags: F64
    rest: F64
    count: F64
    encode: Any

    @classmethod
    def of(
        cls, posterior: Posterior, heads: slice, row: int, ratings: Ratings, drawn: F32
    ) -> _System:
        side, noise = posterior.items, posterior.noise
        f = drawn[:, ratings.rows].astype(np.float64)
        alpha = posterior.alpha[heads].astype(np.float64) * float(noise.item_weights[row])
        a = alpha[:, None] * noise.user_weights[ratings.rows].astype(np.float64)
        errors = _values(posterior, heads, row, ratings, f, a) - f[:, :, -1]
        f[:, :, -1] = 1.0
        rest = side.mean[heads].astype(np.float64)
        bags, count = np.zeros_like(f), np.zeros_like(rest)
        if side.weights.size:
            M = side.weights.shape[1] - 1 - side.encoder.width
            known = ratings.rows < M
            bags[:, known] = side.weights[heads, ratings.rows[known]]
            count = side.weights[heads, M].astype(np.float64)
            rest = rest + np.einsum("s,hsd->hd", ratings.side, side.weights[heads, M + 1 :])
        precision = side.precision[heads].astype(np.float64)
        return cls(precision, f, errors, a, bags, rest, count, side.count.encode)

    def _solved(self, kept: Mask) -> tuple[F64, F64]:
        """Return the means (H, D) and L (H, D, D), ``L Lᵀ = A``, given some of the ratings."""
        n = np.array([int(kept.sum())])
        prior = self.rest + self.bags[:, kept].sum(axis=1) * bag_weights(n)[0]
        prior = prior + self.count * self.encode(n)[0]
        f = self.f[:, kept]
        weighted = f * self.noise[:, kept, None]
        A = self.precision + np.matmul(weighted.transpose(0, 2, 1), f)
        b = np.matmul(self.precision, prior[:, :, None])
        b = b + np.matmul(weighted.transpose(0, 2, 1), self.errors[:, kept, None])
        means: F64 = np.linalg.solve(A, b)[:, :, 0]
        L: F64 = np.linalg.cholesky(A)
        return means, L

    def without(self, draws: F32, gone: Mask) -> F64:
        """Return the draws (H, D) as they are without the ratings that are gone."""
        means, L = self._solved(np.ones(len(gone), dtype=bool))
        z = np.matmul(L.transpose(0, 2, 1), (draws - means)[:, :, None])
        means, L = self._solved(~gone)
        drawn: F64 = means + np.linalg.solve(L.transpose(0, 2, 1), z)[:, :, 0]
        return drawn
