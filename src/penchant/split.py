"""Which ratings train and which test: row numbers inside, `Ratings` views outside.

The module is callable: ``penchant.split(ratings, test=0.2)`` gives views, and
``penchant.split.random_rows`` and its sisters give the row numbers behind them.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import Mask, Rows
from penchant.errors import DataError, SettingsError
from penchant.ratings import Ratings
from penchant.settings import require, require_choice, require_count, require_number

RowNumbers = npt.NDArray[np.int64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
How = Literal["random", "last", "time", "pair"]


class SplitRows(NamedTuple):
    """The row numbers of the two parts, disjoint, together all rows."""

    train: RowNumbers
    test: RowNumbers


class Split(NamedTuple):
    """The two parts as views of one table: ``train, test = split(ratings)``."""

    train: Ratings
    test: Ratings


@dataclasses.dataclass(frozen=True)
class Unseen:
    """How many test ratings meet a user or an item without training ratings."""

    ratings: int
    cold_users: int
    cold_items: int


def held_out(n: int, test: float | int) -> int:
    """Return how many of `n` rows a test part takes: a share (rounded up) or a count.

    >>> held_out(100_000, 0.2), held_out(10, 3)
    (20000, 3)
    """
    count = -1
    if isinstance(test, (int, np.integer)) and not isinstance(test, bool):
        count = int(test)
    elif isinstance(test, (float, np.floating)) and 0 < test < 1:
        count = int(np.ceil(test * n))
    if not 0 < count < n:
        raise SettingsError(
            f"test must be a share between 0 and 1, or a count that leaves some of the {n:,} "
            f"ratings to train on; received {test!r}."
        )
    return count


def random_rows(n: int, test: float | int = 0.2, seed: int = 0) -> SplitRows:
    """Split n rows at random: the very rows of scikit-learn's ``train_test_split``.

    With ``p = RandomState(seed).permutation(n)`` the first rows of p test and the others train,
    both in the order of p.

    >>> random_rows(5, test=2, seed=0)
    SplitRows(train=array([1, 3, 4]), test=array([2, 0]))
    """
    count = held_out(n, test)
    order = _permutation(n, seed)
    return SplitRows(order[count:], order[:count])


def last_rows(ratings: Ratings, n: int = 1) -> SplitRows:
    """Test on the last n ratings of each user, by timestamp (else by line).

    A user with n ratings or fewer stays in the training part whole, so that no user is made cold.
    """
    require_count("n", n)
    stamps = _stamps(ratings)
    order = np.lexsort((stamps, ratings.user_rows))
    users = ratings.user_rows[order]
    ends = np.searchsorted(users, users, side="right")
    counts = ends - np.searchsorted(users, users, side="left")
    from_end = ends - np.arange(len(users))
    tested = np.zeros(len(ratings), dtype=bool)
    tested[order] = (from_end <= n) & (counts > n)
    if not tested.any():
        raise DataError(
            f"No user has more than {n} ratings, so none can be held out. Choose a smaller n."
        )
    return SplitRows(np.flatnonzero(~tested), np.flatnonzero(tested))


def time_rows(ratings: Ratings, test: float | int = 0.2) -> SplitRows:
    """Test on the newest ratings of the whole table; equal times keep the order of their lines.

    Raises `DataError` where the ratings have no timestamps.
    """
    if ratings.timestamps is None:
        raise DataError(
            "A split by time needs timestamps, and these ratings have none. "
            "Load them with a timestamp column, or choose how='random'."
        )
    count = held_out(len(ratings), test)
    order = np.argsort(ratings.timestamps, kind="stable").astype(np.int64)
    return SplitRows(order[:-count], order[-count:])


def fold_rows(n: int, k: int = 5, seed: int = 0) -> Iterator[SplitRows]:
    """Return k random splits of n rows in which each row tests once; sizes differ by at most 1."""
    require_count("k", k, 2)
    if k > n:
        raise SettingsError(f"{k} folds need at least {k} ratings; there are {n:,}.")
    parts = np.array_split(_permutation(n, seed), k)
    return (
        SplitRows(np.concatenate([*parts[:j], *parts[j + 1 :]]), part)
        for j, part in enumerate(parts)
    )


def held_out_pairs(user_rows: Rows, item_rows: Rows, test: float, seed: int = 0) -> Mask:
    """Return which pairs of rows test, (n,) bool: each by a hash of seed, user row and item row.

    A pair's side depends on nothing else, neither on the order of the table nor on its other rows,
    so that a table that is read in pieces can be split too. The test part is about the share
    `test` of the rows. The hash is SplitMix64's (Steele, Lea & Flood 2014), twice.
    """
    require_number("test", test, 0, 1, open_low=True)
    require_count("seed", seed, 0)
    require(test < 1 and seed < 2**64, f"test is below 1 and seed below 2⁶⁴, not {test}, {seed}.")
    start = _mixed(np.array([seed], dtype=np.uint64) + _GOLDEN)
    keys = user_rows.astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= item_rows.astype(np.uint64)
    keys += start
    return _mixed(_mixed(keys) + _GOLDEN) < np.uint64(int(test * 2**64))


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    return keys ^ (keys >> np.uint64(31))


def pair_rows(ratings: Ratings, test: float = 0.2, seed: int = 0) -> SplitRows:
    """Split by a hash of each pair, as `penchant blocks --test` does; see `held_out_pairs`."""
    tested = held_out_pairs(ratings.user_rows, ratings.item_rows, test, seed)
    if tested.all() or not tested.any():
        raise DataError(
            f"A share of {test:g} by the hash of each pair leaves one side of {len(ratings):,} "
            f"ratings empty. Choose how='random'."
        )
    return SplitRows(np.flatnonzero(~tested), np.flatnonzero(tested))


def split(
    ratings: Ratings,
    test: float | int = 0.2,
    *,
    how: How = "random",
    n: int = 1,
    seed: int = 0,
) -> Split:
    """Split ratings into a training and a test part, two views that share their ids.

    Args:
        ratings: the whole table.
        test: a share of the ratings (rounded up), or a count; for "random" and "time". For "pair"
            about that share.
        how: "random": the very rows of scikit-learn's ``train_test_split(random_state=seed)``;
            "last": the last `n` ratings of each user; "time": the newest of the table; "pair": by
            a hash of each pair's rows, as `penchant blocks` holds out.
        n: how many ratings of each user, for "last".
        seed: what the random split is drawn from.

    >>> table = Ratings.from_columns([1, 1, 2, 2], [1, 2, 1, 2], [1, 2, 3, 4])
    >>> train, tested = split(table, test=0.25, seed=1)
    >>> len(train), len(tested), tested.values.tolist()
    (3, 1, [4.0])
    """
    require_choice("how", how, ("random", "last", "time", "pair"))
    if how == "last":
        rows = last_rows(ratings, n)
    elif how == "time":
        rows = time_rows(ratings, test)
    elif how == "pair":
        rows = pair_rows(ratings, test, seed)
    else:
        rows = random_rows(len(ratings), test, seed)
    return Split(ratings.take(rows.train), ratings.take(rows.test))


def folds(ratings: Ratings, k: int = 5, seed: int = 0) -> Iterator[Split]:
    """Return an iterator over k random splits of the ratings; each rating tests in one of them.

    >>> table = Ratings.from_columns([1, 1, 2, 2], [1, 2, 1, 2], [1, 2, 3, 4])
    >>> [len(test) for _, test in folds(table, k=3)]
    [2, 1, 1]
    """
    rows = fold_rows(len(ratings), k, seed)  # here, so that wrong settings are told at once
    return (Split(ratings.take(train), ratings.take(test)) for train, test in rows)


def unseen(train: Ratings, test: Ratings) -> Unseen:
    """Count what a test part holds that its training part has never seen.

    >>> table = Ratings.from_columns([1, 1, 2], [1, 2, 1], [1, 2, 3])
    >>> unseen(table.take([0, 1]), table.take([2]))
    Unseen(ratings=1, cold_users=1, cold_items=0)
    """
    users = ~np.isin(test.user_rows, train.user_rows)
    items = ~np.isin(test.item_rows, train.item_rows)
    return Unseen(
        ratings=int((users | items).sum()),
        cold_users=len(np.unique(test.user_rows[users])),
        cold_items=len(np.unique(test.item_rows[items])),
    )


def _permutation(n: int, seed: int) -> RowNumbers:
    require_count("seed", seed, 0)
    require(seed < 2**32, f"seed must be below 2³² for a split, not {seed}.")
    return np.random.RandomState(seed).permutation(n).astype(np.int64)


def _stamps(ratings: Ratings) -> npt.NDArray[np.int64]:
    return np.arange(len(ratings)) if ratings.timestamps is None else ratings.timestamps


class _CallableModule(types.ModuleType):
    def __call__(self, *args: Any, **settings: Any) -> Split:
        return split(*args, **settings)


sys.modules[__name__].__class__ = _CallableModule
