"""Knowledge: what a fitted recommender knows of the data that it was trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.arrays import F32, Mask, Rows
from penchant.choices import Choices
from penchant.errors import UnsupportedError
from penchant.ids import IdMap, positions_array
from penchant.model.provenance import Provenance
from penchant.ratings import Ratings, Scale
from penchant.settings import require_count


@dataclasses.dataclass(frozen=True, eq=False)
class Knowledge:
    """Ids, scale, side tables, counts; the ratings themselves are fetched when they are needed.

    Attributes:
        user_ids: the map of the M-1 user ids.
        item_ids: the map of the N-1 item ids.
        scale: the rating scale.
        user_counts: (M,) int32, training ratings of each row; 0 marks a cold row.
        item_counts: (N,) int32.
        user_table: side columns by row, or None.
        item_table: side columns by row, or None.
        name: what the data is called.
        fingerprinted: returns the fingerprint of the training ratings.
        fetch: returns the training ratings, or None where they were not kept.
        listed: returns the item rows that a user row rated; found from the ratings if None.
        provenance: what `penchant fit` noted of source, split and versions, or None.
        choices: who picks what, or None where that was not learnt.
    """

    user_ids: IdMap
    item_ids: IdMap
    scale: Scale
    user_counts: npt.NDArray[np.int32]
    item_counts: npt.NDArray[np.int32]
    user_table: pa.Table | None
    item_table: pa.Table | None
    name: str
    fingerprinted: Callable[[], str]
    fetch: Callable[[], Ratings | None]
    listed: Callable[[int], Rows] | None = None
    provenance: Provenance | None = None
    choices: Choices | None = None

    @classmethod
    def of(cls, ratings: Ratings) -> Knowledge:
        """Return what the training ratings tell."""
        return cls(
            ratings.user_ids,
            ratings.item_ids,
            ratings.scale,
            np.bincount(ratings.user_rows, minlength=ratings.user_ids.size).astype(np.int32),
            np.bincount(ratings.item_rows, minlength=ratings.item_ids.size).astype(np.int32),
            ratings.user_table,
            ratings.item_table,
            ratings.name,
            ratings.fingerprint,
            lambda: ratings,
        )

    def with_choices(self, threads: int | None = None) -> Knowledge:
        """Return it with the choice model of its ratings, trained anew."""
        from penchant.choices.train import fit
        from penchant.threads import Threads

        with Threads(threads) as pool:
            return dataclasses.replace(self, choices=fit(self.ratings, pool))

    @cached_property
    def shares(self) -> F32:
        """The share of the users with ratings who rated each item, (N,) float32."""
        users = max(1, int(np.count_nonzero(self.user_counts)))
        return (self.item_counts / users).astype(np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the training ratings."""
        return self.fingerprinted()

    @cached_property
    def ratings(self) -> Ratings:
        """The training ratings.

        Raises `UnsupportedError` where the bundle was saved without them.
        """
        kept = self.fetch()
        if kept is None:
            raise UnsupportedError(
                "This needs the training ratings, and the bundle was saved without them. Save "
                "it with ratings=True, or ask for what needs none: exclude_rated=False, or "
                "--include-rated and --all on the command line."
            )
        return kept

    @cached_property
    def rated_lists(self) -> tuple[npt.NDArray[np.int64], Rows]:
        """Where each user row's items begin, (M + 1,), and the item rows of all, (n,).

        User u rated ``items[starts[u] : starts[u + 1]]``. Sorted once, however many lists are made.
        """
        order = np.argsort(self.ratings.user_rows, kind="stable")
        ends = np.cumsum(np.bincount(self.ratings.user_rows, minlength=self.user_ids.size))
        return np.concatenate([[0], ends]), self.ratings.item_rows[order]

    def rated(self, user_row: int) -> Rows:
        """Return the item rows that a user rated."""
        if self.listed is not None:
            return self.listed(user_row)
        starts, items = self.rated_lists
        return items[starts[user_row] : starts[user_row + 1]]

    def rows_in(self, ratings: Ratings) -> tuple[Rows, Rows]:
        """Return the user and item row here of each of the given ratings; 0 for a stranger."""
        return (
            _translated(self.user_ids, ratings.user_ids, ratings.user_rows),
            _translated(self.item_ids, ratings.item_ids, ratings.item_rows),
        )

    def aligned(self, ratings: Ratings) -> Ratings:
        """Return the given ratings with rows of this model, 0 for strangers."""
        users, items = self.rows_in(ratings)
        return dataclasses.replace(
            ratings,
            user_rows=users,
            item_rows=items,
            user_ids=self.user_ids,
            item_ids=self.item_ids,
        )

    def trained_on(self, ratings: Ratings) -> Mask:
        """Mark the given ratings whose pair of user and item was trained on, (n,).

        Raises `UnsupportedError` where the bundle was saved without ratings.
        """

        def pairs(table: Ratings) -> npt.NDArray[np.int64]:
            users, items = self.rows_in(table)
            numbers = users.astype(np.int64) * self.item_ids.size + items
            return np.where((users > 0) & (items > 0), numbers, -1)

        asked = pairs(ratings)
        return np.isin(asked, pairs(self.ratings)) & (asked >= 0)

    def is_cold(self, user_rows: Rows, item_rows: Rows) -> Mask:
        """Mark the pairs of known rows of which one has no training ratings."""
        known = (user_rows > 0) & (item_rows > 0)
        untrained = (self.user_counts[user_rows] == 0) | (self.item_counts[item_rows] == 0)
        marked: Mask = known & untrained
        return marked

    def choice(self, among: Any = None, without: Any = None, min_ratings: int = 0) -> Mask:
        """Return which item rows to recommend from, (N,); never row 0.

        Args:
            among: only these items, ids or one id; unknown ones are left out.
            without: not these.
            min_ratings: only items with at least so many ratings.

        Raises `SettingsError` where `min_ratings` is no count.
        """
        require_count("min_ratings", min_ratings, 0)
        chosen = self.item_counts >= min_ratings
        if among is not None:
            named = np.zeros_like(chosen)
            named[self.item_ids.rows(listed(among))] = True
            chosen &= named
        if without is not None:
            chosen[self.item_ids.rows(listed(without))] = False
        chosen[0] = False
        return chosen

    def titles(self, item_rows: Rows) -> list[Any]:
        """Return the title of each item row; None where there is none."""
        if self.item_table is None or "title" not in self.item_table.column_names:
            return [None] * len(item_rows)
        titles: list[Any] = self.item_table["title"].take(positions_array(item_rows)).to_pylist()
        return titles


def listed(ids: Any) -> Any:
    """Return ids as a list where one id alone is given."""
    return [ids] if isinstance(ids, (int, str, np.integer)) else ids


def _translated(known: IdMap, theirs: IdMap, rows: Rows) -> Rows:
    if known is theirs:
        return rows
    table = np.concatenate([np.zeros(1, dtype=np.int32), known.rows(theirs.array)])
    return table[rows]
