"""Second step: which row each id has, and the ratings by row; by DuckDB, which spills to disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import DataError, SourceError
from penchant.ids import as_ids
from penchant.store.contents import MAX_ROWS

Side = Literal["user", "item"]
_BATCH = 1 << 20

Staged = list[tuple[Path, str, str]]
"""Staged files with the types of their users' and items' ids."""

Batches = Iterator[dict[str, npt.NDArray[Any]]]


class _SortingError(Exception):
    """DuckDB failed while it gave its rows."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What DuckDB may take.

    Attributes:
        memory: megabytes before it spills.
        threads: how many processors.
    """

    memory: int
    threads: int


@contextmanager
def database(folder: Path, limits: Limits) -> Iterator[Any]:
    """Open a database in memory that spills into a folder.

    Raises `SourceError` where it runs out of disk or memory.
    """
    import duckdb

    settings: dict[str, Any] = {
        "memory_limit": f"{limits.memory}MB",
        "threads": limits.threads,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as connection:
        try:
            connection.execute("set enable_progress_bar = false")  # it would go to standard output
            yield connection
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except (duckdb.Error, _SortingError) as error:
            raise SourceError(
                f"The ratings can't be sorted: {str(error).splitlines()[0][:300]}. Make room in "
                f"{folder.parent}, or allow more memory (memory=, --memory), and start the same "
                f"command again: it goes on where it was."
            ) from None


def put_ids(connection: Any, side: Side, staged: Staged, target: Path) -> None:
    """Write the distinct ids of a side in the order of their first lines, with their counts.

    Columns are `id`, `ratings` (how often it stands there) and the id's `row`.
    """
    lines = f'select "{side}" as id, line from ({_union(staged, "line")})'  # noqa: S608
    firsts = f"select id, count(*) as ratings, min(line) as first from ({lines}) group by id"  # noqa: S608
    connection.execute(
        f"copy (select id, ratings, row_number() over (order by first) as row from ({firsts}) "  # noqa: S608
        f"order by first) to {_quoted(target)} (format parquet)"
    )


def by_row(connection: Any, staged: Staged, ids: dict[Side, Path], timed: bool) -> Batches:
    """Yield the ratings with the rows of their users and items, in any order.

    Columns are `row` and `other` (int32, the user's and the item's), `rating`, `line` and, where
    there are times, `time`.
    """
    stamp = ', "timestamp" as time' if timed else ""
    query = (
        f"select u.row::integer as row, i.row::integer as other, rating, line{', time' * timed} "  # noqa: S608
        f"from ({_union(staged, 'rating, line' + stamp)}) s "
        f'join {_scan([ids["user"]])} u on s."user" = u.id '
        f"join {_scan([ids['item']])} i on s.item = i.id"
    )
    for batch in _batches(connection.sql(query)):
        yield {
            name: batch.column(at).to_numpy(zero_copy_only=False)
            for at, name in enumerate(batch.schema.names)
        }


def _batches(relation: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a query; its errors would come as Arrow's or the system's."""
    reader = relation.to_arrow_reader(_BATCH)
    while True:
        try:
            batch = next(reader, None)
        except (OSError, pa.ArrowException) as error:
            raise _SortingError(str(error)) from None
        if batch is None:
            return
        yield batch


def _union(staged: Staged, columns: str) -> str:
    """Return the query of the staged files; ids are text everywhere if they are text somewhere."""
    alike: dict[tuple[str, str], list[Path]] = {}
    for path, *kinds in staged:
        alike.setdefault((kinds[0], kinds[1]), []).append(path)
    user, item = (
        "::varchar" if any(kinds[at] != "int64" for kinds in alike) else "" for at in range(2)
    )
    ids = f'"user"{user} as "user", item{item} as item'
    scans = (f"select {ids}, {columns} from {_scan(paths)}" for paths in alike.values())  # noqa: S608
    return " union all ".join(scans)


def sampled_times(connection: Any, paths: list[Path], every: int) -> npt.NDArray[np.int64]:
    """Return the times of each `every`-th line."""
    query = f'select "timestamp" as time from {_scan(paths)} where line % {every} = 0'  # noqa: S608
    return np.asarray(connection.sql(query).fetchnumpy()["time"], dtype=np.int64)


def read_ids(path: Path, side: Side) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return the ids of a side by row, and how often each stands in the source, (n,) int64.

    Raises `DataError` where there are more than rows can be numbered.
    """
    import pyarrow.parquet as pq

    rows = pq.read_metadata(path).num_rows
    if rows >= MAX_ROWS:
        raise DataError(f"There are {rows:,} {side} ids; rows are numbered up to {MAX_ROWS:,}.")
    table = pq.read_table(path, columns=["id", "ratings"])
    ids = as_ids(table["id"], side)
    counts = table["ratings"].combine_chunks().to_numpy(zero_copy_only=False)
    return ids, np.asarray(counts, dtype=np.int64)


def _scan(paths: list[Path]) -> str:
    """Return the query of files; DuckDB reads patterns of names, and takes these as they stand."""
    plain = ("".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(p)) for p in paths)
    return f"read_parquet([{', '.join(map(_quoted, plain))}])"


def _quoted(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"
