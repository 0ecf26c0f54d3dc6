"""Ids and side columns <-> an Arrow file, without compression, types from a closed list."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from penchant.errors import DataError
from penchant.ids import IdMap
from penchant.storage.bundle.contents import MAX_COLUMNS, MAX_NAME, Unfit

_MAGIC = b"ARROW1\x00\x00"
_ERRORS = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, struct.error)


def write(path: Path, ids: IdMap, side: pa.Table | None) -> dict[str, Any]:
    """Write ids and side columns; return the number of rows, as the card tells it.

    Raises `Unfit` where they break a rule of the format, and `OSError` as the system does.
    """
    stranger = pa.nulls(1, ids.array.type)
    columns, names = [pa.concat_arrays([stranger, ids.array])], ["id"]
    given = () if side is None else zip(side.column_names, side.columns, strict=True)
    for name, column in given:
        if len(column) != ids.size:
            raise Unfit(f"the {ids.what} table has {len(column):,} rows; {ids.size:,} are needed")
        columns.append(_storable(column, name))
        names.append(name)
    table = pa.Table.from_arrays(columns, names=names)
    _require_types(table.schema)
    with open(path, "xb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return {"rows": table.num_rows}


def read(raw: bytes, rows: int, what: str) -> tuple[IdMap, pa.Table | None]:
    """Return ids and side columns of a file's bytes; raise `Unfit` where a rule is broken."""
    if not raw.startswith(_MAGIC):
        raise Unfit("it is no Arrow file")
    stream = pa.py_buffer(raw)[len(_MAGIC) :]  # the file format holds the stream format
    try:
        _require_plain(stream)
        with pa.ipc.open_stream(stream) as reader:
            _require_types(reader.schema)
            table = reader.read_all()
        table.validate(full=True)
        _require_datable(table)
        ids = _ids(table, rows, what)
    except (*_ERRORS, DataError) as error:
        raise Unfit(str(error)[:200]) from error
    side = table.select(range(1, table.num_columns)) if table.num_columns > 1 else None
    return ids, side


def _ids(table: pa.Table, rows: int, what: str) -> IdMap:
    if table.num_rows != rows or rows < 1:
        raise Unfit(f"it has {table.num_rows:,} rows where the card says {rows:,}")
    ids = table.column(0).combine_chunks()
    if ids.null_count != 1 or ids[0].is_valid:
        raise Unfit("ids are missing; only row 0, the stranger, has none")
    return IdMap.of(ids[1:], what)


def _require_plain(stream: pa.Buffer) -> None:
    """Raise `Unfit` for compressed columns, which could unfold to any size."""
    for message in pa.ipc.MessageReader.open_stream(stream):
        batch = message.type in ("record batch", "dictionary")
        raw = message.metadata.to_pybytes()
        if batch and _is_compressed(raw, message.type == "dictionary"):
            raise Unfit("its columns are compressed; the format is without compression")


def _is_compressed(message: bytes, dictionary: bool) -> bool:
    """Return whether a record batch names a compression (Arrow's Message.fbs and Schema.fbs)."""
    table = _follow(message, 0)
    header = _follow(message, _field(message, table, 2))  # Message.header
    if dictionary:
        header = _follow(message, _field(message, header, 1))  # DictionaryBatch.data
    return _field(message, header, 3) != 0  # RecordBatch.compression


def _follow(message: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", message, at)[0])


def _field(message: bytes, table: int, slot: int) -> int:
    """Return where a FlatBuffers table holds a field, 0 where it holds none."""
    vtable = table - struct.unpack_from("<i", message, table)[0]
    size = struct.unpack_from("<H", message, vtable)[0]
    if 4 + 2 * slot >= size:
        return 0
    offset = struct.unpack_from("<H", message, vtable + 4 + 2 * slot)[0]
    return int(table + offset) if offset else 0


def _require_types(schema: pa.Schema) -> None:
    if not 1 <= len(schema) <= MAX_COLUMNS:
        raise Unfit(f"it has {len(schema):,} columns; 1 to {MAX_COLUMNS:,} are allowed")
    kind = schema.field(0).type
    if not (kind == pa.int64() or kind == pa.string() or kind == pa.large_string()):
        raise Unfit(f"its ids are of type {str(kind)[:60]}; int64 or text is expected")
    for field in schema:
        if len(field.name) > MAX_NAME or not _is_known(field.type):
            raise Unfit(
                f"column {field.name[:40]!r} is of type {str(field.type)[:60]}; numbers, text, "
                f"categories, dates without a time zone, and lists of these can be kept"
            )


def _is_known(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return bool(_is_text(kind.value_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    number = pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(number or _is_text(kind) or _is_time(kind) or pa.types.is_null(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_time(kind: pa.DataType) -> bool:
    if pa.types.is_timestamp(kind):
        return kind.tz is None and kind.unit != "ns"
    return bool(pa.types.is_date32(kind))


def _storable(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Return a column as one array, of the nearest type that the format knows."""
    kind = column.type
    if pa.types.is_string_view(kind):
        column = column.cast(pa.large_string())
    elif pa.types.is_timestamp(kind) and kind.tz is None and kind.unit == "ns":
        try:
            column = column.cast(pa.timestamp("us"))
        except pa.ArrowInvalid as error:
            raise Unfit(f"column {name!r} is finer than a microsecond: {error}") from error
    return column.combine_chunks()


def _require_datable(table: pa.Table) -> None:
    """Raise for dates that no calendar has; they would fail when they are shown."""
    for column in table.columns:
        if _is_time(column.type):
            pc.min_max(column).as_py()
