"""What the driver knows of a training from blocks before the first sweep."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.arrays import F32, F64
from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.facts import Facts, parts_of
from penchant.blocks.train.sums import total
from penchant.blocks.train.surveys import (
    Directions,
    Survey,
    first_look,
    multiply,
    overlaps,
    second_look,
)
from penchant.errors import DataError
from penchant.features import CountScale, Noise, SideEncoder, bag_weights
from penchant.features.who_rated import PRIOR_OFFSET, weight
from penchant.kernels.products import orthonormal, times, transposed_times
from penchant.kernels.rng import fill_normals, seed_key
from penchant.solvers.gibbs.problem import split_columns
from penchant.solvers.spectrum import DIRECTIONS, POWERS, Spectrum
from penchant.store import BlockStore
from penchant.threads import Threads

_SPARE = 16
_PASSES = 2
_SMALLEST = 1e-4  # of the largest square: what is shorter is noise of float32


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """What is known of one side: counts, side columns, directions of x.

    Attributes:
        counts: (M,) how many ratings each row has.
        count: how a number of ratings becomes a feature.
        encoder: how side columns become features.
        side: (M, S) float32, the side columns.
        spectrum: the directions; of the users without U and with overlap ``Uᵀ C U``, C the rows'
            scales, of the items with V of the count and the side columns alone.
        ones: (r,) ``Uᵀ C 1`` over the rows with ratings; of the users alone.
        scales: (M,) float32, c: what λ is multiplied by for each row.
    """

    counts: npt.NDArray[np.int64]
    count: CountScale
    encoder: SideEncoder
    side: F32
    spectrum: Spectrum
    ones: F64
    scales: F32


@dataclasses.dataclass(frozen=True, eq=False)
class BlockProblem:
    """The ratings of a store in units of their deviation.

    Attributes:
        facts: what the tasks know.
        users: of the users.
        items: of the items.
        noise: the weights.
    """

    facts: Facts
    users: Known
    items: Known
    noise: Noise

    @classmethod
    def of(
        cls,
        store: BlockStore,
        engine: Engine,
        threads: Threads,
        *,
        rank: int,
        seed: int,
        side_information: Any,
        bags: bool,
        weigh: bool,
        by_count: bool = False,
    ) -> BlockProblem:
        """Survey a store; the settings are those of `penchant.solvers.als.solver.ALS`.

        by_count: whether λ is multiplied by the number of a row's ratings.

        Raises `DataError` where it has no ratings.
        """
        if not len(store):
            raise DataError(f"{store.folder} has no ratings to train on. Write another store.")
        uses = split_columns(side_information, store.user_table, store.item_table)
        width = (store.scale.high - store.scale.low) or 1.0
        counts = store.item_counts
        survey = Survey(store, store.mean, width, int(counts.max()), np.zeros(0))
        seen = total(_over(engine, first_look, store, survey))
        offsets = width * seen["deviations"] / (PRIOR_OFFSET + counts)
        noise = _noise(store, engine, survey._replace(item_offsets=offsets), weigh)
        users = _side_of(store.user_counts, store.user_table, uses[0])
        facts = Facts(
            store,
            store.mean,
            width * float(np.sqrt(seen["squares"][0] / len(store))) or 1.0,
            rank,
            seed_key(seed),
            users[0],
            bags,
            users[2],
            np.sqrt(noise.user_weights) if weigh else np.zeros(0, np.float32),
            int(counts.max()),
            by_count,
        )
        items = _side_of(counts, store.item_table, uses[1])
        found = _Search(facts, engine, threads, users, items, seen["raters"]).found(bags)
        return cls(facts, *found, noise)


def _over(engine: Engine, task: Any, store: BlockStore, *shared: Any) -> list[Any]:
    parts = parts_of(store, engine.slots)
    handles = engine.map(task, parts, *(engine.put(value) for value in shared))
    return engine.get([handle for (handle,) in handles])


def _side_of(
    counts: npt.NDArray[np.int64], table: pa.Table | None, use: Any
) -> tuple[CountScale, SideEncoder, F32, npt.NDArray[np.int64]]:
    encoder = SideEncoder.learn(table, use)
    side = encoder.encode(table, len(counts)).toarray().astype(np.float32)
    return CountScale.learn(counts), encoder, side, counts


def _noise(store: BlockStore, engine: Engine, survey: Survey, weigh: bool) -> Noise:
    """Learn offsets and weights, as `Noise.learn` does of ratings in memory."""
    answers = _over(engine, second_look, store, survey)
    sums = total(named for named, _ in answers)
    each = [pair for _, pairs in answers for pair in pairs]
    offsets = np.concatenate([pair[0] for pair in each])
    variance = float(sums["squares"][0]) * survey.rough**2 / len(store) if weigh else 0.0
    user_weights = weight(store.user_counts, np.concatenate([p[1] for p in each]), variance)
    item_weights = weight(store.item_counts, sums["items"] * survey.rough**2, variance)
    return Noise(
        variance,
        offsets,
        survey.item_offsets.astype(np.float32),
        user_weights.astype(np.float32),
        item_weights.astype(np.float32),
    )


class _Search:
    """Finds the directions of both sides; see `penchant.solvers.spectrum`."""

    def __init__(
        self,
        facts: Facts,
        engine: Engine,
        threads: Threads,
        users: Any,
        items: Any,
        raters: F64,
    ) -> None:
        self._facts, self._engine, self._threads = facts, engine, threads
        self._users, self._items = users, items
        self._rarity, self._norms, self._scale = _levels(users[3], items[3], raters)
        self._count = items[0].encode(items[3])

    def found(self, bags: bool) -> tuple[Known, Known]:
        """Return what is known of users and items."""
        user_parts, item_parts = [], []
        if bags:
            of_users, of_items = self._bags()
            user_parts.append(of_users)
            item_parts.append(of_items)
        user_parts += _of_columns(self._users[2], self._users[3], self._threads)
        item_parts += _of_columns(self._items[2], self._items[3], self._threads)
        return self._of_users(user_parts, bags), self._of_items(item_parts, bags)

    def _bags(self) -> tuple[Any, Any]:
        """Find the directions of the bags and the count: S and V of users, S and U of items."""
        active = [int((counts > 0).sum()) for counts in (self._users[3], self._items[3])]
        N = len(self._norms)
        wanted = min(DIRECTIONS + _SPARE, *active)
        r = -(-wanted // 8) * 8
        V, Z = np.zeros((N + 1, r), np.float32), np.zeros((N, r), np.float32)
        fill_normals(0, N + 1, 0, 1, seed_key(0), V)
        fill_normals(0, N, 0, 2, seed_key(0), Z)
        for _ in range(_PASSES):
            V, Z = orthonormal(self._threads, V), orthonormal(self._threads, Z)
            V, Z = self._multiplied(V, Z)
        V, Z = orthonormal(self._threads, V), orthonormal(self._threads, Z)
        XXV, XXZ = self._multiplied(V, Z)
        S, E = _lengths(transposed_times(self._threads, V, XXV))
        user_V = times(self._threads, V, (E / S).astype(np.float32))
        user_V[:N] *= self._rarity[:, None]
        T, F = _lengths(transposed_times(self._threads, Z, XXZ))
        return (S, user_V), (T, times(self._threads, Z, F.astype(np.float32)))

    def _multiplied(self, V: F32, Z: F32) -> tuple[F32, F32]:
        at = Directions(V, Z, self._rarity, self._norms, self._scale)
        sums = total(_over(self._engine, multiply, self._facts.store, self._facts, at))
        more = np.outer(self._count, self._count.astype(np.float64) @ Z)
        users = np.vstack([sums["users"], sums["count"]])
        return users.astype(np.float32), (sums["items"] + more).astype(np.float32)

    def _of_users(self, parts: list[Any], bags: bool) -> Known:
        count, encoder, side, counts = self._users
        F, M = len(self._norms) + 1 + encoder.width, int((counts > 0).sum())
        V = np.zeros((F, sum(len(S) for S, _ in parts)), np.float32)
        at, slices = 0, []
        for n, (S, own) in enumerate(parts):
            of_bag = bags and n == 0
            rows = slice(0, F - encoder.width) if of_bag else slice(F - encoder.width, F)
            V[rows, at : at + len(S)] = own
            slices.append(slice(at, at + len(S)))
            at += len(S)
        variances = _variances(parts, bags, M)
        sums = total(_over(self._engine, overlaps, self._facts.store, self._facts, V))
        spectrum = Spectrum(
            np.zeros((0, at), np.float32), variances, V, tuple(slices), sums["overlap"]
        )
        scales = self._facts.scales_of(counts)
        return Known(counts, count, encoder, side, spectrum, sums["ones"], scales)

    def _of_items(self, parts: list[Any], bags: bool) -> Known:
        """Put the items' directions together: U, and V of count and side columns."""
        count, encoder, side, counts = self._items
        active, F = counts > 0, 1 + encoder.width
        tables, weights, slices, at = [np.zeros((len(counts), 0), np.float32)], [], [], 0
        for n, (S, own) in enumerate(parts):
            of_bag = bags and n == 0
            V = np.zeros((F, len(S)), np.float32)
            if of_bag:  # own are coordinates of length 1; V = XᵀU S⁻² gives them back
                V[0] = (self._count.astype(np.float64) @ own) / S**2
            else:
                V[1:] = own
            tables.append(own if of_bag else side @ own)
            weights.append(V)
            slices.append(slice(at, at + len(S)))
            at += len(S)
        U = np.ascontiguousarray(np.hstack(tables))
        seen = U * active[:, None]
        V = np.hstack([np.zeros((F, 0), np.float32), *weights])
        overlap = transposed_times(self._threads, seen, seen).astype(np.float64)
        variances = _variances(parts, bags, int(active.sum()))
        spectrum = Spectrum(U, variances, V, tuple(slices), overlap)
        scales = self._facts.scales_of(counts)
        return Known(counts, count, encoder, side, spectrum, np.zeros(0), scales)


