"""Ratings that are written as text: numbers, decimal commas, so many of so many."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penchant.arrays import F64

_COMMA = re.compile(r"[+-]?\d*,\d+")
_SHARE = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*/\s*(\d+)")


def as_numbers(texts: pa.Array) -> tuple[F64, str | None]:
    """Return distinct texts as numbers, NaN where one is none, and what it took to read them.

    Decimal commas are read where no text has a point; "13/20" is 13 where all are of 20.
    """
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    trimmed = pc.utf8_trim_whitespace(texts)
    try:
        return trimmed.cast(pa.float64()).to_numpy(zero_copy_only=False), None
    except pa.ArrowInvalid:
        entries = trimmed.to_pylist()
    points = any(entry and "." in entry for entry in entries)
    if not points and any(entry and _COMMA.fullmatch(entry) for entry in entries):
        entries = [entry and entry.replace(",", ".") for entry in entries]
        return _floats(entries), "decimal commas"
    shares = [_SHARE.fullmatch(entry) for entry in entries if entry]
    if shares and all(shares) and len({share[2] for share in shares if share}) == 1:
        whole = next(share[2] for share in shares if share)
        return _floats([entry and entry.partition("/")[0] for entry in entries]), f"of {whole}"
    return _floats(entries), None


def as_float(value: object) -> float | None:
    """Return a value as a number, None where it is none."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _floats(entries: list[str | None]) -> F64:
    return np.array([as_float(entry) for entry in entries], dtype=np.float64)
