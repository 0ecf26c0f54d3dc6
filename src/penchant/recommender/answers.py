"""Lists of items or users that a recommender answers with; they print as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload

from penchant.ids import Id


class Recommendation(NamedTuple):
    """One item for one user."""

    item: Id
    title: str | None
    rating: float
    """Predicted, clipped to the scale."""


class Bounded(NamedTuple):
    """One item for one user, with the interval of its rating."""

    item: Id
    title: str | None
    rating: float
    """Predicted, clipped to the scale."""
    low: float
    high: float


class Neighbour(NamedTuple):
    """One item or user like another."""

    id: Id
    title: str | None
    correlation: float
    """Of the predicted deviations, −1 … 1."""


FORMATS = dict.fromkeys(
    ("rating", "low", "high", "score", "lowest", "highest", "correlation", "pull"), ".2f"
) | {
    "chance": ".0%",
    "drop": ".4f",
}
"""How an answer's numbers are printed."""

Entry = TypeVar("Entry", bound=tuple[Any, ...])


@dataclasses.dataclass(frozen=True)
class Answer(Sequence[Entry], Generic[Entry]):
    """An ordered list of entries, best first; equal ones stand in the order of their rows.

    >>> print(Answer((Recommendation(63, "쉬리", 4.25), Recommendation(7, "Brazil", 4.0))))
    item  title   rating
      63  쉬리      4.25
       7  Brazil    4.00
    """

    entries: tuple[Entry, ...]

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> Answer[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | Answer[Entry]:
        """Return the entry at a place, or the answer with those of a slice."""
        if isinstance(place, slice):
            return Answer(self.entries[place])
        return self.entries[place]

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over the entries, best first."""
        return iter(self.entries)

    def __str__(self) -> str:
        from penchant.tables import text_table

        if not self.entries:
            return "nothing to show"
        columns, rows = self.table()
        return text_table(columns, rows, formats=FORMATS)

    def table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return headings and rows; the titles' column only where there are titles."""
        names: tuple[str, ...] = type(self.entries[0])._fields if self.entries else ()  # type: ignore[attr-defined]
        shown = [
            place
            for place, name in enumerate(names)
            if name != "title" or any(entry[place] is not None for entry in self.entries)
        ]
        rows = [tuple(entry[place] for place in shown) for entry in self.entries]
        return tuple(names[place] for place in shown), rows

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as JSON-able values."""
        return [entry._asdict() for entry in self.entries]  # type: ignore[attr-defined]
