"""Tasks of the passes before the first sweep: levels, noise weights, directions of x."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penchant.arrays import F32, F64
from penchant.blocks.train.facts import Facts, Part
from penchant.blocks.train.sums import Exact, Named, segments
from penchant.features.who_rated import PRIOR_OFFSET
from penchant.kernels.partial import add_bags
from penchant.kernels.sparse import pattern_times
from penchant.store import Block, BlockStore
from penchant.threads import Threads


class Survey(NamedTuple):
    """What the first two passes are told.

    Attributes:
        store: where the blocks are.
        mean: the mean of the ratings.
        rough: the width of the scale: values are summed in units of it.
        most: the largest number of ratings of an item.
        item_offsets: (N,) float64, o_i in rating units; empty in the first pass.
    """

    store: BlockStore
    mean: float
    rough: float
    most: int
    item_offsets: F64


def first_look(part: Part, survey: Survey) -> Named:
    """Sum up ``d``, ``1/n`` and ``n^(−1/2)`` of the raters of each item, and all d².

    d is the rating less the mean, in units of the scale's width; n the number of its user's
    ratings.
    """
    store, N = survey.store, survey.store.n_items + 1
    sums, n_all, most = Exact(), len(store), survey.most
    for number in part:
        block = store.block(number)
        d = (block.values - np.float32(survey.mean)).astype(np.float64) / survey.rough
        n = np.maximum(np.diff(block.indptr), 1).astype(np.float32)
        powers = np.stack([1 / n, 1 / np.sqrt(n)], axis=1)
        for rows, at in segments(block, store.segment):
            sums.add("deviations", np.bincount(block.indices[at], d[at], minlength=N), most)
            sums.add("squares", (d[at] ** 2).sum(), n_all)
            raters = np.zeros((N, 2))
            add_bags(
                rows.start, rows.stop, block.indptr, block.indices, np.ones(len(n), np.float32),
                powers, raters,
            )  # fmt: skip
            sums.add("raters", raters, most)
    return sums.named


def second_look(part: Part, survey: Survey) -> tuple[Named, list[tuple[F32, Any]]]:
    """Return the sums of e² of each item, and each block's user offsets and sums of e².

    ``e = d − o_i − o_u`` as `penchant.features.Noise` learns them; sums in units of the scale.
    """
    store, N = survey.store, survey.store.n_items + 1
    sums, n_all, most, users = Exact(), len(store), survey.most, []
    for number in part:
        block = store.block(number)
        counts = np.diff(block.indptr)
        who = np.repeat(np.arange(len(counts)), counts)
        d = block.values - np.float32(survey.mean)
        r = d - survey.item_offsets[block.indices]
        offsets = np.bincount(who, r, minlength=len(counts)) / (PRIOR_OFFSET + counts)
        squares = (r - offsets[who]) ** 2
        users.append((offsets.astype(np.float32), np.bincount(who, squares, minlength=len(counts))))
        for _, at in segments(block, store.segment):
            each = squares[at] / survey.rough**2
            sums.add("items", np.bincount(block.indices[at], each, minlength=N), most)
            sums.add("squares", each.sum(), n_all)
    return sums.named, users


class Directions(NamedTuple):
    """Where a power iteration stands.

    Attributes:
        users: (N + 1, r) float32: V of the users' x, a row for each item and one for the count.
        items: (N, r) float32: directions of the items' x in the space of the items.
        rarity: (N,) float32, what each item weighs in users' bags.
        item_norms: (N,) float32, what each entry of an item's bag weighs.
        scale: of the users' weights in items' bags, ``n^(−1/4)``.
    """

    users: F32
    items: F32
    rarity: F32
    item_norms: F32
    scale: float


def multiply(part: Part, facts: Facts, at: Directions) -> Named:
    """Return ``XᵀX V`` of the users' x and ``X Xᵀ Z`` of the items' bags; see `Directions`."""
    store, N = facts.store, facts.store.n_items + 1
    sums, most = Exact(), facts.most
    for number in part:
        block = store.block(number)
        users = facts.users_of(block)
        counts = np.diff(block.indptr)
        for rows, _ in segments(block, store.segment):
            near = _bag_rows(block, rows, users.norms, at.rarity, at.users[:N])
            near += users.known[rows, None] * at.users[N]
            out = np.zeros((N, near.shape[1]), np.float32)
            _spread(block, rows, users.norms, near, out)
            sums.add("users", out * at.rarity[:, None], most)
            known = users.known[rows, None].astype(np.float64)
            sums.add("count", (known * near).sum(axis=0), store.n_users + 1)
            n = np.maximum(counts, 1).astype(np.float64)
            weights = np.where(counts > 0, n**-0.25 * at.scale, 0.0).astype(np.float32)
            near = _bag_rows(block, rows, weights, at.item_norms, at.items)
            out = np.zeros((N, near.shape[1]), np.float32)
            _spread(block, rows, weights, near, out)
            sums.add("items", out * at.item_norms[:, None], most)
    return sums.named


def overlaps(part: Part, facts: Facts, V: F32) -> Named:
    """Return ``Uᵀ C U`` and ``Uᵀ C 1`` over the users with ratings, U = X V for V (N + 1 + S, r).

    C are the users' scales.
    """
    store, N, r = facts.store, facts.store.n_items + 1, V.shape[1]
    sums, M = Exact(), facts.mass
    padded = np.zeros((N, -(-r // 8) * 8), np.float32)
    padded[:, :r] = V[:N]
    with Threads(1):
        for number in part:
            block = store.block(number)
            users = facts.users_of(block)
            ones = np.ones(N, np.float32)
            for rows, _ in segments(block, store.segment):
                U = _bag_rows(block, rows, users.norms, ones, padded)[:, :r].astype(np.float64)
                U += users.known[rows, None] * V[N]
                U += users.side[rows].astype(np.float64) @ V[N + 1 :]
                U *= users.active[rows, None]
                roots = np.sqrt(users.scales[rows, None].astype(np.float64))
                U *= roots
                sums.add("overlap", U.T @ U, M)
                sums.add("ones", (U * roots).sum(axis=0), M)
    return sums.named


def _bag_rows(block: Block, rows: slice, left: F32, right: F32, dense: F32) -> F32:
    """Return ``left_r Σ_j right_j dense_j`` of a segment's rows, (m, r) float32."""
    out = np.empty((rows.stop - rows.start, dense.shape[1]), np.float32)
    indptr = block.indptr[rows.start : rows.stop + 1]
    pattern_times(
        0, len(out), indptr, block.indices, left[rows], right, np.ascontiguousarray(dense), out
    )
    return out


def _spread(block: Block, rows: slice, weights: F32, near: F32, out: F32) -> None:
    """Add ``weight_r near_r`` to each item that row r of a segment rated."""
    indptr = block.indptr[rows.start : rows.stop + 1]
    add_bags(0, len(near), indptr, block.indices, weights[rows], near, out)
