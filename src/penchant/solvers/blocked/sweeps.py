"""The tasks of a sweep: users' rows and what follows from them; items' rows from their sums."""

from __future__ import annotations

import os
import socket
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.engine.protocol import NODE
from penchant.engine.threads import Threads
from penchant.kernels.aligned import aligned_times, aligned_zeros
from penchant.kernels.heads import prior_rows
from penchant.kernels.order import order_by
from penchant.kernels.partial import (
    add_bags,
    add_squares,
    add_to,
    is_exact,
    item_sums,
    limit_of,
    rounder_of,
    size_of,
    solve_sums,
)
from penchant.kernels.residuals import predict_pairs, row_errors, row_scores
from penchant.kernels.rng import fill_normals
from penchant.kernels.rowstep import solve_rows
from penchant.solvers.blocked.facts import Facts, Floats, Part, Users
from penchant.solvers.blocked.sums import Exact, Named, segments
from penchant.store import Block

_START = 9  # what a draw is for


class Items(NamedTuple):
    """What a sweep's tasks are given beside `Facts`.

    Attributes:
        sweep: which, from 1; in sweep 0 the users' rows are a random start.
        noise: whether to draw.
        spread: of the random start.
        alpha: the noise precision.
        factors: (N, K) float32, the items' rows.
        bias: (N,) float32.
        units: (N,) float32, the roots of the items' noise weights.
        mean: (D,) float32, the users' m.
        precision: (D, D) float32, the users' Λ.
        weights: (F, D) float32, the users' B: items, count, side columns; or no rows.
        low: the lowest value of the scale, in the units of the values.
        high: the highest.
        ranges: the items that each task of the next half owns.
        final: whether nothing more is asked of the items.
    """

    sweep: int
    noise: bool
    spread: float
    alpha: float
    factors: Floats
    bias: Floats
    units: Floats
    mean: Floats
    precision: Floats
    weights: Floats
    low: float
    high: float
    ranges: tuple[tuple[int, int], ...]
    final: bool


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
    values: Floats
    names: npt.NDArray[np.int64]
    factors: Floats
    biases: Floats
    units: Floats


class Piece(NamedTuple):
    """What one task has for one range of items.

    Attributes:
        many: (h,) int32, the items that send sums, counted from the range's first.
        sums: (h, `size_of(k)`) float64.
        rows: of each block what the other items send.
    """

    many: npt.NDArray[np.int32]
    sums: npt.NDArray[np.float64]
    rows: list[Rows]

    @property
    def bytes(self) -> int:
        """How many bytes of numbers it is."""
        return self.sums.nbytes + sum(a.nbytes for rows in self.rows for a in rows)


class Report(NamedTuple):
    """The small answer of a task, for the driver.

    Attributes:
        sums: moments of the users' rows, and sums of squares.
        node: where it ran.
        memory: the most bytes that its process has held so far.
        sent: bytes of what it has for the items.
    """

    sums: Named
    node: str
    memory: int
    sent: int


def users_half(part: Part, facts: Facts, items: Items) -> tuple[Any, ...]:
    """Solve or draw the users of some blocks; return a `Report`, and a `Piece` for each range."""
    sums, pieces = Exact(), _Pieces(part, facts, items)
    scaled = aligned_times(items.factors, items.units)
    with Threads(1):
        for number in part:
            block = facts.store.block(number)
            users, values = facts.users_of(block), facts.values_of(block)
            P, b = solved_users(block, users, values, facts, items, scaled)
            if items.sweep:
                _measure(sums, block, users, values, P, b, facts, items)
                _moments(sums, block, users, P, b, facts)
                _held_out(sums, facts.store.test_block(number), P, b, facts, items)
            if not items.final:
                pieces.add(block, values, P, b, users.units)
    made = pieces.made()
    sent = sum(piece.bytes for piece in made)
    return (Report(sums.named, _node(), _memory(), sent), *made)


def solved_users(
    block: Block, users: Users, values: Floats, facts: Facts, items: Items, scaled: Floats
) -> tuple[Floats, Floats]:
    """Return the factors (m, K) and biases (m,) of a block's users."""
    m, k = len(users.active), facts.rank
    P, b = aligned_zeros(m, facts.width), np.zeros(m, np.float32)
    if not items.sweep:
        start = np.empty((m, k), np.float32)
        fill_normals(0, m, 0, _START, facts.key, start, block.start)
        P[:, :k] = start * np.float32(items.spread)
        P[~users.active] = 0
        return P, b
    priors = np.empty((m, k + 1), np.float32)
    B, N = items.weights, len(items.bias)
    if not len(B):
        B = np.zeros((N + 1 + users.side.shape[1], k + 1), np.float32)
    prior_rows(
        0, m, block.indptr, block.indices, users.norms, users.known, users.side, items.mean,
        B[:N], B[N], B[N + 1 :], priors,
    )  # fmt: skip
    alphas = (items.alpha * users.units.astype(np.float64) ** 2).astype(np.float32)
    solve_rows(
        0, m, block.indptr, block.indices, values, scaled, items.bias, items.units, alphas,
        items.precision, np.ones(m, np.float32), priors, items.noise, items.sweep, 0, facts.key, P,
        b, block.start,
    )  # fmt: skip
    return P, b


