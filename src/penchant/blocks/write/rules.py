"""What only the whole of a source tells of how its entries are to be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from penchant.data.columns import grades, timestamps
from penchant.data.columns.opened import places_of
from penchant.data.pieces import Pieces
from penchant.errors import DataError

MOST_GRADES = 1_000_000
"""So many different texts of ratings may be no plain numbers; 3/5 or 3,5 are far fewer."""


class UnruledError(Exception):
    """A piece can't be read before the whole source was looked through."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """How entries are read that can mean more than one thing.

    Attributes:
        grades: the number that each text of a rating means, where some are no plain numbers.
        day_first: whether days stand before months in dates that don't say so themselves.
        notes: what was found, for people.
    """

    grades: dict[str, float] | None = None
    day_first: bool | None = None
    notes: tuple[str, ...] = ()


def find_rules(pieces: Pieces) -> Rules:
    """Look through the ratings and times of a whole source, as `penchant.load` does.

    Raises `DataError` where more than a million different texts stand for ratings.
    """
    texts: set[str] = set()
    first = second = False
    for chunk in _texts(pieces, "timestamp"):
        before, after = timestamps.day_marks([chunk])
        first, second = first or before, second or after
    for chunk in _texts(pieces, "rating"):
        texts.update(entry.strip() for entry in chunk.dictionary.to_pylist() if entry)
        if len(texts) > MOST_GRADES:
            raise DataError(
                f"{pieces.name}: more than {MOST_GRADES:,} different ratings are written as text, "
                f"and some are no plain numbers. Write them as numbers such as 3.5."
            )
    ordered = sorted(texts)
    numbers, note = grades.as_numbers(pa.array(ordered, pa.large_string()))
    found = {text: float(number) for text, number in zip(ordered, numbers, strict=True)}
    day_first = first and not second
    dates = ["days before months in dates"] if day_first else []
    return Rules(found or None, day_first, tuple([note] if note else []) + tuple(dates))


def _texts(pieces: Pieces, role: str) -> Iterator[pa.DictionaryArray]:
    for opened, roles in pieces.open():
        place = getattr(roles, role)
        if place is None:
            continue
        places = {"user": places_of(roles)["user"], role: place}
        for batch in opened.batches(places):
            shrunk = timestamps.shrink(batch[role]) if role == "timestamp" else batch[role]
            if isinstance(shrunk, np.ndarray):
                continue
            coded = pa.types.is_dictionary(shrunk.type)
            chunk = shrunk if coded else shrunk.dictionary_encode()
            if pa.types.is_string(chunk.dictionary.type) or pa.types.is_large_string(
                chunk.dictionary.type
            ):
                yield chunk
