"""Side tables: what is known of users and items, one row for each row of the embeddings."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penchant.data.columns.roles import NAMES, plain
from penchant.data.files.text import as_whole
from penchant.errors import DataError
from penchant.ids import IdMap, as_ids
from penchant.ratings import Ratings

What = Literal["user", "item"]


def attach(ratings: Ratings, what: What, table: pa.Table, key: str, where: str) -> Ratings:
    """Return the ratings with a side table, ordered by the rows of their users or items.

    Row 0, the stranger's, is null, and so are the rows of ids that the table doesn't hold. Ids
    that only the table holds become known: their rows come after those of the ratings, and a
    notice counts them.

    Args:
        ratings: the ratings.
        what: whose table it is.
        table: one row for each id.
        key: the name of its id column, which isn't kept.
        where: the name of the table, for messages.

    Raises:
        DataError: an id is missing, stands twice, or is of another type than the ratings' ids.
    """
    ids = _ids_of(ratings, what)
    column = _distinct(table[key], ids, where)
    known = ids.extended(column)
    position = np.full(known.size, -1)
    position[known.rows(column)] = np.arange(len(column))
    aligned = table.drop_columns([key]).take(pa.array(position, mask=position < 0))
    fields: dict[str, Any] = {f"{what}_ids": known, f"{what}_table": aligned}
    new = len(known) - len(ids)
    if new:
        told = f"{where}: {new:,} of {len(column):,} {what}s have no ratings;"
        fields["notices"] = (*ratings.notices, f"{told} they are known, but cold.")
    return dataclasses.replace(ratings, **fields)


def find_key(table: pa.Table, what: What, asked: str | int | None) -> str:
    """Return the name of the id column: as asked, or named as ids are, or the first."""
    if isinstance(asked, str) and asked in table.column_names:
        return asked
    names = {plain(name): name for name in reversed(table.column_names)}
    ids = [name for name in NAMES[what] if name in names and name.endswith(("id", "asin"))]
    return str(names[ids[0]] if ids else table.column_names[0])


def with_key(table: pa.Table, key: str, ratings: Ratings, what: What) -> pa.Table:
    """Give the id column of a table that was read from a file the type of the ratings' ids."""
    column = table[key]
    if _ids_of(ratings, what).kind == "str":
        column = column.cast(pa.large_string())
    elif (whole := as_whole(column)) is not None:
        column = whole
    return table.set_column(table.column_names.index(key), key, column)


def _ids_of(ratings: Ratings, what: What) -> IdMap:
    return ratings.user_ids if what == "user" else ratings.item_ids


def _distinct(column: pa.ChunkedArray, ids: IdMap, where: str) -> pa.Array:
    try:
        values = as_ids(column, ids.what)
        ids.rows(values[:1])  # of the type of the ratings' ids
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    counts = pc.value_counts(values)
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(twice):
        raise DataError(
            f"{where}: {len(twice):,} {ids.what} ids stand there more than once, such as "
            f"{twice[0].as_py()!r}. Keep one row for each."
        )
    return values
