"""The n best items of many users: products in registers, and a choice from blocks of scores.

Scores ``b_i + p_u · q_i`` are made in tiles of 6 users × 16 items, each summed up in the order of
its K factors: its bits are a pure function of the two rows, so items with equal numbers tie
exactly, wherever they stand. (A product by BLAS would not do: its bits depend on the place in the
matrix.) Items come by in ascending order of their rows, a block at a time, and a score enters a
user's ordered list where it is higher than the lowest there: of equal scores the lower row stays
in front.

`penchant.kernels.plain.topn` holds the twin in NumPy.
"""

from __future__ import annotations

import numpy as np

from penchant.kernels.jit import kernel, kernel_with
from penchant.kernels.simd.vector import fma, load, splat, store

USERS = 6
"""Users of a tile."""

ITEMS = 16
"""Items of a tile: a panel holds so many, side by side in each factor."""

_WIDTH = 1024  # items in a block of scores, which then stays in the cache
_LANES = 32  # so many scores are compared with the lowest at once
_f = np.float32


@kernel
def _tile(P, u, K, panels, o, biases, c, scores, s):  # type: ignore[no-untyped-def]
    """Fill 6 × 16 scores from place s on, in rows of _WIDTH."""
    c0, d0 = load(biases, c), load(biases, c + 8)
    c1 = c2 = c3 = c4 = c5 = c0
    d1 = d2 = d3 = d4 = d5 = d0
    for p in range(u, u + K):
        q, r = load(panels, o), load(panels, o + 8)
        o += 16
        a = splat(P[p])
        c0, d0 = fma(a, q, c0), fma(a, r, d0)
        a = splat(P[p + K])
        c1, d1 = fma(a, q, c1), fma(a, r, d1)
        a = splat(P[p + 2 * K])
        c2, d2 = fma(a, q, c2), fma(a, r, d2)
        a = splat(P[p + 3 * K])
        c3, d3 = fma(a, q, c3), fma(a, r, d3)
        a = splat(P[p + 4 * K])
        c4, d4 = fma(a, q, c4), fma(a, r, d4)
        a = splat(P[p + 5 * K])
        c5, d5 = fma(a, q, c5), fma(a, r, d5)
    store(scores, s, c0)
    store(scores, s + 8, d0)
    store(scores, s + _WIDTH, c1)
    store(scores, s + _WIDTH + 8, d1)
    store(scores, s + 2 * _WIDTH, c2)
    store(scores, s + 2 * _WIDTH + 8, d2)
    store(scores, s + 3 * _WIDTH, c3)
    store(scores, s + 3 * _WIDTH + 8, d3)
    store(scores, s + 4 * _WIDTH, c4)
    store(scores, s + 4 * _WIDTH + 8, d4)
    store(scores, s + 5 * _WIDTH, c5)
    store(scores, s + 5 * _WIDTH + 8, d5)


@kernel
def _strike_out(scores, first, width, users, indptr, items, columns):  # type: ignore[no-untyped-def]
    """Set the scores of the items that each user is not to get to -inf."""
    for r in range(len(users)):
        for t in range(indptr[users[r]], indptr[users[r] + 1]):
            column = columns[items[t]] - first
            if 0 <= column < width:
                scores[r, column] = _f(-np.inf)


# A maximum may be taken in any order; there is no NaN among finite factors.
@kernel_with("reassoc", "nnan", "nsz")
def _highest(scores):  # type: ignore[no-untyped-def]
    highest = _f(-np.inf)
    for j in range(len(scores)):
        if scores[j] > highest:
            highest = scores[j]
    return highest


@kernel
def _insert(best, rows, score, row):  # type: ignore[no-untyped-def]
    """Put one score into an ordered list, behind those equal to it; the last one falls out."""
    place = len(best) - 1
    while place > 0 and best[place - 1] < score:
        best[place], rows[place] = best[place - 1], rows[place - 1]
        place -= 1
    best[place], rows[place] = score, row


@kernel
def _choose(scores, first, width, item_rows, best, rows):  # type: ignore[no-untyped-def]
    """Let a block of items compete with the best so far."""
    n = best.shape[1]
    for r in range(len(best)):
        lowest = best[r, n - 1]
        for c in range(0, width, _LANES):
            if _highest(scores[r, c : min(c + _LANES, width)]) <= lowest:
                continue
            for j in range(c, min(c + _LANES, width)):
                if scores[r, j] > lowest:
                    _insert(best[r], rows[r], scores[r, j], item_rows[first + j])
                    lowest = best[r, n - 1]


@kernel_with("contract", allocates=True)
def top_n(  # type: ignore[no-untyped-def]
    users, P, panels, biases, item_rows, columns, indptr, items, best, rows
):
    """Find the n best items of a few users.

    Args:
        users: (m,) int32 user rows.
        P: (m', K) float32, their factors; m' is m, filled up to a multiple of `USERS`.
        panels: (w / ITEMS, K, ITEMS) float32, the factors of the items to choose among.
        biases: (w,) float32, their biases; -inf in columns that only fill up the last panel.
        item_rows: (w,) int32, their rows, ascending.
        columns: (N,) int32, the column of each item row, or -1.
        indptr: (M + 1,) int64, where in `items` those start that each user is not to get.
        items: (n,) int32 item rows.
        best: (m, n) float32, filled with the highest ``b_i + p_u · q_i``, descending; -inf
            where fewer are left.
        rows: (m, n) int32, filled with their rows; row 0 where fewer are left.
    """
    best[:] = _f(-np.inf)
    rows[:] = 0
    K = P.shape[1]
    p, q = P.reshape(-1), panels.reshape(-1)
    scores = np.empty((len(P), _WIDTH), np.float32)
    s = scores.reshape(-1)
    for first in range(0, len(biases), _WIDTH):
        width = min(_WIDTH, len(biases) - first)
        for c in range(0, width, ITEMS):
            for u in range(0, len(P), USERS):
                at = first + c
                _tile(p, u * K, K, q, at * K, biases, at, s, u * _WIDTH + c)
        _strike_out(scores, first, width, users, indptr, items, columns)
        _choose(scores, first, width, item_rows, best, rows)
