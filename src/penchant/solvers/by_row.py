"""Ratings as two sparse matrices, by user and by item, made where memory counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.kernels.byte_values import Values, restored, stored
from penchant.kernels.order import gather_by, order_by, turn_over
from penchant.ratings import Ratings

Order = npt.NDArray[Any]
_PIECE = 1 << 18


class Pattern(NamedTuple):
    """Which entries there are: row m's columns are ``indices[indptr[m] : indptr[m + 1]]``."""

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]


def by_both(ratings: Ratings, values: Values) -> tuple[tuple[Pattern, Values], ...]:
    """Return the ratings by user and by item, each with the values in its order.

    Columns rise within a row; ratings of one pair keep their order. Beside what is returned
    nothing of the size of the ratings is made.

    Args:
        ratings: the rows.
        values: (n,) what stands for their values.
    """
    plain = stored(values)
    n, M, N = len(ratings), ratings.user_ids.size, ratings.item_ids.size
    users, items = (
        (Pattern(np.empty(size + 1, np.int64), np.empty(n, np.int32)), np.empty(n, plain.dtype))
        for size in (M, N)
    )
    gather_by(
        ratings.item_rows, ratings.user_rows, plain, items[0].indptr, items[0].indices, items[1]
    )
    turn_over(*items[0], items[1], users[0].indptr, users[0].indices, users[1])
    turn_over(*users[0], users[1], items[0].indptr, items[0].indices, items[1])
    return tuple((pattern, restored(own, values)) for pattern, own in (users, items))


def user_order(ratings: Ratings) -> Order:
    """Return the order of the ratings by user, and by item within a user, (n,)."""
    by_item = order_of(ratings.item_rows, ratings.item_ids.size)
    by_user = order_of(ratings.user_rows[by_item], ratings.user_ids.size)
    for part in pieces(len(by_user)):  # in place of a third order
        by_user[part] = by_item[by_user[part]]
    return by_user


def order_of(rows: npt.NDArray[np.int32], M: int) -> Order:
    """Return the order in which rows from 0 to M - 1 ascend, (n,); equal ones keep theirs."""
    order = np.empty(len(rows), dtype=np.int32 if len(rows) < 2**31 else np.int64)
    order_by(rows, np.empty(M + 1, dtype=np.int64), order)
    return order


def pieces(n: int) -> Iterator[slice]:
    """Cut a column of n numbers, so that what NumPy makes of each piece stays small."""
    return (slice(at, at + _PIECE) for at in range(0, n, _PIECE))
