"""A source whose columns are known and can be streamed, whatever kind it is of, to `Ratings`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from penchant.data.columns.building import Reading, build
from penchant.data.columns.checks import Where
from penchant.data.columns.content import is_moment
from penchant.data.columns.gather import Batch, gather
from penchant.data.columns.roles import Roles, describe
from penchant.ratings import Ratings

Places = dict[str, int]
"""The place of the column of each role."""


@dataclasses.dataclass(frozen=True)
class Opened:
    """A source of rows.

    Attributes:
        where: its path, or what else it is called in errors.
        name: what its ratings are called.
        told: how it is laid out, for people.
        header: the names of its columns, or None.
        sample: some entries of each column, as text.
        batches: from places to batches of these columns.
        locate: from a row, from 0, and a place to where that stands.
    """

    where: str
    name: str
    told: str
    header: tuple[str, ...] | None
    sample: Sequence[Sequence[str]]
    batches: Callable[[Places], Iterator[Batch]]
    locate: Callable[[int, int], Where]

    def roles(self, reading: Reading) -> Roles:
        """Say which column plays which role."""
        roles = reading.roles(self.header, len(self.sample), self.where, self.sample)
        asked = "timestamp" in (reading.columns or {})
        if asked or self.header is not None or roles.timestamp is None:
            return roles
        entries = [entry for entry in self.sample[roles.timestamp] if entry.strip()]
        return roles if all(map(is_moment, entries)) else roles._replace(timestamp=None)


def read_opened(opened: Opened, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of a source and one line that tells what was guessed of it."""
    roles = opened.roles(reading)

    def locate(row: int, role: str) -> Where:
        return opened.locate(row, getattr(roles, role))

    found = gather(opened.batches(places_of(roles)))
    mark = "; " if ": " in opened.told else ": "
    told = f"{opened.told}{mark}{describe(roles, opened.header)}"
    return build(found, reading, locate, opened.name, told)


def places_of(roles: Roles) -> Places:
    """Return the places of the roles that have a column."""
    return {role: at for role, at in roles._asdict().items() if at is not None}


def as_text(column: Any) -> list[str]:
    """Return some entries of an Arrow column as text, an empty one for a missing entry."""
    if pa.types.is_nested(column.type):
        return [""] * len(column)
    return ["" if entry is None else str(entry) for entry in column.to_pylist()]
