"""From a file or a frame to `Ratings`: guess, read, check, build."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.errors import SourceError
from penchant.ratings import Ratings
from penchant.sources import faults, frames, text
from penchant.sources.building import Reading, build
from penchant.sources.checks import Where
from penchant.sources.columns import Roles, describe
from penchant.sources.content import is_moment
from penchant.sources.gather import Batch, gather
from penchant.sources.layout import Layout, guess_layout

__all__ = ["Reading", "read_file", "read_frame", "read_side"]


def read_file(path: Path, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of a file and one line that tells what was guessed of it."""
    if path.suffix.lower() == ".parquet":
        return read_frame(_parquet(path), reading, str(path))
    layout = guess_layout(path, reading.separator, reading.header, reading.encoding)
    columns = [layout.column(at) for at in range(layout.width)]
    roles = reading.roles(layout.header, layout.width, str(path), columns)
    roles = _without_other_text(roles, layout, reading)
    try:
        found = gather(text.batches(layout, roles))
    except faults.OtherEncodingError as other:
        layout = dataclasses.replace(layout, encoding=other.codec)
        found = gather(text.batches(layout, roles))

    def locate(row: int, role: str) -> Where:
        place, fields = faults.place(layout, row)
        return Where(place, fields[getattr(roles, role)].strip())

    told = f"{path.name}: {layout.describe()}; {describe(roles, layout.header)}"
    return build(found, reading, locate, path.name, told)


def read_frame(source: Any, reading: Reading, where: str = "the frame") -> tuple[Ratings, str]:
    """Return the ratings of a data frame and one line that tells what was guessed of it."""
    frame = frames.as_frame(source)
    numbered = all(name.isdigit() for name in frame.columns)
    header = None if numbered else tuple(frame.columns)
    roles = reading.roles(header, len(frame.columns), where)
    places = {role: at for role, at in roles._asdict().items() if at is not None}
    found = gather(_batches(frame, places))

    def locate(row: int, role: str) -> Where:
        return Where(f"{where}, row {row:,}", frames.entry(frame, row, places[role]))

    name = Path(where).name if where != "the frame" else "ratings"
    return build(found, reading, locate, name, f"{where}: {describe(roles, header)}")


def _batches(frame: Any, places: dict[str, int]) -> Iterator[Batch]:
    columns = {role: frames.column(frame, at, role) for role, at in places.items()}
    yield from (dict(zip(columns, batch.columns, strict=True))
                for batch in pa.table(columns).to_batches())  # fmt: skip


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
    try:
        table, _ = text.read_columns(layout)
    except faults.OtherEncodingError as other:
        table, _ = text.read_columns(dataclasses.replace(layout, encoding=other.codec))
    return table, str(path)


def _without_other_text(roles: Roles, layout: Layout, reading: Reading) -> Roles:
    """Drop the guess that a fourth column without a name is a time, where it looks like none."""
    asked = "timestamp" in (reading.columns or {})
    if asked or layout.header is not None or roles.timestamp is None:
        return roles
    entries = [entry for entry in layout.column(roles.timestamp) if entry]
    return roles if all(map(is_moment, entries)) else roles._replace(timestamp=None)


def _parquet(path: Path) -> pa.Table:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None
