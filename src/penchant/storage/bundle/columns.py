"""Ratings by row <-> a Parquet file: plain encoding, no compression, four known columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from penchant.storage.bundle.contents import MAX_FOOTER_BYTES, Columns, Unfit

_ROWS_IN_GROUP = 2**20
_TYPES = {
    "user_row": pa.int32(),
    "item_row": pa.int32(),
    "rating": pa.float32(),
    "timestamp": pa.int64(),
}
_ERRORS = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)


def write(path: Path, ratings: Columns, users: int, items: int) -> dict[str, Any]:
    """Write ratings; return their number, as the card tells it.

    Raises `Unfit` where they break a rule of the format, and `OSError` as the system does.
    """
    import pyarrow.parquet as pq

    _require_sense(ratings, users, items)
    schema = _schema(timestamps=ratings.timestamps is not None)
    given = [column for column in ratings if column is not None]
    table = pa.Table.from_arrays(
        [pa.array(c, type=f.type) for c, f in zip(given, schema, strict=True)], schema=schema
    )
    with open(path, "xb") as file:
        pq.write_table(
            table,
            file,
            row_group_size=_ROWS_IN_GROUP,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            store_schema=False,
        )
    return {"rows": len(ratings.values)}


def read(raw: bytes, rows: int, users: int, items: int) -> Columns:
    """Return the ratings of a file's bytes; raise `Unfit` where a rule is broken."""
    import pyarrow.parquet as pq

    if int.from_bytes(raw[-8:-4], "little") > MAX_FOOTER_BYTES:
        raise Unfit(f"its footer is larger than {MAX_FOOTER_BYTES:,} bytes")
    try:
        with pq.ParquetFile(
            pa.BufferReader(raw),
            thrift_string_size_limit=MAX_FOOTER_BYTES,
            thrift_container_size_limit=2**16,
        ) as file:
            _require_layout(file, rows, len(raw))
            table = file.read(use_threads=False)
            _require_plain(file)
        table.validate(full=True)
    except _ERRORS as error:
        raise Unfit(str(error)[:200]) from error
    if table.num_rows != rows or any(column.null_count for column in table.columns):
        raise Unfit(f"it does not hold the {rows:,} full rows that the card says")
    columns = Columns(*[_numbers(column) for column in table.columns])
    _require_sense(columns, users, items)
    return columns


def _numbers(column: pa.ChunkedArray) -> Any:
    """Return a column as an array of our own, without the import of pandas in `to_numpy`."""
    return np.from_dlpack(column.combine_chunks()).copy()


def _schema(*, timestamps: bool) -> pa.Schema:
    names = list(_TYPES) if timestamps else list(_TYPES)[:-1]
    return pa.schema([pa.field(name, _TYPES[name], nullable=False) for name in names])


def _require_layout(file: Any, rows: int, size: int) -> None:
    """Raise `Unfit` for anything but plain columns that are no larger than the file."""
    schema = file.schema_arrow
    if not any(schema.equals(_schema(timestamps=known)) for known in (True, False)):
        raise Unfit(f"its columns are {str(schema.names)[:120]}; expected are {', '.join(_TYPES)}")
    width = sum(field.type.bit_width // 8 for field in schema)
    groups = [file.metadata.row_group(j) for j in range(file.metadata.num_row_groups)]
    if not file.metadata.num_rows == sum(group.num_rows for group in groups) == rows:
        raise Unfit(f"it has {file.metadata.num_rows:,} rows where the card says {rows:,}")
    if min([0, *(group.num_rows for group in groups)]) < 0 or rows * width > size:
        raise Unfit(f"{rows:,} rows are more than a file of {size:,} bytes can hold")


def _require_plain(file: Any) -> None:
    """Raise `Unfit` for compressed columns; only of a file that could be read.

    Where a footer tells nonsense of a column, Arrow ends the whole process if it is asked for it,
    but not if it is read.
    """
    groups = [file.metadata.row_group(j) for j in range(file.metadata.num_row_groups)]
    for group in groups:
        for j in range(group.num_columns):
            if group.column(j).compression != "UNCOMPRESSED":
                raise Unfit("its columns are compressed; the format is without compression")


def _require_sense(ratings: Columns, users: int, items: int) -> None:
    """Raise `Unfit` unless the columns fit together and name known rows only."""
    wanted = (np.int32, np.int32, np.float32, np.int64)
    for name, column, dtype in zip(Columns._fields, ratings, wanted, strict=True):
        if column is None:
            continue
        if column.shape != ratings.values.shape or column.dtype != dtype or column.ndim != 1:
            raise Unfit(
                f"{name} must be {np.dtype(dtype)} of shape {ratings.values.shape}; received "
                f"{column.dtype} of shape {column.shape}"
            )
    if not np.isfinite(ratings.values).all():
        raise Unfit("ratings are not finite")
    for what, rows, size in (
        ("user", ratings.user_rows, users),
        ("item", ratings.item_rows, items),
    ):
        if rows.size and not (rows.min() >= 1 and rows.max() < size):
            raise Unfit(f"{what} rows run from 1 to {size - 1}; found {rows.min()} … {rows.max()}")
