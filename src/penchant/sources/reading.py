"""From a file or a frame to `Ratings`: guess, read, check, build."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.errors import DataError, SourceError
from penchant.ratings import Duplicates, Ratings, Scale
from penchant.sources import frames, text
from penchant.sources.checks import Locate, Where, check_ids, check_ratings, check_times
from penchant.sources.columns import Roles, describe, find_roles
from penchant.sources.layout import Layout, guess_layout, is_time


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a source is to be read, where it isn't to be guessed; see `penchant.load`."""

    columns: Mapping[str, str | int | None] | None = None
    separator: str | None = None
    header: bool | None = None
    scale: Scale | tuple[float, float] | None = None
    duplicates: Duplicates = "last"
    timestamps: bool = True

    def roles(self, header: Any, width: int, where: str) -> Roles:
        """Return which column plays which role."""
        roles = find_roles(header, width, self.columns, where)
        return roles if self.timestamps else roles._replace(timestamp=None)


def read_file(path: Path, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of a file and one line that tells what was guessed of it."""
    if path.suffix.lower() == ".parquet":
        return read_frame(_parquet(path), reading, str(path))
    layout = guess_layout(path, reading.separator, reading.header)
    roles = reading.roles(layout.header, layout.width, str(path))
    roles = _without_other_text(roles, layout, reading)
    table, layout = text.read_ratings(layout, roles)

    def locate(row: int, role: str) -> Where:
        place, fields = text.place(layout, row)
        return Where(place, fields[getattr(roles, role)].strip())

    told = f"{path.name}: {layout.describe()}; {describe(roles, layout.header)}"
    return _build(table, reading, locate, path.name, told)


def read_frame(source: Any, reading: Reading, where: str = "the frame") -> tuple[Ratings, str]:
    """Return the ratings of a data frame and one line that tells what was guessed of it."""
    frame = frames.as_frame(source)
    numbered = all(name.isdigit() for name in frame.columns)
    header = None if numbered else tuple(frame.columns)
    roles = reading.roles(header, len(frame.columns), where)
    places = {role: at for role, at in roles._asdict().items() if at is not None}
    table = pa.table({role: frames.column(frame, at, role) for role, at in places.items()})

    def locate(row: int, role: str) -> Where:
        return Where(f"{where}, row {row:,}", frames.entry(frame, row, places[role]))

    name = Path(where).name if where != "the frame" else "ratings"
    return _build(table, reading, locate, name, f"{where}: {describe(roles, header)}")


def read_side(source: Any) -> tuple[pa.Table, str]:
    """Return a side table, given as a frame or a path, and its name for messages."""
    if frames.is_frame(source):
        return frames.as_table(source), "the side table"
    path = Path(source)
    if not path.is_file():
        raise SourceError(f"There is no file {path} to read a side table from.")
    if path.suffix.lower() == ".parquet":
        return _parquet(path), str(path)
    layout = guess_layout(path)
    table, _ = text.read_columns(layout)
    return table, str(path)


def _without_other_text(roles: Roles, layout: Layout, reading: Reading) -> Roles:
    """Drop the guess that a fourth column without a name is a time, where it looks like none."""
    asked = "timestamp" in (reading.columns or {})
    if asked or layout.header is not None or roles.timestamp is None:
        return roles
    fields = [record[roles.timestamp] for record in layout.sample if len(record) == layout.width]
    return roles if all(map(is_time, fields)) else roles._replace(timestamp=None)


def _parquet(path: Path) -> pa.Table:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None


def _build(
    table: pa.Table, reading: Reading, locate: Locate, name: str, told: str
) -> tuple[Ratings, str]:
    if not table.num_rows:
        raise DataError(f"{name} holds no ratings. Check it, or the filter before it.")
    for role in ("user", "item"):
        check_ids(table[role], role, locate)
    values = check_ratings(table["rating"], reading.scale, locate)
    seconds, note = None, None
    if "timestamp" in table.column_names:
        seconds, note = check_times(table["timestamp"], locate)
    ratings = Ratings.from_columns(
        table["user"],
        table["item"],
        values,
        seconds,
        scale=reading.scale,
        duplicates=reading.duplicates,
        name=name,
    )
    given = "" if reading.scale is None else " (given)"
    parts = [told, f"scale {ratings.scale}{given}", *([note] if note else [])]
    return ratings, "; ".join(parts) + "."
