"""Parquet files of a block store: written in one plain form, and read only in that form.

Nothing is compressed and only ratings are coded by a dictionary of numbers, so a file can't unfold
to more than a small multiple of its size.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import SourceError
from penchant.store.block import Block
from penchant.store.layout import (
    MAX_FOOTER_BYTES,
    MAX_RATINGS_PER_BYTE,
    ROWS_IN_GROUP,
    Kind,
    schema,
)

_ERRORS = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)
_CODED = {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "DELTA_BINARY_PACKED"}
_PLAIN = {"PLAIN", "RLE"}


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
    table = _table(path, raw, ratings, schema(kind, timestamps=timed), _CODED)
    rows, indices, values, *rest = [_numbers(column) for column in table.columns]
    if ratings:
        _require_rows(path, rows, indices, start, stop, others)
        if not np.isfinite(values).all():
            raise damaged(path, "it holds ratings that are not finite")
    return Block.of(start, stop, rows, indices, values, rest[0] if rest else None)


def read_table(path: Path, raw: bytes, rows: int) -> pa.Table:
    """Return the ids or side columns that a file's bytes hold; raise `SourceError` as above."""
    return _table(path, raw, rows, None, _PLAIN)


def described(schema: pa.Schema) -> str:
    """Return the names and types of columns, for messages."""
    return ", ".join(f"{field.name[:60]} {field.type}" for field in schema)[:200]


def damaged(path: Path, why: str) -> SourceError:
    """Return the error for a file that can't be what was written."""
    return SourceError(
        f"{path} can't be used: {why}. Write the blocks again, or fetch a sound copy."
    )


def _table(
    path: Path, raw: bytes, rows: int, wanted: pa.Schema | None, encodings: set[str]
) -> pa.Table:
    import pyarrow.parquet as pq

    if int.from_bytes(raw[-8:-4], "little") > MAX_FOOTER_BYTES:
        raise damaged(path, f"its footer is larger than {MAX_FOOTER_BYTES:,} bytes")
    try:
        with pq.ParquetFile(
            pa.BufferReader(raw),
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=2**20,
        ) as file:
            _require_form(path, file, len(raw), rows, wanted, encodings)
            table = file.read(use_threads=False)
        table.validate(full=True)
    except SourceError:
        raise
    except _ERRORS as error:
        raise damaged(path, str(error)[:200]) from None
    return table


def _require_form(
    path: Path, file: Any, size: int, rows: int, wanted: pa.Schema | None, encodings: set[str]
) -> None:
    """Raise `SourceError` unless the columns are as they were written, before any is read."""
    found, facts = file.schema_arrow, file.metadata
    if wanted is not None and not found.equals(wanted):
        raise damaged(path, f"its columns are {described(found)}")
    groups = [facts.row_group(j) for j in range(facts.num_row_groups)]
    if not facts.num_rows == sum(group.num_rows for group in groups) == rows:
        raise damaged(path, f"it has {facts.num_rows:,} rows where the index says {rows:,}")
    if rows > MAX_RATINGS_PER_BYTE * size:
        raise damaged(path, f"{rows:,} rows are more than {size:,} bytes can hold")
    for group in groups:
        for j in range(group.num_columns):
            column = group.column(j)
            if column.compression != "UNCOMPRESSED" or not set(column.encodings) <= encodings:
                raise damaged(path, f"column {column.path_in_schema[:60]!r} is packed otherwise")


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
