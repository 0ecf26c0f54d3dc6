"""Data frames of any kind (pandas, Polars, Arrow and what else Narwhals knows) as Arrow tables."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from penchant.errors import SourceError


def is_frame(source: object) -> bool:
    """Return whether this is a data frame rather than a path or a name."""
    return hasattr(source, "columns") or hasattr(source, "column_names")


def as_table(frame: Any) -> pa.Table:
    """Return a data frame as an Arrow table; its columns keep their names, as text.

    Raises `SourceError` where it is no data frame, or Arrow cannot hold a column of it.
    """
    if isinstance(frame, pa.Table):
        return frame
    import narwhals as nw

    if hasattr(frame, "columns") and not all(isinstance(name, str) for name in frame.columns):
        frame = frame.rename(columns=str)  # only pandas lets names be numbers
    try:
        known = nw.from_native(frame)
        return known.lazy().collect().to_arrow()
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise SourceError(
            f"Ratings are read from a data frame (pandas, Polars, Arrow), a path or the name of "
            f"a set; received {type(frame).__name__}: {str(error).splitlines()[0]}"
        ) from None
