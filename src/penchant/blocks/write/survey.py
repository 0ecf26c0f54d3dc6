"""The whole first step: all files of a source staged, and what they say together."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from penchant.blocks.write.journal import Journal
from penchant.blocks.write.rules import Rules, UnruledError, find_rules
from penchant.blocks.write.staging import Staged, stage
from penchant.data.columns.unrated import as_numbers, ask_counts
from penchant.data.files.faults import OtherEncodingError
from penchant.data.pieces import Pieces
from penchant.errors import DataError
from penchant.ratings import Scale

_STEP = "stage"


@dataclasses.dataclass(frozen=True)
class Source:
    """What was staged.

    Attributes:
        staged: the files with the types of their user and item ids.
        lines: how many rows the files have.
        rows: how many of them are ratings.
        scale: the rating scale.
        timed: whether the ratings have times.
        numeric: whether times are numbers, of a unit that the whole source tells.
        told: how it was read, in one line.
    """

    staged: list[tuple[Path, str, str]]
    lines: int
    rows: int
    scale: Scale
    timed: bool
    numeric: bool
    told: str


def read_pieces(pieces: Pieces, journal: Journal) -> Source:
    """Stage what isn't staged yet; return what was found.

    Raises `DataError` and `SourceError` as `penchant.load` does.
    """
    rules = _rules(journal.note("rules"))
    encoding = journal.note("encoding")
    if encoding is not None:
        pieces = pieces.encoded(OtherEncodingError(encoding))
    while True:
        try:
            staged = _stage_all(pieces, rules, journal)
        except OtherEncodingError as error:
            pieces = pieces.encoded(error)
            journal.fresh(_STEP)
            journal.done("encoding", error.codec)
        except UnruledError:
            rules = find_rules(pieces)
            journal.fresh(_STEP)
            journal.done("rules", dataclasses.asdict(rules))
        else:
            return _together(pieces, staged, rules, journal.folder / _STEP)


def _rules(note: Any) -> Rules:
    return Rules() if note is None else Rules(**{**note, "notes": tuple(note["notes"])})


def _stage_all(pieces: Pieces, rules: Rules, journal: Journal) -> list[Staged]:
    folder = journal.folder / _STEP
    folder.mkdir(exist_ok=True)
    found: list[Staged] = []
    base = 0
    for number, (opened, roles) in enumerate(pieces.open()):
        step = f"{_STEP}/{number:06d}"
        note = journal.note(step)
        if note is None:
            staged = stage(opened, roles, pieces.reading, rules, folder, base)
            journal.done(step, _as_note(staged))
        else:
            staged = _of_note(note)
        found.append(staged)
        base += staged.lines
    return found


def _as_note(staged: Staged) -> dict[str, Any]:
    values = None if staged.values is None else list(staged.values.items())
    facts = {**dataclasses.asdict(staged), "values": values}
    return facts if staged.rows else {**facts, "low": 0.0, "high": 0.0}


def _of_note(note: dict[str, Any]) -> Staged:
    values = None if note["values"] is None else {float(v): n for v, n in note["values"]}
    found = Staged(**{**note, "values": values, "files": list(map(tuple, note["files"]))})
    if not found.rows:
        found.low, found.high = np.inf, -np.inf
    return found


def _together(pieces: Pieces, staged: list[Staged], rules: Rules, folder: Path) -> Source:
    reading = pieces.reading
    rows, lines = sum(part.rows for part in staged), sum(part.lines for part in staged)
    if not lines:
        raise DataError(f"{pieces.name} holds no ratings. Check it, or the filter before it.")
    if not rows:
        raise DataError(f"{pieces.name} holds no ratings but unrated entries. Check unrated=….")
    low, high = min(part.low for part in staged), max(part.high for part in staged)
    if as_numbers(reading.unrated) is None and reading.scale is None:
        _ask(staged, pieces.name)
    scale = Scale(low, high) if reading.scale is None else Scale.of(reading.scale)
    timed = {part.timed for part in staged if part.rows}
    if len(timed) > 1:
        raise DataError(
            f"Some files of {pieces.name} have times and others none. Leave the times out: "
            f"timestamps=False (--no-timestamps)."
        )
    return Source(
        [(folder / file, user, item) for part in staged for file, user, item in part.files],
        lines,
        rows,
        scale,
        timed.pop(),
        all(part.numeric for part in staged),
        _told(pieces, rules, scale, lines - rows),
    )


def _ask(staged: list[Staged], name: str) -> None:
    counts: dict[float, int] = {}
    for part in staged:
        if part.values is None:
            return
        for value, count in part.values.items():
            counts[value] = counts.get(value, 0) + count
    values = np.array(sorted(counts), dtype=np.float32)
    ask_counts(values, np.array([counts[v] for v in sorted(counts)], dtype=np.int64), name)


def _told(pieces: Pieces, rules: Rules, scale: Scale, dropped: int) -> str:
    given = "" if pieces.reading.scale is None else " (given)"
    parts = [pieces.told(), f"scale {scale}{given}", *rules.notes]
    parts += [f"{dropped:,} unrated entries left out"] if dropped else []
    return "; ".join(parts) + "." + pieces.edition
