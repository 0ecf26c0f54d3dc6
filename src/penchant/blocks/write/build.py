"""The steps from a source of files to a block store, each done once and noted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.blocks.write.buckets import Buckets
from penchant.blocks.write.cutting import Cut
from penchant.blocks.write.finishing import Sums, put_sides, write_index
from penchant.blocks.write.journal import Journal
from penchant.blocks.write.mapping import (
    Limits,
    Side,
    by_row,
    database,
    put_ids,
    read_ids,
    sampled_times,
)
from penchant.blocks.write.repeated import Merged, joined
from penchant.blocks.write.store_file import Files, put_block
from penchant.blocks.write.survey import Source, read_pieces
from penchant.console import tell
from penchant.data.columns import timestamps as moments
from penchant.data.pieces import Pieces
from penchant.errors import DataError
from penchant.ids import IdMap
from penchant.ratings import Duplicates, Ratings, Scale
from penchant.repeats import Repeats
from penchant.store.block import Block, Span
from penchant.store.contents import Kind, name
from penchant.store.index import Entry
from penchant.store.parquet import read_block
from penchant.store.segments import segment_rows
from penchant.store.verified import verified_bytes
from penchant.threads import Block as Rows

SIDES: tuple[Side, Side] = ("user", "item")
_SAMPLE = 10_000  # times that tell their unit, as many as `penchant.load` looks at


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the index says beside counts and files.

    Attributes are those of `Ratings` of the same names; `timestamps` is None where there are none.
    """

    name: str
    scale: Scale
    timestamps: bool | None
    notices: tuple[str, ...]
    repeats: Repeats | None


