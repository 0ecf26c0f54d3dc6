"""The n best items of many users, in blocks of bounded memory, on all threads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.factors import Factors
from penchant.kernels import topn as kernels
from penchant.settings import require_count
from penchant.threads import Threads

_USERS = 16 * kernels.USERS  # at once by a thread


class Lists(NamedTuple):
    """Items of each user by row, (M,) lists end to end: user u has items[indptr[u] : indptr[u+1]].

    Attributes:
        indptr: (M + 1,) int64.
        items: (n,) int32 item rows.
    """

    indptr: npt.NDArray[np.int64]
    items: Rows

    @classmethod
    def of(cls, user_rows: Rows, item_rows: Rows, n_rows: int) -> Lists:
        """Make the lists of pairs of rows.

        >>> lists = Lists.of(np.array([2, 1, 2], np.int32), np.array([5, 6, 7], np.int32), 3)
        >>> lists.indptr.tolist(), lists.items.tolist()
        ([0, 0, 1, 3], [6, 5, 7])
        """
        ends = np.cumsum(np.bincount(user_rows, minlength=n_rows))
        order = np.argsort(user_rows, kind="stable")
        return cls(np.concatenate([[0], ends]), item_rows[order])


class Best(NamedTuple):
    """The best items of each user, best first; equal ones stand in the order of their rows.

    Attributes:
        items: (m, n) int32 item rows; row 0, the stranger's, fills up where fewer are left.
        ratings: (m, n) float32, unclipped; -inf where row 0 fills up.
    """

    items: Rows
    ratings: F32


def top_n(
    factors: Factors,
    users: Rows,
    n: int,
    *,
    exclude: Lists | None = None,
    among: Rows | None = None,
    threads: int | None = None,
) -> Best:
    """Return for each user the n items with the highest ``mean + b_u + b_i + p_u · q_i``.

    Beside the model and the answer it needs a copy of the item factors, and some 400 kB for each
    thread.
    The answer depends neither on the threads nor on the company that a user comes in.

    Args:
        factors: the model.
        users: (m,) user rows.
        n: how many items.
        exclude: the items that each user is not to get, those rated for instance.
        among: only these item rows; None for all but row 0.
        threads: how many threads, None for as many as there are processors.

    Raises:
        SettingsError: `n` or `threads` makes no sense.

    >>> one = np.ones((2, 1), np.float32)
    >>> model = Factors(3.0, np.zeros(2, np.float32), np.array([0, 1, 2], np.float32), one,
    ...                 np.ones((3, 1), np.float32))
    >>> top_n(model, np.array([1], np.int32), 2)
    Best(items=array([[2, 1]], dtype=int32), ratings=array([[6., 5.]], dtype=float32))
    """
    require_count("n", n)
    table = _Table.of(factors, among)
    if exclude is None:
        M = len(factors.user_bias)
        exclude = Lists(np.zeros(M + 1, np.int64), np.zeros(0, np.int32))
    lists = exclude
    K = factors.n_factors
    items = np.zeros((len(users), n), np.int32)
    ratings = np.empty((len(users), n), np.float32)

    def work(start: int, stop: int) -> None:
        mine = users[start:stop]
        block = np.zeros((-(-len(mine) // kernels.USERS) * kernels.USERS, K), np.float32)
        block[: len(mine)] = factors.user_factors[mine]
        kernels.top_n(mine, block, *table, *lists, ratings[start:stop], items[start:stop])

    with Threads(threads) as workers:
        edges = range(0, len(users), _USERS)
        workers.map(work, [(start, min(start + _USERS, len(users))) for start in edges])
    ratings += (factors.user_bias[users] + np.float32(factors.mean))[:, None]
    return Best(items, ratings)


class _Table(NamedTuple):
    """The items to choose among, as `penchant.kernels.topn.top_n` takes them."""

    panels: F32
    biases: F32
    rows: Rows
    columns: Rows

    @classmethod
    def of(cls, factors: Factors, among: Rows | None) -> _Table:
        N, K = factors.item_factors.shape
        rows = np.arange(1, N, dtype=np.int32) if among is None else np.unique(among)
        rows = rows[rows > 0].astype(np.int32)
        n, width = len(rows), -(-len(rows) // kernels.ITEMS) * kernels.ITEMS
        table = np.zeros((width, K), np.float32)
        table[:n] = factors.item_factors[rows]
        panels = table.reshape(-1, kernels.ITEMS, K).transpose(0, 2, 1)
        biases = np.full(width, -np.inf, np.float32)
        biases[:n] = factors.item_bias[rows]
        columns = np.full(N, -1, np.int32)
        columns[rows] = np.arange(n, dtype=np.int32)
        return cls(np.ascontiguousarray(panels), biases, np.resize(rows, width), columns)
