"""What must hold of the columns of a source before they become ratings; says where it doesn't."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.errors import DataError
from penchant.ratings import Scale

_MILLISECONDS = 1e11  # as seconds, the year 5138


class Where(NamedTuple):
    """Where a row of a source stands, and what stands there: for the message of an error."""

    place: str
    value: Any


Locate = Callable[[int, str], Where]
"""From a row number, from 0, and a role to `Where`."""


class Times(NamedTuple):
    """Seconds since 1970, and what was done to get them, if anything."""

    seconds: npt.NDArray[np.int64]
    notice: str | None


def check_ids(column: pa.ChunkedArray, role: str, locate: Locate) -> None:
    """Raise `DataError` where an id is missing."""
    if column.null_count:
        place = locate(_first(pc.is_null(column)), role).place
        raise DataError(
            f"{place}: the {role} id is missing ({column.null_count:,} of {len(column):,} are). "
            f"Drop those rows, or give the {role} an id."
        )


def check_ratings(
    column: Any, scale: Scale | tuple[float, float] | None, locate: Locate
) -> npt.NDArray[np.float64]:
    """Return the ratings, (n,) float64; raise `DataError` where one is no number or off scale."""
    values = _floats(column)
    bad = ~(np.abs(values) <= np.finfo(np.float32).max)
    if bad.any():
        place, value = locate(int(bad.argmax()), "rating")
        comma = " Decimal commas are not read: write 3.5." if "," in str(value) else ""
        raise DataError(
            f"{place}: the rating {value!r} is no finite number ({bad.sum():,} of "
            f"{len(values):,} are none). Correct or drop those rows.{comma}"
        )
    if scale is not None:
        _check_scale(values, Scale.of(scale), locate)
    return values


def check_times(column: Any, locate: Locate) -> Times:
    """Return the timestamps as whole seconds; raise `DataError` where one is no time."""
    numbers = _floats(_dates(column))
    bad = ~(np.abs(numbers) < 2**62)
    if bad.any():
        place, value = locate(int(bad.argmax()), "timestamp")
        raise DataError(
            f"{place}: the timestamp {value!r} is neither seconds nor a date such as "
            f"2024-12-31 23:59:59 ({bad.sum():,} of {len(numbers):,} are neither). Correct those "
            f"rows, or leave the times out: timestamps=False."
        )
    if len(numbers) and np.median(np.abs(numbers)) > _MILLISECONDS:
        return Times((numbers // 1000).astype(np.int64), "timestamps read as milliseconds")
    return Times(np.floor(numbers).astype(np.int64), None)


def _check_scale(values: npt.NDArray[np.float64], scale: Scale, locate: Locate) -> None:
    outside = (values < scale.low) | (values > scale.high)
    if outside.any():
        place, value = locate(int(outside.argmax()), "rating")
        raise DataError(
            f"{place}: the rating {value!r} is outside the scale {scale} ({outside.sum():,} of "
            f"{len(values):,} are). Correct those rows, or give the scale that they are on."
        )


def _dates(column: Any) -> Any:
    """Return a column of dates, or of texts that are numbers or dates in ISO form, as seconds."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _read_times(column)
    if not pa.types.is_timestamp(column.type) and not pa.types.is_date(column.type):
        return column
    return pc.divide(column.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64()), 1e6)


def _read_times(column: Any) -> Any:
    for kind in (pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return pa.chunked_array([pa.array(map(_as_seconds, column.to_pylist()), pa.float64())])


def _as_seconds(value: str | None) -> float | None:
    number = as_float(value)
    if number is not None or value is None:
        return number
    try:
        time = datetime.datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp()


def _floats(column: Any) -> npt.NDArray[np.float64]:
    """Return an Arrow column as float64, NaN where an entry is null or no number."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        numbers = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        numbers = pa.chunked_array([pa.array(map(as_float, column.to_pylist()), pa.float64())])
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def as_float(value: Any) -> float | None:
    """Return a value as a number, None where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _first(mask: pa.ChunkedArray) -> int:
    return int(pc.index(mask, True).as_py())
