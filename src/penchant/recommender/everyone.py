"""The best items of all users at once: in blocks of bounded memory, into a table or a file."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import SourceError
from penchant.ids import Rows, as_ids, positions_array
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.saving import Saving
from penchant.settings import require_count

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

BLOCK = 8192
"""Users at once."""

_CELLS = 4_000_000  # ratings predicted at once, where users are not answered by a kernel


class Everyone(Saving):
    """Recommendations for many users at once, for every recommender."""

    @abstractmethod
    def _score_user(self, user_row: int) -> Floats:
        """Return the unclipped rating of one user for every item row, (N,) float32."""

    def _score_users(self, user_rows: Rows) -> Floats:
        """Return the unclipped ratings of some users for every item row, (m, N) float32."""
        return np.stack([self._score_user(row) for row in user_rows.tolist()])

    def _best(
        self, user_rows: Rows, n: int, exclude_rated: bool, choice: Mask, threads: int | None
    ) -> tuple[Rows, Floats]:
        """Return the n best items of each user and their unclipped ratings, (m, n) each.

        Row 0 fills up where fewer are left.
        """
        known = self.knowledge
        items = np.zeros((len(user_rows), n), np.int32)
        ratings = np.full((len(user_rows), n), -np.inf, np.float32)
        step = max(1, _CELLS // known.item_ids.size)
        for start in range(0, len(user_rows), step):
            rows = user_rows[start : start + step]
            for line, (row, scores) in enumerate(
                zip(rows.tolist(), self._score_users(rows), strict=True), start
            ):
                allowed = choice.copy()
                if exclude_rated and row:
                    allowed[known.rated(row)] = False
                best = top_rows(scores, np.flatnonzero(allowed), n)
                items[line, : len(best)], ratings[line, : len(best)] = best, scores[best]
        return items, ratings

    def recommend_all(
        self,
        n: int = 10,
        *,
        users: Any = None,
        exclude_rated: bool = True,
        among: Any = None,
        without: Any = None,
        min_ratings: int = 0,
        path: str | os.PathLike[str] | None = None,
        progress: bool = True,
        threads: int | None = None,
    ) -> pa.Table | Path:
        """Recommend n items to each of many users, as `recommend` does for one.

        Users are answered in blocks, so beside the model the memory is bounded; with `path` the
        answer is too.

        Args:
            n: how many for each user; fewer where there are fewer.
            users: ids, strangers among them if need be; all users if None.
            exclude_rated: leave out what a user has rated.
            among: only these items, ids or one id.
            without: not these items.
            min_ratings: only items with at least so many ratings.
            path: a Parquet file to write; one that stands there is replaced when all is written.
            progress: whether to show a bar on standard error.
            threads: how many to use; all that the process may use if None.

        Returns:
            An Arrow table of user, item, title (where there are titles), rank from 1, and rating,
            user after user; with `path` the file's path.

        Raises:
            SourceError: the file can't be written; one that stood there is as it was.
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings.
        """
        require_count("n", n)
        known = self.knowledge
        choice = known.choice(among, without, min_ratings)
        ids = known.user_ids.array if users is None else as_ids(users, "user")
        rows = _rows(known, ids, users is None)
        if exclude_rated:
            known.ratings  # noqa: B018 - says before the first block where there are none

        def best(mine: Rows) -> tuple[Rows, Floats]:
            return self._best(mine, n, exclude_rated, choice, threads)

        blocks = _blocks(best, known, ids, rows)
        if progress:
            blocks = _shown(blocks, len(rows))
        schema = _schema(known)
        if path is None:
            return pa.concat_tables([schema.empty_table(), *blocks])
        return _written(Path(path), schema, blocks)


def top_rows(scores: Floats, among: npt.NDArray[np.integer], n: int) -> Rows:
    """Return the rows, of those given in rising order, with the n highest scores, best first.

    Equal scores stand in the order of their rows.

    >>> top_rows(np.array([9, 1, 3, 3, 2], np.float32), np.array([1, 2, 3, 4]), 2).tolist()
    [2, 3]
    """
    values = scores[among]
    if n < len(values):
        least = np.partition(values, len(values) - n)[len(values) - n]
        among = among[values >= least]
        values = scores[among]
    order = np.argsort(-values, kind="stable")[:n]
    return among[order].astype(np.int32)


def _rows(known: Knowledge, ids: pa.Array, everyone: bool) -> Rows:
    return np.arange(1, len(ids) + 1, dtype=np.int32) if everyone else known.user_ids.rows(ids)


def _blocks(
    best: Callable[[Rows], tuple[Rows, Floats]], known: Knowledge, ids: pa.Array, rows: Rows
) -> Iterator[pa.Table]:
    for start in range(0, len(rows), BLOCK):
        found, ratings = best(rows[start : start + BLOCK])
        given = found > 0
        who, ranks = np.nonzero(given)
        items = found[given]
        columns = [
            ids.take(positions_array(start + who)),
            known.item_ids.array.take(positions_array(items - 1)),
            *_titles(known, items),
            pa.array(ranks.astype(np.int32) + 1),
            pa.array(known.scale.clip(ratings[given]).astype(np.float32)),
        ]
        yield pa.table(columns, schema=_schema(known))


def _titles(known: Knowledge, items: Rows) -> list[Any]:
    table = known.item_table
    if table is None or "title" not in table.column_names:
        return []
    return [table["title"].take(positions_array(items))]


def _schema(known: Knowledge) -> pa.Schema:
    fields = [("user", known.user_ids.array.type), ("item", known.item_ids.array.type)]
    table = known.item_table
    if table is not None and "title" in table.column_names:
        fields.append(("title", table.schema.field("title").type))
    return pa.schema([*fields, ("rank", pa.int32()), ("rating", pa.float32())])


def _shown(blocks: Iterator[pa.Table], users: int) -> Iterator[pa.Table]:
    from penchant.console import progress

    with progress("recommending", users) as advance:
        done = 0
        for block in blocks:
            advance(min(BLOCK, users - done))
            done += BLOCK
            yield block


def _written(path: Path, schema: pa.Schema, blocks: Iterator[pa.Table]) -> Path:
    import pyarrow.parquet as pq

    from penchant.atomic import new_file

    try:
        with new_file(path) as file, pq.ParquetWriter(file, schema) as writer:
            for block in blocks:
                writer.write_table(block)
    except OSError as error:
        raise SourceError(
            f"{path} can't be written: {error.strerror or error}. Choose a file in a folder that "
            f"exists, that you may write to, and that has room."
        ) from error
    return path
