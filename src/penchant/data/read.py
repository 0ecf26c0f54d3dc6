"""From a file, a folder of parts or a frame to `Ratings`: guess, read, check, build."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.data import frames
from penchant.data.columns.building import Reading
from penchant.data.columns.checks import Where
from penchant.data.columns.gather import Batch
from penchant.data.columns.opened import Opened, Places, as_text, read_opened
from penchant.data.files import columnar, faults, foreign, parts, records, text, wide
from penchant.data.files.layout import Layout, guess_layout
from penchant.data.saved import refuse_bundle
from penchant.errors import SourceError
from penchant.ratings import Ratings

__all__ = ["Reading", "read_file", "read_frame", "read_parts", "read_side"]

_SAMPLE = 500


def read_file(path: Path, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of a file and one line that tells what was guessed of it."""
    try:
        return read_opened(open_file(path, reading), reading)
    except faults.OtherEncodingError as other:
        known = dataclasses.replace(reading, encoding=other.codec)
        return read_opened(open_file(path, known), known)


def read_parts(paths: list[Path], reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of several files that are one table."""
    if len(paths) == 1:
        return read_file(paths[0], reading)
    try:
        return parts.read_parts(paths, reading, open_file)
    except faults.OtherEncodingError as other:
        known = dataclasses.replace(reading, encoding=other.codec)
        return parts.read_parts(paths, known, open_file)


def open_file(path: Path, reading: Reading) -> Opened:
    """Open a file of any kind, told by its first bytes.

    Raises `SourceError` where it cannot be read, or is of a kind that holds no table.
    """
    refuse_bundle(path)
    kind = foreign.kind_of(path)
    if kind == "parquet":
        return columnar.open_parquet(path)
    if kind == "arrow":
        return columnar.open_arrow(path)
    if kind == "json":
        return records.open_json(path)
    if kind == "fields":
        return records.open_fields(path)
    layout = guess_layout(path, reading.separator, reading.header, reading.encoding)
    if not reading.columns and wide.is_wide(layout):
        return wide.open_wide(layout)
    return _open_text(layout)


def _open_text(layout: Layout) -> Opened:
    def batches(places: Places) -> Iterator[Batch]:
        return text.batches(layout, places)

    def locate(row: int, at: int) -> Where:
        place, fields = faults.place(layout, row)
        return Where(place, fields[at].strip())

    sample = [layout.column(at) for at in range(layout.width)]
    told = f"{layout.path.name}: {layout.describe()}"
    return Opened(str(layout.path), layout.path.name, told, layout.header, sample, batches, locate)


def read_frame(source: Any, reading: Reading, where: str = "the frame") -> tuple[Ratings, str]:
    """Return the ratings of a data frame and one line that tells what was guessed of it."""
    frame = frames.as_frame(source)
    numbered = all(name.isdigit() for name in frame.columns)
    header = None if numbered else tuple(frame.columns)

    def batches(places: Places) -> Iterator[Batch]:
        columns = {role: frames.column(frame, at, role) for role, at in places.items()}
        for batch in pa.table(columns).to_batches():
            yield dict(zip(columns, batch.columns, strict=True))

    def locate(row: int, at: int) -> Where:
        return Where(f"{where}, row {row:,}", frames.entry(frame, row, at))

    head = frame.head(_SAMPLE)
    sample = [as_text(frames.column(head, at, "rating")) for at in range(len(frame.columns))]
    return read_opened(Opened(where, "ratings", where, header, sample, batches, locate), reading)


def read_side(source: Any) -> tuple[pa.Table, str]:
    """Return a side table, given as a frame or a path, and its name for messages."""
    if frames.is_frame(source):
        return frames.as_table(source), "the side table"
    path = Path(source).expanduser()
    if not path.is_file():
        raise SourceError(f"There is no file {path} to read a side table from.")
    table = columnar.read_table(path)
    if table is not None:
        return table, str(path)
    layout = guess_layout(path)
    try:
        table, _ = text.read_columns(layout)
    except faults.OtherEncodingError as other:
        table, _ = text.read_columns(dataclasses.replace(layout, encoding=other.codec))
    return table, str(path)
