"""Parquet files of a block store: written in one plain form, and read only in that form.

Nothing is compressed and only ratings are coded by a dictionary of numbers, so an honest file
doesn't unfold to more than a small multiple of its size, and one that does is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import SourceError
from penchant.store.block import Block
from penchant.store.contents import (
    MAX_BYTES_PER_BYTE,
    MAX_FOOTER_BYTES,
    MAX_RATINGS_PER_BYTE,
    ROWS_IN_GROUP,
    Kind,
    schema,
)

_ERRORS = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)
_ROWS_AT_ONCE = 1024  # of ids and side columns, which may be long texts said once
_SPARE = 2**20


def write_block(file: IO[bytes], kind: Kind, block: Block) -> None:
    """Write a block: rows as differences, ratings by a dictionary where they are few."""
    import pyarrow.parquet as pq

    columns: list[Any] = [block.rows, block.indices, block.values]
    columns += [] if block.timestamps is None else [block.timestamps]
    form = schema(kind, timestamps=block.timestamps is not None)
    arrays = [_as_arrow(c, f.type) for c, f in zip(columns, form, strict=True)]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=form),
        file,
        row_group_size=ROWS_IN_GROUP,
        compression="none",
        use_dictionary=["rating"],
        column_encoding={n: "DELTA_BINARY_PACKED" for n in form.names if n != "rating"},
        write_statistics=False,
        store_schema=False,
    )


def write_table(file: IO[bytes], table: pa.Table) -> None:
    """Write ids or side columns, plain."""
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        file,
        row_group_size=ROWS_IN_GROUP,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )


def read_block(
    path: Path,
    raw: bytes,
    kind: Kind,
    start: int,
    stop: int,
    ratings: int,
    others: int,
    *,
    timed: bool,
) -> Block:
    """Return the block that a file's bytes hold; `others` is how many rows the other side has.

    Raises `SourceError` where a rule of the format is broken.
    """
    wanted = schema(kind, timestamps=timed)

    def read(file: Any) -> pa.Table:
        if not file.schema_arrow.equals(wanted):
            raise damaged(path, f"its columns are {described(file.schema_arrow)}")
        return file.read(use_threads=False)  # of known widths: the number of rows bounds it

    table = _table(path, raw, ratings, read)
    rows, indices, values, *rest = [_numbers(column) for column in table.columns]
    if ratings:
        _require_rows(path, rows, indices, start, stop, others)
        if not np.isfinite(values).all():
            raise damaged(path, "it holds ratings that are not finite")
    return Block.of(start, stop, rows, indices, values, rest[0] if rest else None)


def read_table(path: Path, raw: bytes, rows: int) -> pa.Table:
    """Return the ids or side columns that a file's bytes hold; raise `SourceError` as above."""
    most = MAX_BYTES_PER_BYTE * len(raw) + _SPARE

    def read(file: Any) -> pa.Table:
        batches, size = [], 0
        for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
            size += batch.nbytes
            if size > most:
                raise damaged(path, f"its {len(raw):,} bytes unfold to more than {most:,}")
            batches.append(batch)
        return pa.Table.from_batches(batches, file.schema_arrow)

    return _table(path, raw, rows, read)


def described(schema: pa.Schema) -> str:
    """Return the names and types of columns, for messages."""
    return ", ".join(f"{field.name[:60]} {field.type}" for field in schema)[:200]


def damaged(path: Path, why: str) -> SourceError:
    """Return the error for a file that can't be what was written."""
    return SourceError(
        f"{path} can't be used: {why}. Write the blocks again, or fetch a sound copy."
    )


def _table(path: Path, raw: bytes, rows: int, read: Callable[[Any], pa.Table]) -> pa.Table:
    """Read a file of so many rows; what is said of single columns in it is never asked for.

    Arrow ends the whole process where a footer tells nonsense of a column and is asked for it.
    """
    import pyarrow.parquet as pq

    if int.from_bytes(raw[-8:-4], "little") > MAX_FOOTER_BYTES:
        raise damaged(path, f"its footer is larger than {MAX_FOOTER_BYTES:,} bytes")
    try:
        with pq.ParquetFile(
            pa.BufferReader(raw),
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=2**20,
        ) as file:
            _require_count(path, file.metadata.num_rows, rows)
            if rows > MAX_RATINGS_PER_BYTE * len(raw):
                raise damaged(path, f"{rows:,} rows are more than {len(raw):,} bytes can hold")
            table = read(file)
        table.validate(full=True)
    except SourceError:
        raise
    except _ERRORS as error:
        raise damaged(path, str(error)[:200]) from None
    _require_count(path, table.num_rows, rows)
    return table


def _require_count(path: Path, found: int, rows: int) -> None:
    if found != rows:
        raise damaged(path, f"it has {found:,} rows where the index says {rows:,}")


def _require_rows(
    path: Path,
    rows: npt.NDArray[np.int32],
    indices: npt.NDArray[np.int32],
    start: int,
    stop: int,
    others: int,
) -> None:
    """Raise `SourceError` unless pairs ascend, each once, within the rows that there are."""
    least = max(start, 1)
    if rows[0] < least or rows[-1] >= stop or not (rows[1:] >= rows[:-1]).all():
        raise damaged(path, f"its rows don't ascend from {least:,} to {stop - 1:,}")
    if indices.min() < 1 or indices.max() >= others:
        raise damaged(path, f"its other rows aren't between 1 and {others - 1:,}")
    same = rows[1:] == rows[:-1]
    if not (indices[1:][same] > indices[:-1][same]).all():
        raise damaged(path, "within a row its pairs don't ascend, or stand twice")


def _numbers(column: pa.ChunkedArray) -> Any:
    """Return a column as an array of our own, without the import of pandas in `to_numpy`."""
    if not len(column):
        return np.zeros(0, column.type.to_pandas_dtype())
    return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])


def _as_arrow(values: Any, kind: pa.DataType) -> pa.Array:
    plain = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, len(plain), [None, pa.py_buffer(plain)])
