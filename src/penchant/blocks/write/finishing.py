"""The last files of a store: ids with their counts, side columns, the index."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.atomic import new_file
from penchant.blocks.write.cutting import Cut
from penchant.blocks.write.store_file import Files, put_table
from penchant.errors import PenchantError, SettingsError, SourceError
from penchant.ids import IdMap
from penchant.ratings import Scale
from penchant.repeats import Repeats
from penchant.store.block import Block, Span
from penchant.store.contents import IDS, INDEX, TABLES
from penchant.store.index import Index

Counts = npt.NDArray[np.int64]


@dataclasses.dataclass
class Sums:
    """What is counted while blocks are written, training ratings alone but for `tests`.

    Attributes:
        users: (M,) how many ratings each user has.
        items: (N,) how many each item has.
        total: the sum of the ratings.
        ratings: how many there are.
        tests: how many are held out.
    """

    users: Counts
    items: Counts
    total: float = 0.0
    ratings: int = 0
    tests: int = 0

    @classmethod
    def of(cls, sizes: dict[str, int]) -> Sums:
        """Begin at nothing, for tables of so many rows."""
        return cls(np.zeros(sizes["user"], np.int64), np.zeros(sizes["item"], np.int64))

    def add(self, block: Block, tests: int) -> Span:
        """Count a block by user; return its span."""
        self.users[block.start : block.stop] = np.diff(block.indptr)
        self.items += np.bincount(block.indices, minlength=len(self.items))
        self.total += float(block.values.sum(dtype=np.float64))
        self.ratings += len(block)
        self.tests += tests
        return Span(block.start, block.stop, len(block))


@contextmanager
def told(place: Path, after: str) -> Iterator[None]:
    """Raise `SourceError` where the system refuses to write; `after` says what is to be done."""
    try:
        yield
    except OSError as error:
        if isinstance(error, PenchantError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise SourceError(f"The disk is full: {place} {after}") from None
        raise SourceError(f"{place} can't be written: {error.strerror or error}.") from None


def require_place(folder: str | os.PathLike[str]) -> Path:
    """Return where a store may be written; raise `SettingsError` where it may not."""
    place = Path(folder).expanduser().absolute()
    if not place.parent.is_dir():
        raise SettingsError(f"There is no folder {place.parent} to write {place.name} into.")
    if os.path.lexists(place):
        raise SettingsError(
            f"{place} is there already, and nothing is overwritten. Choose another name, or "
            f"remove it."
        )
    return place


def put_sides(
    folder: Path, files: Files, side: str, ids: IdMap, counts: Counts, table: pa.Table | None
) -> None:
    """Write the ids of a side with their counts, and its side columns where it has any."""
    known = pa.table({"id": ids.array, "ratings": pa.array(counts[1:])})
    files[IDS[side]] = put_table(folder, IDS[side], known)
    if table is not None:
        files[TABLES[side]] = put_table(folder, TABLES[side], table)


def write_index(
    folder: Path,
    facts: Any,
    sums: Sums,
    spans: dict[str, list[Span]],
    files: Files,
    plan: Cut,
) -> None:
    """Write the index, the last file of a store.

    Args:
        folder: where.
        facts: what has the name, scale, timestamps, notices and repeats of a `Ratings`.
        sums: what was counted.
        spans: of both sides.
        files: all files but the index.
        plan: how it was cut.
    """
    name: str = facts.name
    scale: Scale = facts.scale
    repeats: Repeats | None = facts.repeats
    index = Index(
        name=name,
        scale=Scale(float(scale.low), float(scale.high)),
        mean=sums.total / max(sums.ratings, 1),
        timestamps=facts.timestamps is not None,
        spans={side: tuple(found) for side, found in spans.items()},
        files=files,
        held_out=plan.held_out,
        notices=tuple(facts.notices),
        repeats=repeats,
    )
    with new_file(folder / INDEX) as file:
        file.write(index.to_json())
