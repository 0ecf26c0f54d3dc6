"""Measures of ordered lists of items: pure functions on arrays.

Lists are (U, n) item rows, a line for each user, best first; row 0, which is no item, fills up a
line that is too short. Gains are (U, n) too: what the item in each place is worth to the user.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64, Mask, Rows
from penchant.errors import DataError

Whole = npt.NDArray[np.integer[Any]]


def ndcg(gains: F64, ideal: F64) -> F64:
    """Return each user's normalised discounted cumulative gain at n, (U,), 0 … 1.

    ``DCG(gains) / DCG(ideal)`` with ``DCG(g) = Σ_k g_k / log2(k + 1)``, k = 1 … n: gains count as
    they are, not as powers of 2, so that a scale of 0 to 100 makes sense too. NaN for a user whom
    no list could please, because the ideal gains are all 0.

    Args:
        gains: (U, n), in the order of the lists; 0 where a list is short.
        ideal: (U, n), the same user's n highest gains in falling order, of all there are.

    References:
        Järvelin, Kekäläinen: Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20, 2002.

    >>> ndcg(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[1.0, 1.0], [2.0, 1.0]])).round(4)
    array([0.3869, 1.    ])
    """
    _require_alike("gains and ideal gains", gains, ideal)
    discounts = 1 / np.log2(np.arange(2, gains.shape[1] + 2))
    return _divide(gains @ discounts, ideal @ discounts)


def precision(hits: Mask, relevant: Whole) -> F64:
    """Return the share of each user's n places that hold a relevant item, (U,).

    A short list is divided by n all the same: an empty place is no hit. NaN for a user without
    relevant items.

    Args:
        hits: (U, n), whether the item in each place is relevant.
        relevant: (U,) how many relevant items each user has, in the lists or not.

    >>> precision(np.array([[True, False], [False, False]]), np.array([3, 0])).tolist()
    [0.5, nan]
    """
    return np.where(relevant > 0, hits.mean(axis=1), np.nan)


def recall(hits: Mask, relevant: Whole) -> F64:
    """Return the share of each user's relevant items that the list holds, (U,).

    A user with more than n relevant items can't reach 1. NaN for a user without any.

    Args:
        hits: (U, n), whether the item in each place is relevant.
        relevant: (U,) how many relevant items each user has, in the lists or not.

    >>> recall(np.array([[True, False], [True, True]]), np.array([3, 2])).round(2).tolist()
    [0.33, 1.0]
    """
    return _divide(hits.sum(axis=1).astype(np.float64), relevant.astype(np.float64))


def coverage(lists: Rows, n_items: int) -> float:
    """Return the share of the catalogue's items that stand in at least one list.

    >>> coverage(np.array([[1, 2], [2, 0]], np.int32), n_items=4)
    0.5
    """
    listed = np.unique(lists)
    return float((listed > 0).sum() / n_items)


def novelty(lists: Rows, counts: Whole, n_users: int) -> float:
    """Return how little known the listed items are: the mean self-information, in bits.

    ``-log2(share of the training users who rated the item)``, averaged over all filled places of
    all lists: 1 for an item that every other user has rated, 10 for one in 1,024. An item that
    nobody has rated counts as one that a single user has. NaN where all lists are empty.

    Args:
        lists: (U, n) item rows.
        counts: (N,) training ratings of each item row.
        n_users: how many users have training ratings.

    References:
        Vargas, Castells: Rank and Relevance in Novelty and Diversity Metrics for Recommender
        Systems, RecSys 2011.

    >>> novelty(np.array([[1, 2], [2, 0]], np.int32), np.array([0, 8, 1]), n_users=8)
    2.0
    """
    shown = lists[lists > 0]
    if not shown.size:
        return float("nan")
    return float(-np.log2(np.maximum(counts[shown], 1) / n_users).mean())


def places(users: Whole, values: F64, n_users: int, n: int) -> npt.NDArray[np.int64]:
    """Return where each user's n highest values stand, best first, (U, n); -1 fills up.

    Equal values keep the order in which they came.

    >>> places(np.array([0, 1, 0, 0]), np.array([3.0, 9.0, 5.0, 5.0]), n_users=2, n=2).tolist()
    [[2, 3], [1, -1]]
    """
    order = np.lexsort((-values, users))
    counts = np.bincount(users, minlength=n_users)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    place = np.arange(len(order)) - starts[users[order]]
    table = np.full((n_users, n), -1, dtype=np.int64)
    kept = place < n
    table[users[order][kept], place[kept]] = order[kept]
    return table


def gains_at(places: npt.NDArray[np.int64], gains: F64) -> F64:
    """Return the gains that stand at `places`, (U, n); 0 where they are -1.

    >>> gains_at(np.array([[1, -1]]), np.array([5.0, 7.0])).tolist()
    [[7.0, 0.0]]
    """
    return np.where(places >= 0, np.append(gains, 0.0)[places], 0.0)


def hits_in(lists: Rows, users: Whole, items: Rows) -> Mask:
    """Return which places of the lists, (U, n), hold one of their user's relevant items.

    Args:
        lists: (U, n) item rows.
        users: (r,) the line of each relevant pair.
        items: (r,) its item row; 0, which is no item, is never a hit.

    >>> lists = np.array([[4, 2], [2, 0]], np.int32)
    >>> hits_in(lists, np.array([0, 1]), np.array([2, 7], np.int32)).tolist()
    [[False, True], [False, False]]
    """
    size = int(max(lists.max(initial=0), items.max(initial=0))) + 1
    lines = np.arange(len(lists), dtype=np.int64)[:, None] * size
    wanted = np.asarray(users, dtype=np.int64) * size + items
    found: Mask = np.isin(lines + lists, wanted) & (lists > 0)
    return found


def _divide(above: F64, below: F64) -> F64:
    shares: F64 = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return shares


def _require_alike(what: str, one: F64, two: F64) -> None:
    if one.ndim != 2 or one.shape != two.shape:
        raise DataError(
            f"The {what} must be tables of one shape, users × places; received shapes "
            f"{one.shape} and {two.shape}."
        )
