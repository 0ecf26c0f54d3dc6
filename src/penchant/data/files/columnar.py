"""Files that hold columns: Parquet, Arrow and Feather, read batch for batch."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.data.columns.checks import Where
from penchant.data.columns.gather import Batch
from penchant.data.columns.opened import Opened, Places, as_text
from penchant.data.stated import arrow_bytes, parquet_bytes, require_modest
from penchant.errors import SourceError

_ROWS = 1 << 20
_SAMPLE = 500
_DAMAGE = (OSError, ValueError, struct.error, pa.ArrowException)


def open_parquet(path: Path) -> Opened:
    """Open a Parquet file.

    Raises `SourceError` where it is none, or damaged.
    """
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        require_modest(path, parquet_bytes(file.metadata))
        names = tuple(file.schema_arrow.names)
        empty = pa.RecordBatch.from_pylist([], file.schema_arrow)
        head = _sound(next(file.iter_batches(_SAMPLE), empty))
    except _DAMAGE as error:
        raise _unreadable(path, error) from None

    def batches(places: Places) -> Iterator[Batch]:
        texts = [names[at] for at in places.values() if _is_text(head.schema.field(at).type)]
        file = pyarrow.parquet.ParquetFile(path, read_dictionary=texts)
        columns = list(dict.fromkeys(names[at] for at in places.values()))
        try:
            for batch in _ahead(map(_sound, file.iter_batches(_ROWS, columns=columns))):
                yield {role: batch.column(names[at]) for role, at in places.items()}
        except _DAMAGE as error:
            raise _unreadable(path, error) from None

    def locate(row: int, at: int) -> Where:
        table = pyarrow.parquet.read_table(path, columns=[names[at]])
        return Where(f"{path}, row {row:,}", table.column(0)[row].as_py())

    return Opened(
        str(path), path.name, f"{path.name}: Parquet", names, _texts(head), batches, locate
    )


def _ahead(batches: Iterator[Any]) -> Iterator[Any]:
    """Yield what another thread decodes, one batch ahead."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


def open_arrow(path: Path) -> Opened:
    """Open an Arrow file, an Arrow stream, or a Feather file of either version.

    Raises `SourceError` where it is none, or damaged.
    """
    try:
        table = _arrow_table(path)
    except _DAMAGE as error:
        raise _unreadable(path, error) from None
    names = tuple(table.column_names)

    def batches(places: Places) -> Iterator[Batch]:
        for batch in table.to_batches(_ROWS):
            yield {role: batch.column(at) for role, at in places.items()}

    def locate(row: int, at: int) -> Where:
        return Where(f"{path}, row {row:,}", table.column(at)[row].as_py())

    sample = _texts(table.slice(0, _SAMPLE))
    return Opened(str(path), path.name, f"{path.name}: Arrow", names, sample, batches, locate)


def _arrow_table(path: Path) -> pa.Table:
    with path.open("rb") as file:
        first = file.read(6)
    if first.startswith(b"FEA1"):
        import pyarrow.feather

        return _sound(pyarrow.feather.read_table(path))
    source = pa.memory_map(str(path))
    source.seek(8 if first == b"ARROW1" else 0)
    require_modest(path, arrow_bytes(source))
    source.seek(0)
    ours = pa.ipc.open_file if first == b"ARROW1" else pa.ipc.open_stream
    return _sound(ours(source).read_all())


def _sound(table: Any) -> Any:
    """Return a table, or a batch, of which no part lies outside its memory or is no text.

    Arrow itself doesn't look: it reads what a damaged file points to, and the process may die.
    Raises `pyarrow.ArrowInvalid` where it is unsound.
    """
    table.validate(full=True)
    return table


def read_table(path: Path) -> pa.Table | None:
    """Return a whole file of columns; None where it is of another kind."""
    import pyarrow.parquet

    kind = path.suffix.lower()
    try:
        if kind in (".parquet", ".pq"):
            require_modest(path, parquet_bytes(pyarrow.parquet.read_metadata(path)))
            return _sound(pyarrow.parquet.read_table(path))
        return _arrow_table(path) if kind in (".arrow", ".feather", ".ipc") else None
    except _DAMAGE as error:
        raise _unreadable(path, error) from None


def _texts(head: Any) -> list[list[str]]:
    return [as_text(column) for column in head.columns]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path} cannot be read: {error}. Is it damaged, or cut short?")
