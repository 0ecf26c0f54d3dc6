"""Times as people write them, as whole seconds since 1970."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Seconds = npt.NDArray[np.int64]

NO_TIME = np.iinfo(np.int64).min
_UNITS = (
    (1e17, 1_000_000_000, "nanoseconds"), (1e14, 1_000_000, "microseconds"),
    (1e11, 1_000, "milliseconds"),
)  # fmt: skip
"""From so many on, a number counts such parts of a second; as seconds 1e11 is the year 5138."""

_NUMBERS = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})(?:\2|, ?)(\d{4}|\d\d)(?:[ T,]+(.*))?")
_FORMATS = (
    "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d %Y",
    "%B %d %Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT", "%b %d, %Y %H:%M:%S", "%b %d, %Y %I:%M:%S %p",
    "%d %b %Y %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%b. %d, %Y",
    "%Y-%m-%d-%H:%M:%S", "%Y-%m-%d %H:%M:%S %z",
)  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p")


def shrink(column: pa.Array) -> Any:
    """Return a batch of times as (n,) int64 where they are numbers or dates, else as codes."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
        return _integers(pc.divide(column.cast(pa.int64()).cast(pa.float64()), 1e6))
    if pa.types.is_null(column.type):
        return np.full(len(column), NO_TIME)
    if _is_text(column):
        for kind in (pa.int64(), pa.float64()):
            try:
                return _integers(column.cast(kind))
            except pa.ArrowInvalid:
                continue
        return pc.dictionary_encode(column)
    try:
        return _integers(column.cast(pa.float64()) if not _is_whole(column) else column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.full(len(column), NO_TIME)


def join(chunks: list[Any]) -> tuple[Seconds, str | None]:
    """Return the times of all batches as seconds, and what they were taken for, if not seconds."""
    texts = [chunk for chunk in chunks if not isinstance(chunk, np.ndarray)]
    note = None
    if texts:
        day_first = is_day_first(texts)
        note = "days before months in dates" if day_first else None
        chunks = [
            chunk if isinstance(chunk, np.ndarray) else decoded(chunk, bool(day_first))
            for chunk in chunks
        ]
    joint = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    if not texts:
        parts, name = unit_of(joint[:: max(1, len(joint) // 10_000)])
        if name is not None:
            gaps = joint == NO_TIME
            joint //= parts
            joint[gaps] = NO_TIME
            return joint, f"timestamps read as {name}"
    return joint, note


def read_time(text: str | None, day_first: bool = False) -> float | None:
    """Return one time as seconds, None where it is none.

    >>> read_time("2020-01-01T00:00:01Z"), read_time("07 9, 2012"), read_time("soon")
    (1577836801.0, 1341792000.0, None)
    """
    if text is None or not text.strip():
        return None
    text = text.strip()
    try:
        return float(text) if abs(float(text)) < 2**62 else None
    except ValueError:
        pass
    found = _NUMBERS.fullmatch(text)
    time = _of_numbers(found, day_first) if found else _of_text(text)
    if time is None:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp()


def _of_text(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        pass
    for written in _FORMATS:
        try:
            return datetime.datetime.strptime(text, written)
        except ValueError:
            continue
    return None


def _of_numbers(found: re.Match[str], day_first: bool) -> datetime.datetime | None:
    """Read 12/31/2024, 31.12.2024 or 12 31, 2024, with or without a time of day."""
    first, mark, second, year, clock = found.groups()
    month, day = (second, first) if day_first or mark == "." else (first, second)
    whole = int(year) if len(year) == 4 else int(year) + (1900 if int(year) > 69 else 2000)
    try:
        date = datetime.datetime(whole, int(month), int(day))
    except ValueError:
        return None
    if not clock:
        return date
    for written in _CLOCKS:
        try:
            time = datetime.datetime.strptime(clock.strip(), written)
        except ValueError:
            continue
        return date.replace(hour=time.hour, minute=time.minute, second=time.second)
    return None


def is_day_first(chunks: Iterable[pa.DictionaryArray]) -> bool:
    """Return whether a first number is above 12 in a date, and no second one is."""
    first, second = day_marks(chunks)
    return first and not second


def day_marks(chunks: Iterable[pa.DictionaryArray]) -> tuple[bool, bool]:
    """Return whether a first number is above 12 in a date, and whether a second one is."""
    first = second = False
    for chunk in chunks:
        for text in chunk.dictionary.to_pylist():
            found = _NUMBERS.fullmatch(text.strip()) if text else None
            if found:
                first |= int(found[1]) > 12
                second |= int(found[3]) > 12
    return first, second


def is_plain(chunk: pa.DictionaryArray) -> bool:
    """Return whether texts of times can be read without knowing whether days come first."""
    try:
        chunk.dictionary.cast(pa.timestamp("s"))
    except pa.ArrowInvalid:
        return False
    return True


def unit_of(sample: Seconds) -> tuple[int, str | None]:
    """Return of how many parts of a second numbers are, by some of them, and what these are called.

    >>> unit_of(np.array([1_577_836_801_000])), unit_of(np.array([1_577_836_801]))
    ((1000, 'milliseconds'), (1, None))
    """
    for least, parts, name in _UNITS:
        if len(sample) and np.median(np.abs(sample)) > least:
            return parts, name
    return 1, None


def decoded(chunk: pa.DictionaryArray, day_first: bool) -> Seconds:
    """Return texts of times as seconds, (n,) int64, NO_TIME where one is no time."""
    distinct = chunk.dictionary
    try:
        times = distinct.cast(pa.timestamp("s")).cast(pa.int64())
        table = times.fill_null(NO_TIME).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        found = (read_time(text, day_first) for text in distinct.to_pylist())
        table = np.array([NO_TIME if t is None else int(np.floor(t)) for t in found], np.int64)
    places = pc.fill_null(chunk.indices, len(table)).to_numpy(zero_copy_only=False)
    decoded: Seconds = np.append(table, NO_TIME)[places]
    return decoded


def _integers(numbers: pa.Array) -> Seconds:
    """Return numbers as whole ones, NO_TIME where one is missing or beyond all times."""
    if _is_whole(numbers):
        filled = numbers.cast(pa.int64())
        filled = pc.fill_null(filled, NO_TIME) if filled.null_count else filled
        whole: Seconds = np.array(filled.to_numpy(zero_copy_only=False))
        if len(whole) and (whole.min() <= -(2**62) or whole.max() >= 2**62):
            whole[(whole <= -(2**62)) | (whole >= 2**62)] = NO_TIME
        return whole
    values = numbers.to_numpy(zero_copy_only=False)
    good = np.abs(values) < 2**62
    seconds = np.full(len(values), NO_TIME)
    seconds[good] = np.floor(values[good]).astype(np.int64)
    return seconds


def _is_whole(column: pa.Array) -> bool:
    return bool(pa.types.is_integer(column.type))


def _is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
