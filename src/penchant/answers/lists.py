"""Lists of items or users that a recommender answers with; they print as tables."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_type_hints, overload

from penchant.ids import Id

Asked = Annotated[float | None, "a column that is there where it is asked for"]
"""A number that some answers to a question have, and others don't: an entry without it is shorter.

One class says all that a question may answer with. The table, JSON, the columns of Arrow, the
server's schema and its client follow: a new column is a new field.
"""


class Recommendation(NamedTuple):
    """One item for one user."""

    item: Id
    title: str | None
    rating: float
    """Predicted, clipped to the scale."""
    probability: Asked = None
    """Of being picked and liked, where the model has learnt who picks what."""
    low: Asked = None
    """The lower end of the rating's interval."""
    high: Asked = None
    """The upper end."""


class Shared(NamedTuple):
    """One item for a group; ratings are predicted, and clipped to the scale."""

    item: Id
    title: str | None
    score: float
    """Of the group, by the chosen way, clipped to the scale."""
    low: Asked
    """The lower end of the interval of the group's score of its members' true ratings."""
    high: Asked
    """The upper end."""
    lowest: float
    """The rating of the member who likes it least."""
    highest: float
    """The rating of the member who likes it most."""
    pays: Id
    """Who likes it least; of equals the one who was named first."""


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
    "probability": ".3f",
}
"""How an answer's numbers are printed."""

Entry = TypeVar("Entry", bound=tuple[Any, ...])


@cache
def with_columns(entry: type[Entry], names: tuple[str, ...]) -> Any:
    """Return the class of entries that have these columns alone of all that `entry` may have.

    >>> with_columns(Recommendation, ("item", "title", "rating"))(63, "쉬리", 4.25)
    Recommendation(item=63, title='쉬리', rating=4.25)
    """
    if names == entry._fields:  # type: ignore[attr-defined]
        return entry
    made = namedtuple(entry.__name__, names)  # type: ignore[misc]
    made.__module__, made.__doc__ = entry.__module__, entry.__doc__
    return made


_MAYBE = {"title", "probability", "low", "high"}


def asked_columns(entry: type[tuple[Any, ...]]) -> list[str]:
    """Return the columns of an entry that are there only where they are asked for.

    >>> asked_columns(Recommendation)
    ['probability', 'low', 'high']
    """
    hints = get_type_hints(entry, include_extras=True)
    return [name for name, hint in hints.items() if hint == Asked]


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
        """Return headings and rows; titles and asked columns only where there are some."""
        names: tuple[str, ...] = type(self.entries[0])._fields if self.entries else ()  # type: ignore[attr-defined]
        shown = [
            place
            for place, name in enumerate(names)
            if name not in _MAYBE or any(entry[place] is not None for entry in self.entries)
        ]
        rows = [tuple(entry[place] for place in shown) for entry in self.entries]
        return tuple(names[place] for place in shown), rows

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as JSON-able values."""
        return [entry._asdict() for entry in self.entries]  # type: ignore[attr-defined]