def _measure(
    sums: Exact, block: Block, users: Users, values: Floats, P: Floats, b: Floats, facts: Facts,
    items: Items,
) -> None:  # fmt: skip
    """Add up the squared errors: weighed by user and item, clipped, and those of each item."""
    m, N = len(b), len(items.bias)
    weights = items.units**2
    squares, clipped = np.zeros(m), np.zeros(m)
    row_scores(
        0, m, block.indptr, block.indices, values, P, b, items.factors, items.bias, weights,
        np.float32(items.low), np.float32(items.high), squares, clipped,
    )  # fmt: skip
    squares *= users.units.astype(np.float64) ** 2
    errors = np.empty(len(values) if items.noise else 0, np.float32)
    if items.noise:
        row_errors(
            0, m, block.indptr, block.indices, values, P, b, items.factors, items.bias, weights,
            errors, np.empty(m),
        )  # fmt: skip
    n = len(facts.store)
    for rows, _ in segments(block, facts.store.segment):
        sums.add("squares", squares[rows].sum(), n)
        sums.add("clipped", clipped[rows].sum(), n)
        if items.noise:
            each = np.zeros(N)
            add_squares(
                rows.start, rows.stop, block.indptr, block.indices, errors, users.units**2, each
            )
            sums.add("item_squares", each, facts.most)


def _moments(sums: Exact, block: Block, users: Users, P: Floats, b: Floats, facts: Facts) -> None:
    """Add up ``Zᵀ x̃`` for Z = (x̃, 1, count, side) over the users with ratings, and bagᵀ x̃."""
    M, k = facts.store.n_users + 1, facts.rank
    x = np.column_stack([P[:, :k], b])
    x[~users.active] = 0
    Z = np.column_stack([x, users.active, users.known, users.side]).astype(np.float64)
    for rows, _ in segments(block, facts.store.segment):
        own = x[rows].astype(np.float64)
        sums.add("moments", np.ascontiguousarray(Z[rows]).T @ own, M)
        if facts.bags:
            bags = np.zeros((facts.store.n_items + 1, k + 1), np.float32)
            indptr = block.indptr[rows.start : rows.stop + 1]
            add_bags(0, len(own), indptr, block.indices, users.norms[rows], x[rows], bags)
            sums.add("bags", bags, facts.most)


def _held_out(sums: Exact, test: Block, P: Floats, b: Floats, facts: Facts, items: Items) -> None:
    """Add up the squared errors of the held-out ratings, predictions clipped to the scale."""
    if not len(test):
        return
    squares = errors_of(test, P, b, facts, items)
    for _, at in segments(test, facts.store.segment):
        sums.add("held_out", squares[at].sum(), facts.store.n_test)


def errors_of(test: Block, P: Floats, b: Floats, facts: Facts, items: Items) -> Any:
    """Return the squared errors of ratings, (n,) float64, in units of their deviation."""
    predicted = np.empty(len(test), np.float32)
    predict_pairs(
        0, len(test), test.rows - np.int32(test.start), test.indices, P, b, items.factors,
        items.bias, predicted,
    )  # fmt: skip
    inside = np.clip(predicted, np.float32(items.low), np.float32(items.high))
    return (facts.values_of(test) - inside).astype(np.float64) ** 2


def sums_bytes(k: int) -> float:
    """Return how many bytes the sums of an item are."""
    return 8.0 * size_of(k)


class _Pieces:
    """Collects what a task has for the items, range by range."""

    def __init__(self, part: Part, facts: Facts, items: Items) -> None:
        self._facts, self._ranges = facts, items.ranges
        counts, spans = facts.store.item_counts, facts.store.user_spans
        mine = sum(spans[number].ratings for number in part)
        expected = counts * (mine / max(1, len(facts.store)))
        entry = 4 * facts.width + 24  # bytes of a rating with its rater's row
        self._many = expected * entry > sums_bytes(facts.rank)  # what is less is sent
        self._ids = np.flatnonzero(self._many).astype(np.int32)
        self._sums = np.zeros((0 if items.final else len(self._ids), size_of(facts.rank)))
        self._rows: list[list[Rows]] = [[] for _ in self._ranges]

    def add(self, block: Block, values: Floats, P: Floats, b: Floats, units: Floats) -> None:
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
    """

    sweep: int
    noise: bool
    alphas: Floats
    precision: Floats
    priors: Floats


def items_half(
    owned: tuple[int, int], pieces: list[Piece], facts: Facts, half: Half
) -> tuple[Floats, Floats]:
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
            sums, facts.width, half.alphas[at], half.precision, half.priors[at], half.noise,
            half.sweep, 1, facts.key, start, Q, b,
        )  # fmt: skip
    return Q, b


def _add_rows(rows: Rows, sums: npt.NDArray[np.float64], facts: Facts) -> None:
    starts = np.zeros(len(sums) + 1, np.int64)
    np.cumsum(np.bincount(rows.items, minlength=len(sums)), out=starts[1:])
    items = np.unique(rows.items)
    own = np.zeros((len(items), sums.shape[1]))
    item_sums(
        items, starts, rows.raters, rows.values, rows.names, facts.shift, rows.factors, facts.rank,
        rows.biases, rows.units, rounder_of(facts.most), own,
    )  # fmt: skip
    add_to(items, own, sums)


def _node() -> str:
    return os.environ.get(NODE) or socket.gethostname()


def _memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
