"""The best items of all users at once: in blocks of bounded memory, into a table or a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import SourceError
from penchant.factors import Factors
from penchant.ids import Rows, as_ids, positions_array
from penchant.recommender.knowledge import Knowledge
from penchant.settings import require_count

BLOCK = 8192
"""Users at once."""


def recommend_all(
    factors: Factors,
    known: Knowledge,
    n: int,
    users: Any,
    choice: npt.NDArray[np.bool_],
    *,
    exclude_rated: bool,
    path: str | os.PathLike[str] | None,
    progress: bool,
    threads: int | None,
) -> pa.Table | Path:
    """Recommend to many users; see `MatrixFactorization.recommend_all`.

    Args:
        factors: the model.
        known: ids, titles, and who rated what.
        n: items for each user.
        users: (m,) ids, or None for all.
        choice: (N,) the items to choose among.
        exclude_rated: whether items that a user rated are left out.
        path: the Parquet file to write, or None for a table.
        progress: whether to show a bar on standard error.
        threads: how many to use; all if None.
    """
    require_count("n", n)
    ids = known.user_ids.array if users is None else as_ids(users, "user")
    rows = _rows(known, ids, users is None)
    blocks = _blocks(factors, known, n, (ids, rows), choice, exclude_rated, threads)
    if progress:
        blocks = _shown(blocks, len(rows))
    schema = _schema(known)
    if path is None:
        return pa.concat_tables([schema.empty_table(), *blocks])
    return _written(Path(path), schema, blocks)


def _rows(known: Knowledge, ids: pa.Array, everyone: bool) -> Rows:
    return np.arange(1, len(ids) + 1, dtype=np.int32) if everyone else known.user_ids.rows(ids)


def _blocks(
    factors: Factors,
    known: Knowledge,
    n: int,
    users: tuple[pa.Array, Rows],
    choice: npt.NDArray[np.bool_],
    exclude_rated: bool,
    threads: int | None,
) -> Iterator[pa.Table]:
    from penchant.topn import Lists, top_n

    exclude = None
    if exclude_rated:
        rated = known.ratings
        exclude = Lists.of(rated.user_rows, rated.item_rows, known.user_ids.size)
    among = np.flatnonzero(choice).astype(np.int32)
    ids, rows = users
    for start in range(0, len(rows), BLOCK):
        mine = rows[start : start + BLOCK]
        best = top_n(factors, mine, n, exclude=exclude, among=among, threads=threads)
        given = best.items > 0
        who, ranks = np.nonzero(given)
        items = best.items[given]
        columns = [
            ids.take(positions_array(start + who)),
            known.item_ids.array.take(positions_array(items - 1)),
            *_titles(known, items),
            pa.array(ranks.astype(np.int32) + 1),
            pa.array(known.scale.clip(best.ratings[given]).astype(np.float32)),
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
