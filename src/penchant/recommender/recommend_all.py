"""The best items of all users at once: in blocks of bounded memory, into a table or a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import SourceError
from penchant.ids import Rows, as_ids, positions_array
from penchant.recommender.intervals import LEVEL
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.predictor import Predictor
from penchant.recommender.recommend import Filter, allowed_to, ranked, top_rows
from penchant.settings import require_count

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

BLOCK = 8192
"""Users at once."""

_CELLS = 4_000_000  # ratings predicted at once, where users are not answered by a kernel


def best_rows(
    predictor: Predictor,
    user_rows: Rows,
    n: int,
    choice: Mask,
    *,
    exclude_rated: bool = True,
    by: str = "rating",
    level: float = LEVEL,
    threads: int | None = None,
) -> tuple[Rows, Floats]:
    """Return the n best items of each user and their unclipped ratings, (m, n) each.

    Row 0 fills up where fewer are left. By rating, a model may have a quick way of its own; all
    else goes through `ranked`, in blocks.
    """
    if by == "rating":
        found = predictor.best(user_rows, n, exclude_rated, choice, threads)
        if found is not None:
            return found
    items = np.zeros((len(user_rows), n), np.int32)
    ratings = np.full((len(user_rows), n), -np.inf, np.float32)
    step = max(1, _CELLS // len(choice))
    for start in range(0, len(user_rows), step):
        rows = user_rows[start : start + step]
        allowed = allowed_to(predictor.known, rows, choice, exclude_rated)
        block = ranked(predictor, rows, allowed, by, level)
        for line in range(len(rows)):
            best = top_rows(block.ranks[line], np.flatnonzero(allowed[line]), n)
            items[start + line, : len(best)] = best
            ratings[start + line, : len(best)] = block.ratings[line, best]
    return items, ratings


def recommend_all(
    predictor: Predictor,
    n: int,
    only: Filter,
    *,
    users: Any,
    path: str | os.PathLike[str] | None,
    progress: bool,
    threads: int | None,
) -> pa.Table | Path:
    """Recommend n items to each of many users; see `Recommender.recommend_all`."""
    require_count("n", n)
    known = predictor.known
    choice = only.choice(known)
    ids = known.user_ids.array if users is None else as_ids(users, "user")
    rows = _rows(known, ids, users is None)
    if only.exclude_rated:
        known.ratings  # noqa: B018 - says before the first block where there are none

    def best(some: Rows) -> tuple[Rows, Floats]:
        return best_rows(
            predictor, some, n, choice, exclude_rated=only.exclude_rated, threads=threads
        )

    blocks = _blocks(best, known, ids, rows)
    if progress:
        blocks = _shown(blocks, len(rows))
    schema = _schema(known)
    if path is None:
        return pa.concat_tables([schema.empty_table(), *blocks])
    return _written(Path(path), schema, blocks)


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
