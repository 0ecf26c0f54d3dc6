"""Data frames of any kind (pandas, Polars, Arrow and what else Narwhals knows), by column."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from penchant.data.columns.grades import as_float
from penchant.errors import DataError, SourceError
from penchant.ids import as_ids


def is_frame(source: object) -> bool:
    """Return whether this is a data frame rather than a path or a name."""
    return hasattr(type(source), "columns") or isinstance(source, pa.RecordBatch)


def as_frame(source: Any) -> Any:
    """Return a data frame of any kind as one of Narwhals', in memory; names become text.

    Raises `SourceError` where it is none, or two columns have one name.
    """
    import narwhals as nw

    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    source = nw.to_native(source, pass_through=True)
    if nw.dependencies.is_pandas_dataframe(source):
        source = source.rename(columns=str)  # which alone lets names be numbers
    try:
        frame = nw.from_native(source)
        return frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    except (TypeError, ValueError, nw.exceptions.NarwhalsError) as error:
        raise SourceError(
            f"A {type(source).__name__} cannot be read as a data frame (pandas, Polars, Arrow): "
            f"{' '.join(str(error).split())}"
        ) from None


def column(frame: Any, at: int, role: str) -> pa.ChunkedArray:
    """Return one column as Arrow holds it; what is no number in a column of ratings is null.

    Raises `DataError` where its entries are of mixed types.
    """
    series = frame[:, at]
    try:
        found = series.to_arrow()
    except (pa.ArrowException, OverflowError) as error:
        entries = series.to_list()
        if role in ("user", "item"):
            return pa.chunked_array([as_ids(entries, role)])
        if role not in ("rating", "timestamp"):
            raise DataError(
                f"The column {series.name!r} has entries of mixed types: {error}. Convert it to "
                f"one type, or drop it."
            ) from None
        found = pa.array([as_float(entry) for entry in entries], pa.float64())
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def entry(frame: Any, row: int, at: int) -> Any:
    """Return one entry as a plain Python value."""
    value = frame[row, at]
    return value.item() if hasattr(value, "item") else value


def as_table(source: Any) -> pa.Table:
    """Return a whole data frame as an Arrow table."""
    frame = as_frame(source)
    return pa.table({name: column(frame, at, "") for at, name in enumerate(frame.columns)})
