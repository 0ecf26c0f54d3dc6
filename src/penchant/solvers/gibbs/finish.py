"""From kept draws to Posterior and Factors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from penchant.arrays import F32
from penchant.factors import Factors
from penchant.features import CountScale, SideEncoder
from penchant.kernels.products import transposed_times
from penchant.posterior import DayEffects, Posterior, Side
from penchant.posterior.resize import with_cold_items
from penchant.posterior.rows import head_rows, of_users, user_tables, user_weights
from penchant.solvers.distil import Distiller
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler
from penchant.solvers.gibbs.side import Half
from penchant.solvers.spectrum import Spectrum
from penchant.threads import Threads

DRAWS_KEPT = 2**28
"""Bytes of the users' draws (and of the items' weights, which serve them) that are kept."""


class Described(Protocol):
    """What a side of the posterior says of x."""

    @property
    def spectrum(self) -> Spectrum:
        """The directions; their V gives B."""

    @property
    def count(self) -> CountScale:
        """How a number of ratings becomes a feature."""

    @property
    def encoder(self) -> SideEncoder:
        """How side columns become features."""


_FIELDS = ("draws", "mean", "precision", "coordinates")


@dataclasses.dataclass(frozen=True, eq=False)
class Head:
    """One kept draw, in the sampler's units: for each side rows, m, Λ and G, and the noise α."""

    users: tuple[npt.NDArray[Any], ...]
    items: tuple[npt.NDArray[Any], ...]
    alpha: float

    @classmethod
    def of(cls, sampler: Sampler) -> Head:
        """Keep the sampler's state."""
        users, items = (_kept(half, sampler.threads) for half in (sampler.users, sampler.items))
        return cls(users, items, sampler.alpha)

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """Return its arrays for a checkpoint, each name starting with `name`."""
        named = {f"{name}.alpha": np.array(self.alpha)}
        for side in ("users", "items"):
            for field, array in zip(_FIELDS, getattr(self, side), strict=True):
                named[f"{name}.{side}.{field}"] = array
        return named

    @classmethod
    def from_arrays(cls, named: Mapping[str, npt.NDArray[Any]], name: str) -> Head:
        """Build it from what `arrays` gave."""
        users, items = (
            tuple(named[f"{name}.{side}.{field}"] for field in _FIELDS)
            for side in ("users", "items")
        )
        return cls(users, items, float(named[f"{name}.alpha"]))


def packed(heads: list[Head]) -> dict[str, npt.NDArray[Any]]:
    """Return all arrays of heads, by names that `unpacked` reads."""
    return {n: a for s, head in enumerate(heads) for n, a in head.arrays(f"head{s}").items()}


def unpacked(named: Mapping[str, npt.NDArray[Any]], number: int) -> list[Head]:
    """Return the first so many heads of what `packed` gave."""
    return [Head.from_arrays(named, f"head{s}") for s in range(number)]


def _kept(half: Half, threads: Threads) -> tuple[npt.NDArray[Any], ...]:
    rows = half.rows()
    cold = np.flatnonzero(~half.active)
    prior = half.prior  # of cold rows nothing else is known
    rows[cold] = half.directed(threads)[cold] + prior.mean.astype(np.float32)
    return rows, prior.mean.copy(), prior.precision.copy(), prior.coordinates.copy()


def make_posterior(
    problem: Problem, heads: list[Head], days: DayEffects | None, threads: Threads
) -> Posterior:
    """Put the heads together, in rating units; the maps are those of `with_maps`."""
    unit = problem.unit
    T, D = len(heads), len(heads[0].users[1])
    user_scale = np.full(D, unit)  # a user's factors carry the unit, an item's don't
    item_scale = np.append(np.ones(D - 1), unit)
    user_bytes = 4 * T * D * len(problem.users.units)
    keep = user_bytes <= DRAWS_KEPT
    return Posterior(
        problem.mean,
        np.array([head.alpha / unit**2 for head in heads], dtype=np.float32),
        np.zeros((T, 0, D - 1), dtype=np.float32),
        side_of(problem.users, [head.users for head in heads], user_scale, keep, True),
        side_of(problem.items, [head.items for head in heads], item_scale, True, keep),
        problem.noise,
        days,
        problem.stars,
    )


