"""The grid of blocks that an epoch of SGD walks over, and the tables that it trains."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.kernels import rng, sgd
from penchant.kernels.aligned import aligned_empty
from penchant.kernels.byte_values import Values, coded, restored, stored
from penchant.ratings import Ratings
from penchant.solvers.by_row import pieces
from penchant.threads import Block, Threads

Key = npt.NDArray[np.uint32]

RATINGS_IN_A_BLOCK = 1024
"""At the least, on average: fewer, and the order of an epoch is not random enough."""

MOST_BANDS = 128

MOST_AT_ONCE = 16
"""Of more bands, neighbours are taken together into so many cells, each a square of blocks that one
thread walks over: the rows of a band stay in its cache from one block to the next."""

WORTH_THREADS = 1_000_000
"""Ratings of a round times K: some 0.1 ms of work."""

_PAIRS = 16_384  # pairs predicted at once by a thread

_USERS, _ITEMS = 1, 2  # whose random start it is


class Tables(NamedTuple):
    """What is trained, in units in which the ratings have mean 0 and standard deviation 1."""

    user_bias: F32
    item_bias: F32
    user_factors: F32
    item_factors: F32

    @classmethod
    def start(cls, M: int, N: int, K: int, spread: float, key: Key) -> Self:
        """Return zero biases and normal factors with a standard deviation of spread / √K."""
        P, Q = aligned_empty(M, K), aligned_empty(N, K)
        rng.fill_normals(0, M, 0, _USERS, key, P)
        rng.fill_normals(0, N, 0, _ITEMS, key, Q)
        P *= np.float32(spread / math.sqrt(K))
        Q *= np.float32(spread / math.sqrt(K))
        return cls(np.zeros(M, np.float32), np.zeros(N, np.float32), P, Q)

    def copy(self) -> Self:
        """Return tables of their own."""
        return type(self)(*(table.copy() for table in self))

    def become(self, other: Tables) -> None:
        """Take the numbers of other tables."""
        for mine, theirs in zip(self, other, strict=True):
            np.copyto(mine, theirs)


class Center(NamedTuple):
    """Mean and standard deviation of the ratings, so that settings suit every scale."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, ratings: Ratings) -> Self:
        """Measure the ratings; where all are alike the deviation counts as 1."""
        mean, squares = ratings.mean, 0.0
        for at in pieces(len(ratings)):
            squares += float(((ratings.values[at] - mean) ** 2).sum(dtype=np.float64))
        return cls(mean, math.sqrt(squares / len(ratings)) or 1.0)


class Grid(NamedTuple):
    """The ratings, sorted into bands × bands blocks; see `penchant.kernels.sgd`.

    How many bands there are follows from the number of ratings alone, so that the bits of an
    epoch do not depend on the threads.
    """

    bands: int
    starts: npt.NDArray[np.int64]
    users: Rows
    items: Rows
    values: Values

    @classmethod
    def of(cls, ratings: Ratings) -> Self:
        """Deal the rows to bands of about equal numbers of ratings, and sort the ratings."""
        users, items = ratings.user_rows, ratings.item_rows
        values = coded(ratings.values)
        held, bands = stored(values), _bands(len(users))
        columns = np.empty_like(users), np.empty_like(items), np.empty_like(held)
        user_band = _deal(users, ratings.user_ids.size, bands)
        item_band = _deal(items, ratings.item_ids.size, bands)
        starts = sgd.sort_into_blocks(user_band, item_band, bands, users, items, held, *columns)
        return cls(bands, starts, *columns[:2], restored(columns[2], values))

    def rounds(self, threads: Threads, factors: int) -> list[Round]:
        """Return the rounds that make an epoch, and how they are shared out among threads.

        A round that is over sooner than threads could agree on it is left to one of them.
        """
        side = max(1, self.bands // MOST_AT_ONCE)
        cells = self.bands // side
        band = np.arange(self.bands).reshape(cells, side)
        rounds = []
        for shift in range(cells):
            others = np.roll(band, -shift, axis=0)
            blocks = (band[:, :, None] * self.bands + others[:, None, :]).reshape(cells, -1)
            costs = (self.starts[blocks + 1] - self.starts[blocks]).sum(axis=1)
            small = costs.sum() * factors < WORTH_THREADS
            parts = [(0, cells)] if small else threads.blocks(costs)
            cut = [(start * side**2, stop * side**2) for start, stop in parts]
            rounds.append(Round(blocks.reshape(-1), cut))
        return rounds


class Round(NamedTuple):
    """Blocks, and the parts of them that touch different rows, which threads take at once."""

    blocks: npt.NDArray[np.int64]
    parts: list[Block]


class Epochs:
    """Walks over the grid, epoch by epoch, in an order that the seed and the epoch decide."""

    def __init__(
        self, grid: Grid, center: Center, key: Key, threads: Threads, factors: int
    ) -> None:
        self._columns = grid.starts, grid.users, grid.items, grid.values
        self._center = np.float32(center.mean), np.float32(1 / center.deviation)
        self._key = key
        self._threads = threads
        self._rounds = grid.rounds(threads, factors)

    def run(self, epoch: int, tables: Tables, rate: float, l2: float, l2_bias: float) -> None:
        """Move the tables along each rating once; `epoch` counts from 1."""
        rates = np.float32(rate), np.float32(l2), np.float32(l2_bias)
        order = np.empty(len(self._rounds), np.int32)
        sgd.shuffle(order, len(order) ** 2, epoch, self._key)
        for number in order:
            blocks, parts = self._rounds[number]

            def work(start: int, stop: int, blocks: npt.NDArray[np.int64] = blocks) -> None:
                chosen = blocks[start:stop]
                sgd.sgd_blocks(
                    chosen, *self._columns, *self._center, *tables, *rates, epoch, self._key
                )

            self._threads.map(work, parts)


def predict(threads: Threads, tables: Tables, center: Center, users: Rows, items: Rows) -> F32:
    """Return the unclipped rating of each pair of rows, (n,) float32."""
    out = np.empty(len(users), np.float32)
    mean, deviation = (np.float32(number) for number in center)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        sgd.predict_pairs(users[part], items[part], mean, deviation, *tables, out[part])

    edges = range(0, len(out), _PAIRS)
    threads.map(work, [(start, min(start + _PAIRS, len(out))) for start in edges])
    return out


def _bands(n: int) -> int:
    """Return the largest power of two whose square leaves the blocks long enough."""
    most = max(1, math.isqrt(n // RATINGS_IN_A_BLOCK))
    return min(MOST_BANDS, 1 << (most.bit_length() - 1))


def _deal(rows: Rows, size: int, bands: int) -> Rows:
    """Return the band of each row, (size,) int32: longest first, there and back again."""
    counts = np.zeros(size, np.int64)
    for at in pieces(len(rows)):
        counts += np.bincount(rows[at], minlength=size)
    place = np.empty(size, np.int32)
    place[np.argsort(-counts, kind="stable")] = np.arange(size, dtype=np.int32)
    turn = place % (2 * bands)
    return np.minimum(turn, 2 * bands - 1 - turn).astype(np.int32)