class Build:
    """One store in the making."""

    def __init__(
        self,
        pieces: Pieces,
        journal: Journal,
        plan: Cut,
        limits: Limits,
        attach: Callable[[Ratings], Ratings],
        *,
        quiet: bool,
    ) -> None:
        """Take a source; `attach` gives `Ratings` without ratings their side tables."""
        self._quiet = quiet
        self._pieces, self._journal, self._plan, self._limits = pieces, journal, plan, limits
        self._place = journal.place
        self._attach = attach
        self._duplicates: Duplicates = pieces.reading.duplicates
        self._files: Files = {}

    def run(self) -> None:
        """Do what isn't done yet; afterwards the store is whole."""
        source = read_pieces(self._pieces, self._journal)
        self._say(f"Read {source.rows:,} ratings of {len(self._pieces.paths):,} files.")
        counts = self._map_ids(source)
        known = self._known(source)
        self._say(f"Found {len(known.user_ids):,} users and {len(known.item_ids):,} items.")
        sizes = {"user": known.user_ids.size, "item": known.item_ids.size}
        users = np.zeros(sizes["user"], np.int64)
        users[1 : 1 + len(counts)] = counts
        spans = self._plan.spans(users, segment_rows(sizes["user"]))
        unit = self._fill_buckets(source, spans)
        sums = Sums.of(sizes)
        found = {"user": self._write_users(source, spans, sums, known), "item": []}
        self._say(f"Wrote {len(spans):,} blocks by user.")
        self._plan.require_both(sums.ratings, sums.tests)
        if self._plan.by_item:
            found["item"] = self._write_items(source, sums, found["user"], sizes)
            self._say(f"Wrote {len(found['item']):,} blocks by item.")
        for side, counted in zip(SIDES, (sums.users, sums.items), strict=True):
            ids, table = getattr(known, f"{side}_ids"), getattr(known, f"{side}_table")
            put_sides(self._place, self._files, side, ids, counted, table)
        facts = self._facts(source, known, unit)
        write_index(self._place, facts, sums, found, self._files, self._plan)
        for notice in facts.notices:
            self._say(notice)

    def _say(self, what: str) -> None:
        if not self._quiet:
            tell(what)

    def _map_ids(self, source: Source) -> Any:
        """Give rows to ids; return how often each user stands in the source, (M - 1,)."""
        journal = self._journal
        self._ids: dict[Side, Path] = {
            side: journal.folder / "ids" / f"{side}.parquet" for side in SIDES
        }
        if journal.note("ids") is None:
            journal.fresh("ids")
            with database(journal.fresh("spill"), self._limits) as connection:
                for side in SIDES:
                    put_ids(connection, side, source.staged, self._ids[side])
            journal.done("ids", True)
        return read_ids(self._ids["user"], "user")[1]

    def _known(self, source: Source) -> Ratings:
        """Return ids and side tables as `Ratings` without a rating."""
        users, items = (IdMap(read_ids(self._ids[side], side)[0], side) for side in SIDES)
        none = np.zeros(0, np.int32)
        empty = Ratings(none, none, none.astype(np.float32), users, items, source.scale)
        return self._attach(empty)

    def _fill_buckets(self, source: Source, spans: list[Rows]) -> list[str]:
        """Sort ratings into a file for each block; return what was told of their times."""
        journal = self._journal
        note = journal.note("buckets")
        if note is not None:
            return list(note)
        buckets = Buckets(journal.fresh("users"), spans, timed=source.timed, numbered=True)
        with database(journal.fresh("spill"), self._limits) as connection:
            parts, unit = self._unit(connection, source)
            for batch in by_row(connection, source.staged, self._ids, source.timed):
                if parts > 1:
                    batch["time"] = batch["time"] // parts
                buckets.add(batch)
        buckets.sync()
        told = [] if unit is None else [f"timestamps read as {unit}"]
        journal.done("buckets", told)
        return told

    def _unit(self, connection: Any, source: Source) -> tuple[int, str | None]:
        if not (source.timed and source.numeric):
            return 1, None
        every = max(1, source.lines // _SAMPLE)
        paths = [path for path, *_ in source.staged]
        return moments.unit_of(sampled_times(connection, paths, every))

    def _write_users(
        self, source: Source, spans: list[Rows], sums: Sums, known: Ratings
    ) -> list[Span]:
        journal = self._journal
        others = known.item_ids.size
        buckets = Buckets(journal.folder / "users", spans, timed=source.timed, numbered=True)
        found, self._repeats = [], []
        for number, rows in enumerate(spans):
            note = journal.note(f"user-{number:05d}")
            if note is None:
                whole, merged = buckets.sorted(number, others, self._duplicates)
                self._require_once(merged, known)
                block, tests = self._plan.parted(whole)
                note = {"user": self._put("user", number, block)}
                if tests is not None:
                    note["test"] = self._put("test", number, tests)
                note["repeats"] = merged.repeats and dataclasses.asdict(merged.repeats)
                journal.done(f"user-{number:05d}", note)
            else:
                block = self._written("user", number, rows, note["user"], others, source.timed)
            buckets.discard(number)
            for kind in ("user", "test"):
                if kind in note:
                    self._files[name(kind, number)] = Entry(**note[kind])
            if note["repeats"]:
                self._repeats.append(Repeats(**note["repeats"]))
            found.append(sums.add(block, note["test"]["rows"] if "test" in note else 0))
        return found

    def _put(self, kind: Kind, number: int, block: Block) -> dict[str, Any]:
        return dataclasses.asdict(put_block(self._place, kind, number, block))

    def _written(
        self, kind: Kind, number: int, rows: Rows, note: Any, others: int, timed: bool
    ) -> Block:
        """Return a block that an earlier run wrote, verified."""
        entry, path = Entry(**note), self._place / name(kind, number)
        raw = verified_bytes(path, entry)
        return read_block(path, raw, kind, *rows, entry.rows, others, timed=timed)

    def _require_once(self, merged: Merged, known: Ratings) -> None:
        if self._duplicates == "error" and merged.example is not None:
            user, item = merged.example
            raise DataError(
                f"Ratings repeat a pair of user and item, such as user "
                f"{known.user_ids.ids([user])[0]!r} and item {known.item_ids.ids([item])[0]!r}. "
                f"Remove them, or choose duplicates='last' or 'mean'."
            )

    def _write_items(
        self, source: Source, sums: Sums, users: list[Span], sizes: dict[str, int]
    ) -> list[Span]:
        """Write the copy by item, of the blocks by user."""
        journal, spans = self._journal, self._plan.spans(sums.items)
        timed = source.timed
        if journal.note("items") is None:
            buckets = Buckets(journal.fresh("items"), spans, timed=timed, numbered=False)
            for number, span in enumerate(users):
                entry = dataclasses.asdict(self._files[name("user", number)])
                rows = span.start, span.stop
                block = self._written("user", number, rows, entry, sizes["item"], timed)
                buckets.add(_turned(block))
            buckets.sync()
            journal.done("items", True)
        buckets = Buckets(journal.folder / "items", spans, timed=timed, numbered=False)
        found = []
        for number, rows in enumerate(spans):
            note = journal.note(f"item-{number:05d}")
            if note is None:
                block, _ = buckets.sorted(number, sizes["user"], None)
                note = self._put("item", number, block)
                journal.done(f"item-{number:05d}", note)
            buckets.discard(number)
            self._files[name("item", number)] = Entry(**note)
            found.append(Span(*rows, note["rows"]))
        return found

    def _facts(self, source: Source, known: Ratings, unit: list[str]) -> Facts:
        repeats = joined(self._repeats)
        told = "; ".join([source.told.rstrip("."), *unit]) + "." if unit else source.told
        notices = [told]
        if repeats is not None:
            kept = "newest" if self._duplicates == "last" else "mean"
            notices.append(
                f"{repeats.ratings:,} of {source.rows:,} ratings repeat a pair of user and item: "
                f"kept the {kept} of each."
            )
        return Facts(
            self._pieces.name,
            source.scale,
            source.timed or None,
            (*notices, *known.notices),
            repeats,
        )


def _turned(block: Block) -> dict[str, npt.NDArray[Any]]:
    """Return the ratings of a block by user as columns by item."""
    columns = {"row": block.indices, "other": block.rows, "rating": block.values}
    return columns if block.timestamps is None else {**columns, "time": block.timestamps}
