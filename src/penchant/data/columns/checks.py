"""What must hold of the columns of a source before they become ratings; says where it doesn't."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32
from penchant.data.columns.gather import MISSING
from penchant.data.columns.timestamps import NO_TIME
from penchant.errors import DataError
from penchant.ratings import Scale


class Where(NamedTuple):
    """Where a row of a source stands, and what stands there: for the message of an error."""

    place: str
    value: Any


Locate = Callable[[int, str], Where]
"""From a row number, from 0, and a role to `Where`."""


def check_ids(places: npt.NDArray[np.int32], role: str, locate: Locate) -> None:
    """Raise `DataError` where an id is missing."""
    if len(places) and places.min() == MISSING:
        missing = places == MISSING
        place = locate(int(missing.argmax()), role).place
        raise DataError(
            f"{place}: the {role} id is missing ({missing.sum():,} of {len(places):,} are). "
            f"Drop those rows, or give the {role} an id."
        )


def check_ratings(values: F32, scale: Scale | tuple[float, float] | None, locate: Locate) -> None:
    """Raise `DataError` where a rating is no number or off the scale."""
    if not np.isfinite(values.min() + values.max()):  # NaN and infinite ones reach both
        bad = ~np.isfinite(values)
        place, value = locate(int(bad.argmax()), "rating")
        empty = "" if str(value or "").strip() else " Where empty means unrated: unrated='empty'."
        raise DataError(
            f"{place}: the rating {value!r} is no finite number ({bad.sum():,} of "
            f"{len(values):,} are none). Correct or drop those rows.{empty}"
        )
    if scale is not None:
        _check_scale(values, Scale.of(scale), locate)


def check_times(seconds: npt.NDArray[np.int64], locate: Locate) -> None:
    """Raise `DataError` where a timestamp is no time."""
    if seconds.min() == NO_TIME:
        bad = seconds == NO_TIME
        place, value = locate(int(bad.argmax()), "timestamp")
        raise DataError(
            f"{place}: the timestamp {value!r} is neither seconds nor a date such as "
            f"2024-12-31 23:59:59 ({bad.sum():,} of {len(seconds):,} are neither). Correct those "
            f"rows, or leave the times out: timestamps=False."
        )


def _check_scale(values: F32, scale: Scale, locate: Locate) -> None:
    low, high = np.float32(scale.low), np.float32(scale.high)
    if values.min() < low or values.max() > high:
        outside = (values < low) | (values > high)
        place, value = locate(int(outside.argmax()), "rating")
        raise DataError(
            f"{place}: the rating {value!r} is outside the scale {scale} ({outside.sum():,} of "
            f"{len(values):,} are). Correct those rows, or give the scale that they are on."
        )