def _levels(users: Any, items: Any, raters: F64) -> tuple[F32, F32, float]:
    """Return the items' rarity in users' bags, the norms of the items' bags, the users' rarity.

    Each is scaled so that a row's bag has squares that sum to 1 on average, as in memory; raters
    holds ``Σ 1/n_u`` and ``Σ n_u^(−1/2)`` of each item.
    """
    n = np.maximum(items, 1).astype(np.float64)
    rarity = np.where(items > 0, n**-0.5, 0.0)
    total_users = float((rarity**2 * raters[:, 0]).sum())
    rarity *= np.sqrt((users > 0).sum() / total_users) if total_users > 0 else 1.0
    norms = bag_weights(items)
    total_items = float((norms.astype(np.float64) ** 2 * raters[:, 1]).sum())
    scale = float(np.sqrt((items > 0).sum() / total_items)) if total_items > 0 else 1.0
    return rarity.astype(np.float32), norms, scale


def _lengths(squares: Any) -> tuple[F64, F64]:
    """Return the lengths S, (r,), and the eigenvectors (w, r) of what is long enough."""
    whole = squares.astype(np.float64)
    values, E = np.linalg.eigh((whole + whole.T) / 2)
    kept = np.argsort(-values)[:DIRECTIONS]
    kept = kept[values[kept] > _SMALLEST * max(float(values.max(initial=0.0)), 1e-300)]
    return np.sqrt(values[kept]), E[:, kept]


def _of_columns(side: F32, counts: npt.NDArray[np.int64], threads: Threads) -> list[Any]:
    """Return the lengths and V S⁻¹ of the side columns, over the rows with ratings."""
    seen = side * (counts > 0)[:, None]
    if not seen.any():
        return []
    S, E = _lengths(transposed_times(threads, seen, seen))
    return [(S, (E / S).astype(np.float32))]


def _variances(parts: list[Any], bags: bool, active: int) -> F64:
    powers = POWERS if bags else POWERS[1:]
    return np.concatenate(
        [
            np.zeros(0),
            *(S**p / (np.sum(S**p) / active) for (S, _), p in zip(parts, powers, strict=False)),
        ]
    )
