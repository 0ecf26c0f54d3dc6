"""What the entries of a column look like: whether they can be ids, ratings or times."""

from __future__ import annotations

import re
from collections.abc import Sequence

from penchant.errors import DataError

Column = Sequence[str]

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?(\s*/\s*\d+)?")
_DATE = re.compile(
    r"\d{4}[-/.]\d\d?[-/.]\d\d?([T ].*)?|\d\d?[-/. ]\d\d?[-/., ]+(\d\d|\d{4})([ T].*)?"
    r"|.*\b[A-Za-z]{3,9}\b.*\d{4}.*"
)
_ASIN = re.compile(r"B[0-9A-Z]{9}|\d{9}[\dX]")
_REVIEWER = re.compile(r"A[0-9A-Z]{9,27}")
_GRADES = 101  # at most so many different ratings of at most so much, as on a scale to 100


def fits(role: str, column: Column) -> bool:
    """Return whether some entries can play a role: a few that are faulty don't speak against it."""
    filled = [entry for entry in column if entry.strip()]
    if role == "timestamp":
        return not column or _most(filled, is_moment)
    if role == "rating":
        return not filled or _most(filled, lambda entry: bool(_NUMBER.fullmatch(entry.strip())))
    return bool(filled) or not column


def is_moment(entry: str) -> bool:
    """Return whether an entry looks like a number of seconds or a date."""
    entry = entry.strip()
    return bool(_NUMBER.fullmatch(entry) or _DATE.fullmatch(entry))


def is_grade(entry: str) -> bool:
    """Return whether an entry is a number as ratings are, or empty."""
    number = _number(entry) if entry.strip() else 0.0
    return number is not None and abs(number) <= 1000


def is_row_number(column: Column) -> bool:
    """Return whether each of many entries is another: a review's own id, say."""
    return len(column) >= 3 and len(set(column)) == len(column)


def can_be_ids(column: Column) -> bool:
    """Return whether a column repeats entries, and none of them is a broken number."""
    return not is_row_number(column) and all((_number(entry) or 0) % 1 == 0 for entry in column)


def order(sample: Sequence[Column], where: str) -> list[int]:
    """Return the places of user, item, rating and time in a table without a header.

    The usual order, unless the entries speak against it; Amazon's ids tell users from items.

    Raises `DataError` where the rating could be in several columns, or in none.
    """
    width = len(sample)
    usual = list(range(width))
    grades = [at for at in range(width) if is_grades(sample[at])]
    if width > 4 and not (grades == [2] and is_time(sample[3])):
        raise DataError(_which(sample, where))
    if not is_grades(sample[2]) and (not fits("rating", sample[2]) or is_time(sample[2])):
        other = [at for at in range(width) if at != 2 and is_grades(sample[at])]
        if is_time(sample[2]) and other[-1:] == [3]:
            return [0, 1, 3, 2]
        if not other and not is_time(sample[2]):
            return usual  # whose errors say more
        if len(other) != 1:
            raise DataError(_which(sample, where))
        rest = [at for at in usual if at != other[0]]
        times = [at for at in rest if is_time(sample[at])]
        rest = [at for at in rest if at not in times]
        if len(rest) < 2:
            raise DataError(_which(sample, where))
        usual = [rest[0], rest[1], other[0], *times[:1]]
    user, item, *others = usual
    if _most(sample[user], _ASIN.fullmatch) and _most(sample[item], _REVIEWER.fullmatch):
        user, item = item, user
    return [user, item, *others]


def is_grades(column: Column) -> bool:
    """Return whether a column is numbers, few of them different, none large: ratings, it seems."""
    numbers = [_number(entry) for entry in column if entry.strip()]
    if not numbers or any(number is None for number in numbers):
        return False
    return len(set(numbers)) <= _GRADES and all(abs(number or 0) <= 100 for number in numbers)


def is_time(column: Column) -> bool:
    """Return whether a column is dates, or seconds since 1970 at any time after 1973."""
    filled = [entry.strip() for entry in column if entry.strip()]
    return _most(filled, lambda e: bool(_DATE.fullmatch(e)) or 1e8 <= (_number(e) or 0) < 1e17)


def _number(entry: str) -> float | None:
    entry = entry.strip()
    if not _NUMBER.fullmatch(entry):
        return None
    return float(entry.partition("/")[0].replace(",", "."))


def _most(entries: Sequence[str], test: object) -> bool:
    hits = sum(bool(test(entry)) for entry in entries)  # type: ignore[operator]
    return bool(entries) and hits * 2 >= len(entries)


def _which(sample: Sequence[Column], where: str) -> str:
    shown = "; ".join(f"{at}: {', '.join(column[:3])}" for at, column in enumerate(sample[:12]))
    return (
        f"{where} has no header, and its {len(sample)} columns can be read in more than one way "
        f"({shown}). Say which is what, by place: columns={{'user': 0, 'item': 1, 'rating': 2}}."
    )
