"""The tasks of a sweep that solve or draw the users' rows, and sum up what follows from them."""

from __future__ import annotations

import os
import socket
from typing import Any, NamedTuple

import numpy as np

from penchant.arrays import F32
from penchant.blocks.engines.protocol import NODE
from penchant.blocks.train.facts import Facts, Part, Users
from penchant.blocks.train.item_tasks import Pieces
from penchant.blocks.train.sums import Exact, Named, segments
from penchant.kernels.aligned import aligned_times, aligned_zeros
from penchant.kernels.head_rows import prior_rows
from penchant.kernels.partial import add_bags, add_squares
from penchant.kernels.residuals import predict_pairs, row_errors, row_scores
from penchant.kernels.rng import fill_normals
from penchant.kernels.rowstep import solve_rows
from penchant.store import Block
from penchant.threads import Threads

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
    factors: F32
    bias: F32
    units: F32
    mean: F32
    precision: F32
    weights: F32
    low: float
    high: float
    ranges: tuple[tuple[int, int], ...]
    final: bool


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
    sums, pieces = Exact(), Pieces(part, facts, items.ranges)
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
    block: Block, users: Users, values: F32, facts: Facts, items: Items, scaled: F32
) -> tuple[F32, F32]:
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
        0, m, block.indptr, block.indices, users.norms, users.known, users.side,
        items.mean[None], B[None, :N], B[None, N], B[None, N + 1 :], priors[None],
    )  # fmt: skip
    alphas = (items.alpha * users.units.astype(np.float64) ** 2).astype(np.float32)
    solve_rows(
        0, m, block.indptr, block.indices, values, scaled, items.bias, items.units, alphas,
        items.precision, users.scales, priors, items.noise, items.sweep, 0, facts.key, P, b,
        block.start,
    )  # fmt: skip
    return P, b


def _measure(
    sums: Exact, block: Block, users: Users, values: F32, P: F32, b: F32, facts: Facts,
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


def _moments(sums: Exact, block: Block, users: Users, P: F32, b: F32, facts: Facts) -> None:
    """Add up ``Zᵀ C x̃`` for Z = (x̃, 1, count, side) over the users with ratings, and bagᵀ C x̃.

    C are the users' scales.
    """
    k = facts.rank
    x = np.column_stack([P[:, :k], b])
    x[~users.active] = 0
    Z = np.column_stack([x, users.active, users.known, users.side]).astype(np.float64)
    x *= users.scales[:, None]
    for rows, _ in segments(block, facts.store.segment):
        own = x[rows].astype(np.float64)
        sums.add("moments", np.ascontiguousarray(Z[rows]).T @ own, facts.mass)
        if facts.bags:
            bags = np.zeros((facts.store.n_items + 1, k + 1), np.float32)
            indptr = block.indptr[rows.start : rows.stop + 1]
            add_bags(0, len(own), indptr, block.indices, users.norms[rows], x[rows], bags)
            sums.add("bags", bags, facts.mass if facts.by_count else facts.most)


def _held_out(sums: Exact, test: Block, P: F32, b: F32, facts: Facts, items: Items) -> None:
    """Add up the squared errors of the held-out ratings, predictions clipped to the scale."""
    if not len(test):
        return
    squares = errors_of(test, P, b, facts, items)
    for _, at in segments(test, facts.store.segment):
        sums.add("held_out", squares[at].sum(), facts.store.n_test)


def errors_of(test: Block, P: F32, b: F32, facts: Facts, items: Items) -> Any:
    """Return the squared errors of ratings, (n,) float64, in units of their deviation."""
    predicted = np.empty(len(test), np.float32)
    predict_pairs(
        0, len(test), test.rows - np.int32(test.start), test.indices, P, b, items.factors,
        items.bias, predicted,
    )  # fmt: skip
    inside = np.clip(predicted, np.float32(items.low), np.float32(items.high))
    return (facts.values_of(test) - inside).astype(np.float64) ** 2


def _node() -> str:
    return os.environ.get(NODE) or socket.gethostname()


def _memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
