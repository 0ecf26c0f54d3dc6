"""Side tables: what is known of users and items, one row for each row of the embeddings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penchant.errors import DataError
from penchant.ids import IdMap, as_ids


class Aligned(NamedTuple):
    """A side table by row, and the id map that also knows the ids that only it holds."""

    table: pa.Table
    ids: IdMap
    new: int


def align(table: pa.Table, key: str, ids: IdMap, where: str) -> Aligned:
    """Order a side table by the rows of an id map; new ids get the rows after those of the map.

    Args:
        table: the side table, one row for each id.
        key: the name of its id column.
        ids: the map of the ids that have ratings.
        where: the name of the table, for messages.

    Returns:
        The other columns, ``ids.size`` rows; row 0, the stranger's, is null, and so are the rows
        of ids that the table doesn't hold.

    Raises:
        DataError: an id is missing, stands twice, or is of another type than those of the map.
    """
    column = _ids(table[key], ids, where)
    if pc.count_distinct(column).as_py() != len(column):
        counts = pc.value_counts(column)
        twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        raise DataError(
            f"{where}: {len(twice):,} {ids.what} ids stand there more than once, such as "
            f"{twice[0].as_py()!r}. Keep one row for each."
        )
    known = ids.extended(column)
    position = np.full(known.size, -1)
    position[known.rows(column)] = np.arange(len(column))
    take = pa.array(position, mask=position < 0)
    return Aligned(table.drop_columns([key]).take(take), known, len(known) - len(ids))


def _ids(column: pa.ChunkedArray, ids: IdMap, where: str) -> pa.Array:
    try:
        return as_ids(column, ids.what)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
