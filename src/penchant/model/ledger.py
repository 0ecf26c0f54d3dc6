"""Ledger: ratings that come and go, beside a table that stays as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.ratings import Ratings

Seconds = npt.NDArray[np.int64]

MOST_CHANGED = 20_000
"""Users with changed ratings, beyond which all is put into one table again."""


class Rated(NamedTuple):
    """What one user rated, or who rated one item, in the order of the rows.

    Attributes:
        rows: (n,) int32 of the other side.
        values: (n,) float32.
        seconds: (n,) int64, or None where no times are known.
    """

    rows: Rows
    values: F32
    seconds: Seconds | None

    def place(self, row: int) -> int | None:
        """Return where a row stands, or None."""
        at = int(np.searchsorted(self.rows, row))
        return at if at < len(self.rows) and self.rows[at] == row else None

    def value(self, row: int) -> float | None:
        """Return the rating of a row, or None."""
        at = self.place(row)
        return None if at is None else float(self.values[at])

    def with_changes(self, changes: Mapping[int, tuple[float, int] | None]) -> Rated:
        """Return it with ratings and their times put in, or taken out where there is None."""
        gone = np.isin(self.rows, list(changes))
        new = sorted((row, *change) for row, change in changes.items() if change is not None)
        rows, values, seconds = (np.array([entry[j] for entry in new]) for j in range(3))
        merged = np.concatenate([self.rows[~gone], rows.astype(np.int32)])
        order = np.argsort(merged, kind="stable")
        times = None
        if self.seconds is not None:
            times = np.concatenate([self.seconds[~gone], seconds.astype(np.int64)])[order]
        kept = np.concatenate([self.values[~gone], values.astype(np.float32)])
        return Rated(merged[order], kept[order], times)


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table of ratings, found by user and by item; the orders are made when first needed."""

    ratings: Ratings

    @cached_property
    def _by_user(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        return _order(self.ratings.user_rows)

    @cached_property
    def _by_item(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        return _order(self.ratings.item_rows)

    @cached_property
    def newest(self) -> int:
        """The latest time in the table; 0 where there is none."""
        seconds = self.ratings.timestamps
        return 0 if seconds is None or not len(seconds) else int(seconds.max())

    def of_user(self, row: int) -> Rated:
        """Return what a user rated."""
        return self._taken(self._by_user, row, self.ratings.item_rows)

    def of_item(self, row: int) -> Rated:
        """Return who rated an item."""
        return self._taken(self._by_item, row, self.ratings.user_rows)

    def _taken(self, found: Any, row: int, others: Rows) -> Rated:
        order, starts = found
        at = order[starts[row] : starts[row + 1]] if row + 1 < len(starts) else order[:0]
        at = at[np.argsort(others[at], kind="stable")]
        seconds = self.ratings.timestamps
        return Rated(others[at], self.ratings.values[at], None if seconds is None else seconds[at])


def _order(rows: Rows) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows))])
    return np.argsort(rows, kind="stable"), starts.astype(np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class Ledger:
    """All ratings as they stand: a table, and the lists of the users whose ratings differ from it.

    A ledger never changes; a change makes another, which shares what is the same.

    Attributes:
        table: the ratings that it began with.
        changed: by user row, all that the user has rated by now.
    """

    table: Table
    changed: Mapping[int, Rated] = dataclasses.field(default_factory=dict)

    def of_user(self, row: int) -> Rated:
        """Return what a user rated, by item row."""
        found = self.changed.get(row)
        return self.table.of_user(row) if found is None else found

    def of_item(self, row: int) -> Rated:
        """Return who rated an item, by user row."""
        base = self.table.of_item(row)
        kept = ~np.isin(base.rows, list(self.changed))
        found = [(user, rated, rated.place(row)) for user, rated in self.changed.items()]
        more = [(user, rated, at) for user, rated, at in found if at is not None]
        rows = np.array([user for user, _, _ in more], np.int32)
        values = np.array([rated.values[at] for _, rated, at in more], np.float32)
        merged = np.concatenate([base.rows[kept], rows])
        order = np.argsort(merged)
        seconds = None
        if base.seconds is not None:
            times = [rated.seconds[at] for _, rated, at in more if rated.seconds is not None]
            seconds = np.concatenate([base.seconds[kept], np.array(times, np.int64)])[order]
        return Rated(merged[order], np.concatenate([base.values[kept], values])[order], seconds)

    def with_changes(self, changes: Mapping[int, Mapping[int, tuple[float, int] | None]]) -> Ledger:
        """Return a ledger with ratings changed, by user row and item row; see `Rated`."""
        changed = dict(self.changed)
        for user, theirs in changes.items():
            now, base = self.of_user(user).with_changes(theirs), self.table.of_user(user)
            if _same(now, base):
                changed.pop(user, None)
            else:
                changed[user] = now
        return Ledger(self.table, changed)

    def merged(self, like: Ratings) -> Ratings:
        """Return all ratings in one table: changed ones in their places, new ones at the end.

        Args:
            like: gives ids, side tables, scale and name.
        """
        base = self.table.ratings
        columns = (base.user_rows, base.item_rows, base.values, base.timestamps)
        if self.changed:
            columns = self._columns()
        users, items, values, seconds = columns
        return dataclasses.replace(
            like, user_rows=users, item_rows=items, values=values, timestamps=seconds
        )

    def _columns(self) -> tuple[Rows, Rows, F32, Seconds | None]:
        base, names = self.table.ratings, sorted(self.changed)
        touched = np.flatnonzero(np.isin(base.user_rows, names))
        kept = np.ones(len(base), dtype=bool)
        values, seconds = base.values.copy(), base.timestamps
        seconds = None if seconds is None else seconds.copy()
        known: dict[int, set[int]] = {user: set() for user in names}
        for place in touched.tolist():
            user, item = int(base.user_rows[place]), int(base.item_rows[place])
            rated = self.changed[user]
            at = rated.place(item)
            kept[place] = at is not None
            if at is not None:
                known[user].add(item)
                values[place] = rated.values[at]
                if seconds is not None and rated.seconds is not None:
                    seconds[place] = rated.seconds[at]
        parts: list[tuple[Any, ...]] = [(base.user_rows, base.item_rows, values, seconds)]
        parts = [tuple(None if c is None else c[kept] for c in parts[0])]
        for user in names:
            rated = self.changed[user]
            new = ~np.isin(rated.rows, list(known[user]))
            rows = np.full(int(new.sum()), user, np.int32)
            times = None if rated.seconds is None else rated.seconds[new]
            parts.append((rows, rated.rows[new], rated.values[new], times))
        users, items, numbers, stamps = (list(column) for column in zip(*parts, strict=True))
        joined = None if seconds is None else np.concatenate(stamps)
        return np.concatenate(users), np.concatenate(items), np.concatenate(numbers), joined

    def without_rows(self, users: Iterable[int], items: Iterable[int], like: Ratings) -> Ledger:
        """Return a ledger from which rows are gone that have no ratings; later rows move up.

        Args:
            users: the user rows.
            items: the item rows.
            like: what `merged` takes.
        """
        gone = np.array(sorted(users), np.int32), np.array(sorted(items), np.int32)
        base = self.table.ratings
        columns = (base.user_rows, base.item_rows)
        ends = [int(rows.max(initial=0)) for rows in columns]
        table = self.table
        if any(len(g) and g[0] <= end for g, end in zip(gone, ends, strict=True)):
            base = self.merged(like)
            rows = (base.user_rows, base.item_rows)
            moved = [
                r - np.searchsorted(g, r).astype(np.int32) for r, g in zip(rows, gone, strict=True)
            ]
            table = Table(dataclasses.replace(base, user_rows=moved[0], item_rows=moved[1]))
            return Ledger(table)
        changed = {
            user - int(np.searchsorted(gone[0], user)): rated._replace(
                rows=rated.rows - np.searchsorted(gone[1], rated.rows).astype(np.int32)
            )
            for user, rated in self.changed.items()
            if user not in set(gone[0].tolist())
        }
        return Ledger(table, changed)


def _same(a: Rated, b: Rated) -> bool:
    times = a.seconds is None or b.seconds is None or np.array_equal(a.seconds, b.seconds)
    return np.array_equal(a.rows, b.rows) and np.array_equal(a.values, b.values) and times
