"""The index of a block store: what its files are, as JSON that is checked before it is believed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

from penchant.errors import PenchantError, SourceError
from penchant.ratings import Scale
from penchant.repeats import Repeats
from penchant.store.block import Span
from penchant.store.contents import (
    FORMAT,
    IDS,
    MAX_BLOCKS,
    MAX_DEPTH,
    MAX_ROWS,
    TABLES,
    VERSION,
    Kind,
    name,
)
from penchant.store.segments import segment_rows

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file: how large it is, its digest, how many rows it has."""

    bytes: int
    sha256: str
    rows: int


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Which ratings were held out: see `penchant.split.pair_rows`."""

    test: float
    seed: int


@dataclasses.dataclass(frozen=True)
class Index:
    """What a store says of itself.

    Attributes:
        name: what the ratings are called.
        scale: the rating scale, of training and held-out ratings together.
        mean: the mean of the training ratings.
        timestamps: whether the blocks hold times.
        spans: of the blocks by user, and by item; those by item may be missing.
        files: each file's size, digest and rows, by its name.
        held_out: how the test ratings were chosen, or None.
        notices: what was told when the source was read.
        repeats: the repeated pairs of the source, or None.
    """

    name: str
    scale: Scale
    mean: float
    timestamps: bool
    spans: dict[str, tuple[Span, ...]]
    files: dict[str, Entry]
    held_out: HeldOut | None = None
    notices: tuple[str, ...] = ()
    repeats: Repeats | None = None

    @property
    def fingerprint(self) -> str:
        """A SHA-256 of the scale and all files' digests: equal data and blocks, equal print."""
        told = json.dumps(
            [str(self.scale), sorted((name, entry.sha256) for name, entry in self.files.items())]
        )
        return hashlib.sha256(told.encode()).hexdigest()

    def size(self, side: str) -> int:
        """Return how many rows the tables of a side need: its ids and the stranger."""
        return self.files[IDS[side]].rows + 1

    def to_json(self) -> bytes:
        """Return the index as it stands in the folder."""
        facts = {"format": FORMAT, "version": VERSION, **dataclasses.asdict(self)}
        facts["spans"] = {
            side: [list(span) for span in spans] for side, spans in self.spans.items()
        }
        return (json.dumps(facts, indent=1, allow_nan=False) + "\n").encode()


def read_index(path: Path, raw: bytes) -> Index:
    """Return the index that JSON holds.

    Raises `SourceError` for anything that this version would not have written.
    """
    try:
        facts = json.loads(raw, parse_constant=_refuse)
        return _index(facts)
    except (ValueError, TypeError, KeyError, RecursionError, PenchantError) as error:
        why = f"no entry {error}" if isinstance(error, KeyError) else str(error)[:300]
        raise SourceError(
            f"{path} is no index of a block store that this version can read: {why}. Write the "
            f"blocks again: penchant blocks SOURCE DIR."
        ) from None


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _index(facts: Any) -> Index:
    _require(isinstance(facts, dict) and _depth(facts) <= MAX_DEPTH, "it is no JSON object")
    _require(facts.pop("format") == FORMAT, "it is of another format")
    version = facts.pop("version")
    _require(version == VERSION, f"it is of version {version!r:.20}; version {VERSION} is known")
    known = {field.name for field in dataclasses.fields(Index)}
    _require(set(facts) == known, f"its entries are {', '.join(sorted(map(str, facts)))[:200]}")
    files = {str(name): _entry(name, entry) for name, entry in facts["files"].items()}
    for side in IDS:
        _require(IDS[side] in files, f"it names no {IDS[side]}")
    spans = {
        side: _spans(side, facts["spans"][side], files[IDS[side]].rows + 1)
        for side in facts["spans"]
    }
    _require(set(spans) == set(IDS), "its spans are not of users and items")
    mean, notices = facts["mean"], facts["notices"]
    _require(_is_number(mean), f"its mean is {mean!r:.40}")
    _require(isinstance(facts["name"], str), "its name is no text")
    _require(isinstance(facts["timestamps"], bool), "its timestamps are not true or false")
    _require(isinstance(notices, list) and all(isinstance(n, str) for n in notices), "its notices")
    index = Index(
        name=facts["name"],
        scale=_scale(facts["scale"]),
        mean=float(mean),
        timestamps=facts["timestamps"],
        spans=spans,
        files=files,
        held_out=None if facts["held_out"] is None else _held_out(facts["held_out"]),
        notices=tuple(notices),
        repeats=None if facts["repeats"] is None else Repeats(**facts["repeats"]),
    )
    _require_files(index)
    return index


def _entry(file: Any, entry: Any) -> Entry:
    found = Entry(**entry)
    _require(_is_count(found.bytes, 2**62), f"the size of {file!r:.80} is {found.bytes!r:.40}")
    _require(_is_count(found.rows, MAX_ROWS - 1), f"the rows of {file!r:.80}: {found.rows!r:.40}")
    digest = isinstance(found.sha256, str) and bool(_SHA256.fullmatch(found.sha256))
    _require(digest, f"the SHA-256 of {file!r:.80} is {found.sha256!r:.80}")
    return found


def _spans(side: str, given: Any, size: int) -> tuple[Span, ...]:
    """Return spans that follow one another over all rows of a side."""
    _require(isinstance(given, list) and len(given) <= MAX_BLOCKS, f"its {side} spans")
    spans, at, step = [], 0, segment_rows(size) if side == "user" else 1
    for entry in given:
        whole = isinstance(entry, list) and len(entry) == 3
        _require(whole and all(_is_count(n, 2**62) for n in entry), f"{side} span {entry!r:.60}")
        span = Span(*entry)
        _require(span.start == at < span.stop, f"{side} span {entry!r:.60} doesn't begin at {at:,}")
        _require(at % step == 0, f"{side} span {entry!r:.60} doesn't begin at a segment's start")
        spans.append(span)
        at = span.stop
    _require(at == size or (not spans and side == "item"), f"its {side} spans end at {at:,}")
    return tuple(spans)


def _require_files(index: Index) -> None:
    """Raise unless there is one entry for each file that the spans need, and none for another."""
    wanted = set(IDS.values())
    blocks: list[tuple[Kind, int, int | None]] = [
        ("user", j, span.ratings) for j, span in enumerate(index.spans["user"])
    ]
    blocks += [("item", j, span.ratings) for j, span in enumerate(index.spans["item"])]
    if index.held_out is not None:
        blocks += [("test", j, None) for j in range(len(index.spans["user"]))]
    for kind, number, ratings in blocks:
        file = name(kind, number)
        wanted.add(file)
        _require(file in index.files, f"it names no {file}")
        rows = index.files[file].rows
        _require(ratings in (None, rows), f"{file} has {rows:,} rows, and its span {ratings}")
    for file in set(index.files) - wanted:
        _require(file in TABLES.values(), f"it names {file!r:.80}, which is no file of a store")
    sums = [sum(span.ratings for span in index.spans[side]) for side in IDS]
    _require(sums[1] in (sums[0], 0) or not index.spans["item"], "users and items differ in sum")


def _held_out(given: Any) -> HeldOut:
    found = HeldOut(**given)
    share = _is_number(found.test) and 0 < found.test < 1
    _require(share and _is_count(found.seed, 2**64 - 1), f"held_out is {given!r:.80}")
    return found


def _scale(given: Any) -> Scale:
    _require(isinstance(given, dict) and all(map(_is_number, given.values())), "its scale")
    return Scale(**given)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise ValueError(why)
