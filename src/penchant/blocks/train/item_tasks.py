"""What the users' tasks have for the items, and the tasks that solve or draw the items' rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.blocks.train.facts import Facts, Part
from penchant.kernels.aligned import aligned_times
from penchant.kernels.order import order_by
from penchant.kernels.partial import (
    add_to,
    is_exact,
    item_sums,
    limit_of,
    rounder_of,
    size_of,
    solve_sums,
)
from penchant.store import Block
from penchant.threads import Threads


class Rows(NamedTuple):
    """Ratings of items that send their raters' rows: few of each, in the order of the users.

    Attributes:
        items: (n,) int32, counted from the range's first.
        raters: (n,) int32, places in what follows.
        values: (n,) float32.
        names: (U,) int64, the raters' rows.
        factors: (U, K) float32, times their units.
        biases: (U,) float32.
        units: (U,) float32.
    """

    items: npt.NDArray[np.int32]
    raters: npt.NDArray[np.int32]
    values: F32
    names: npt.NDArray[np.int64]
    factors: F32
    biases: F32
    units: F32


class Piece(NamedTuple):
    """What one task has for one range of items.

    Attributes:
        many: (h,) int32, the items that send sums, counted from the range's first.
        sums: (h, `size_of(k)`) float64.
        rows: of each block what the other items send.
    """

    many: npt.NDArray[np.int32]
    sums: F64
    rows: list[Rows]

    @property
    def bytes(self) -> int:
        """How many bytes of numbers it is."""
        return self.sums.nbytes + sum(a.nbytes for rows in self.rows for a in rows)


def sums_bytes(k: int) -> float:
    """Return how many bytes the sums of an item are."""
    return 8.0 * size_of(k)


class Pieces:
    """Collects what a task has for the items, range by range."""

    def __init__(self, part: Part, facts: Facts, ranges: tuple[tuple[int, int], ...]) -> None:
        self._facts, self._ranges = facts, ranges
        counts, spans = facts.store.item_counts, facts.store.user_spans
        mine = sum(spans[number].ratings for number in part)
        expected = counts * (mine / max(1, len(facts.store)))
        entry = 4 * facts.width + 24  # bytes of a rating with its rater's row
        self._many = expected * entry > sums_bytes(facts.rank)  # what is less is sent
        self._ids = np.flatnonzero(self._many).astype(np.int32)
        self._sums = np.zeros((len(self._ids) if ranges else 0, size_of(facts.rank)))
        self._rows: list[list[Rows]] = [[] for _ in self._ranges]

    def add(self, block: Block, values: F32, P: F32, b: F32, units: F32) -> None:
        """Add what a block's users say of the items."""
        facts, N = self._facts, len(self._many)
        starts = np.empty(N + 1, np.int64)
        order = np.empty(len(values), np.int64)
        order_by(block.indices, starts, order)
        raters = (block.rows - np.int32(block.start))[order]
        names = np.arange(block.start, block.stop, dtype=np.int64)
        scaled, mine = aligned_times(P, units), values[order]
        item_sums(
            self._ids, starts, raters, mine, names, facts.shift, scaled, facts.rank, b, units,
            rounder_of(facts.most), self._sums,
        )  # fmt: skip
        which = np.repeat(np.arange(N, dtype=np.int32), np.diff(starts))
        few = ~self._many
        for rows, (start, stop) in zip(self._rows, self._ranges, strict=True):
            at = slice(int(starts[start]), int(starts[stop]))
            kept = few[which[at]]
            if kept.any():
                used, places = np.unique(raters[at][kept], return_inverse=True)
                rows.append(
                    Rows(
                        which[at][kept] - np.int32(start), places.astype(np.int32).reshape(-1),
                        mine[at][kept], names[used], scaled[used], b[used], units[used],
                    )
                )  # fmt: skip

    def made(self) -> list[Piece]:
        """Return a piece for each range."""
        pieces = []
        for rows, (start, stop) in zip(self._rows, self._ranges, strict=True):
            at = slice(*np.searchsorted(self._ids, [start, stop]).tolist())
            pieces.append(Piece(self._ids[at] - np.int32(start), self._sums[at], rows))
        return pieces


class Half(NamedTuple):
    """What the tasks that own items are given.

    Attributes:
        sweep: which.
        noise: whether to draw.
        alphas: (N,) float32, the noise precision of each item.
        precision: (D, D) float32, the items' Λ.
        priors: (N, D) float32, the items' prior means.
        scales: (N,) float32, what the items' λ is multiplied by.
    """

    sweep: int
    noise: bool
    alphas: F32
    precision: F32
    priors: F32
    scales: F32


def items_half(
    owned: tuple[int, int], pieces: list[Piece], facts: Facts, half: Half
) -> tuple[F32, F32]:
    """Add up what the tasks have for a range of items; return its rows and biases."""
    start, stop = owned
    sums = np.zeros((stop - start, size_of(facts.rank)))
    for piece in pieces:
        add_to(piece.many, piece.sums, sums)
        for rows in piece.rows:
            _add_rows(rows, sums, facts)
    if not is_exact(sums, limit_of(facts.most)):
        sums[:] = np.nan
    Q, b = np.zeros((stop - start, facts.width), np.float32), np.zeros(stop - start, np.float32)
    at = slice(start, stop)
    with Threads(1):
        solve_sums(
            sums, facts.width, half.alphas[at], half.precision, half.scales[at], half.priors[at],
            half.noise, half.sweep, 1, facts.key, start, Q, b,
        )  # fmt: skip
    return Q, b


def _add_rows(rows: Rows, sums: F64, facts: Facts) -> None:
    starts = np.zeros(len(sums) + 1, np.int64)
    np.cumsum(np.bincount(rows.items, minlength=len(sums)), out=starts[1:])
    items = np.unique(rows.items)
    own = np.zeros((len(items), sums.shape[1]))
    item_sums(
        items, starts, rows.raters, rows.values, rows.names, facts.shift, rows.factors, facts.rank,
        rows.biases, rows.units, rounder_of(facts.most), own,
    )  # fmt: skip
    add_to(items, own, sums)