def side_of(
    data: Described, kept: list[tuple[Any, ...]], scale: Any, draws: bool, weights: bool
) -> Side:
    """Return a side of the posterior.

    Args:
        data: what is known of its rows.
        kept: of each head rows, m, Λ and G, in the sampler's units.
        scale: (D,) what a row is times in rating units.
        draws: whether to keep the rows.
        weights: whether to keep B.
    """
    rows = [head[0] for head in kept] if draws else [head[0][:0] for head in kept]
    F, D = len(data.spectrum.V), len(scale)
    B = np.zeros((len(kept), F if weights and data.spectrum.size else 0, D), dtype=np.float32)
    if B.size:
        for s, head in enumerate(kept):
            B[s] = data.spectrum.V @ (head[3] * scale).astype(np.float32)
    return Side(
        (np.stack(rows) * scale).astype(np.float32),
        np.stack([head[1] * scale for head in kept]).astype(np.float32),
        np.stack([head[2] / np.outer(scale, scale) for head in kept]).astype(np.float32),
        B,
        data.count,
        data.encoder,
    )


def distil(
    posterior: Posterior,
    ratings: sp.csr_matrix,
    sides: tuple[F32, F32],
    K: int,
    threads: Threads,
) -> tuple[Factors, Posterior]:
    """Distil the heads into a network of width K, its users' rows solved from their ratings.

    Args:
        posterior: the heads, without maps.
        ratings: (M, N) ``r − mean``, less day effects; scores where there are stars.
        sides: (M, S) and (N, S') float32, the side columns of users and items.
        K: the width of the network.
        threads: who does it.

    Returns:
        The network, and the posterior with its maps.
    """
    (T, D), side = posterior.users.mean.shape, sides[0]
    root, distiller = np.float32(np.sqrt(T)), Distiller(K, threads)
    given, own = of_users(posterior), user_weights(posterior.noise, ratings)
    solved = None  # where all heads together are too large, they are solved once more below
    if 4 * T * D * ratings.shape[0] <= DRAWS_KEPT:
        solved = head_rows(given, ratings, side, own, threads)
    values = ratings if solved is not None else given.latent_values(ratings, side, own, threads)
    for s in range(T):
        one = head_rows(given.head(s), values, side, own, threads) if solved is None else None
        rows = one[0][0] if one is not None else solved[0][s]  # type: ignore[index]
        distiller.add(rows[:, : D - 1] / root, posterior.items.draws[s, :, :-1] / root)
    _, Q = distiller.squeezed()
    rated = np.zeros(ratings.shape[1], dtype=bool)
    rated[ratings.indices] = True
    posterior, Q = mapped(posterior, Q, np.flatnonzero(~rated), sides[1], threads)
    P, bias = user_tables(posterior, ratings, side, threads, solved)
    return Factors(posterior.mean, bias, posterior.item_bias, P, Q), posterior


def mapped(
    posterior: Posterior,
    Q: F32,
    cold: npt.NDArray[np.int64],
    columns: F32,
    threads: Threads,
) -> tuple[Posterior, F32]:
    """Return the posterior with its maps to the basis of Q, and Q with the cold items' rows.

    Args:
        posterior: the heads, without maps.
        Q: (N, K) float32, orthogonal columns.
        cold: (m,) the items without ratings.
        columns: (N, S) float32, the items' side columns.
        threads: who does it.
    """
    T = posterior.heads
    squares = np.einsum("nk,nk->k", Q, Q, dtype=np.float64)
    inverse = np.divide(1.0, squares, out=np.zeros_like(squares), where=squares > 0)
    maps = np.empty((T, Q.shape[1], posterior.maps.shape[2]), dtype=np.float32)
    for s in range(T):
        draws = np.ascontiguousarray(posterior.items.draws[s, :, :-1])
        maps[s] = transposed_times(threads, Q, draws) * inverse[:, None].astype(np.float32)
    posterior = dataclasses.replace(posterior, maps=maps)
    return with_cold_items(posterior, Q, cold.astype(np.int32), columns[cold])
