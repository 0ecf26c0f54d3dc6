"""Entries that mean "no rating": 0, -1, 99 … They are asked about, never guessed in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.arrays import F32, Mask
from penchant.errors import DataError, SettingsError

Unrated = float | str | Sequence[float | str] | None
"""Numbers that mean "no rating", "" for an empty entry, "nothing" if all are ratings."""

NOTHING: Literal["nothing"] = "nothing"

_FEW = 20  # zeros that are fewer are nobody's habit
_SHARE = 0.02
_TIMES = 3  # a zero that is so much commoner than the lowest rating is no low rating
_HEAP, _GAP = 0.1, 0.2  # so many of all, and nothing in so much of the scale above them
_FLAGS = (99.0, 255.0, 999.0, 9999.0)


def as_numbers(unrated: Unrated) -> list[float] | None:
    """Return what means "no rating", NaN for an empty entry; None where nothing was said.

    Raises `SettingsError` for what is no number.
    """
    if unrated is None:
        return None
    given = [unrated] if isinstance(unrated, (str, int, float)) else list(unrated)
    if given == [NOTHING]:
        return []
    try:
        return [np.nan if entry in ("", "empty") else float(entry) for entry in given]
    except (TypeError, ValueError):
        raise SettingsError(
            f"unrated names the entries that mean 'no rating': a number such as 0, several, "
            f"'empty', or 'nothing' where all are ratings; received {unrated!r}."
        ) from None


def is_unrated(values: F32, meant: list[float]) -> Mask:
    """Return which entries are no ratings, (n,) bool."""
    found = np.zeros(len(values), dtype=bool)
    for number in meant:
        found |= np.isnan(values) if np.isnan(number) else values == np.float32(number)
    return found


def ask(values: F32, where: str) -> None:
    """Raise `DataError` where some entry looks as if it meant "no rating", and nobody said so."""
    low, high = float(values.min()), float(values.max())
    if low in (0, -1) or high in _FLAGS:
        ask_counts(*count_values(values), where)


def count_values(
    values: F32,
) -> tuple[F32, npt.NDArray[np.int64]]:
    """Return the distinct values, ascending, and how often each stands there.

    >>> count_values(np.array([3, 1, 3], np.float32))
    (array([1., 3.], dtype=float32), array([1, 2]))
    """
    plain = np.ascontiguousarray(values)
    column = pa.Array.from_buffers(pa.float32(), len(plain), [None, pa.py_buffer(plain)])
    found = pc.value_counts(column)
    distinct, counts = (np.array(found.field(name)) for name in ("values", "counts"))
    order = np.argsort(distinct)
    return distinct[order], counts[order]


def ask_counts(values: F32, counts: npt.NDArray[np.int64], where: str) -> None:
    """Ask as `ask` does, of distinct values, ascending, and how often each stands there."""
    low, high = float(values[0]), float(values[-1])
    if low == 0 and 2 <= high <= 100:
        _ask_zero(values, counts, where)
    elif low == -1 and high >= 3:
        above = values[values >= 0]
        if not ((values < 0) & (values != -1)).any() and _is_stepped(above):
            raise DataError(_question(-1, int(counts[0]), int(counts.sum()), above, where))
    elif high in _FLAGS:
        below = values[:-1]
        if len(below) and high > 2 * np.abs(below).max():
            raise DataError(_question(high, int(counts[-1]), int(counts.sum()), below, where))


def _ask_zero(values: F32, counts: npt.NDArray[np.int64], where: str) -> None:
    above, zeros, total = values[1:], int(counts[0]), int(counts.sum())
    lowest, most = float(above[0]), float(above[-1])
    alone = zeros > 1 and zeros >= _HEAP * total and lowest >= max(2, _GAP * most)
    few = zeros < max(_FEW, _SHARE * total) or most > 10
    if not _is_stepped(above) or (few and not alone):
        return
    if alone or zeros >= _TIMES * int(counts[1]):
        raise DataError(_question(0, zeros, total, above, where))


def _is_stepped(values: F32) -> bool:
    """Return whether ratings are whole or half numbers."""
    return bool(len(values) and (2 * values == np.round(2 * values)).all())


def _question(number: float, count: int, total: int, rest: F32, where: str) -> str:
    shown = f"{number:g}"
    return (
        f"{where}: {count:,} of {total:,} ratings are {shown}, and the others run from "
        f"{rest.min():g} to {rest.max():g}. Does {shown} mean 'no rating'? Then say "
        f"unrated={shown} (--unrated={shown}); if it is a rating, unrated='nothing'."
    )
