"""BlockStore: a folder of blocks, opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.errors import DataError, SettingsError, SourceError
from penchant.ids import IdMap
from penchant.ratings import Ratings, Scale
from penchant.store.block import Block, Span
from penchant.store.contents import IDS, INDEX, MAX_INDEX_BYTES, TABLES, UNFINISHED, Kind, name
from penchant.store.index import Index, read_index
from penchant.store.parquet import damaged, described, read_block, read_table
from penchant.store.segments import segment_rows
from penchant.store.verified import read_bytes, verified_bytes

Side = Literal["user", "item"]
Counts = npt.NDArray[np.int64]


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a folder is a block store, or one that isn't finished.

    A folder that may not be looked into is none.
    """
    return os.path.isfile(Path(path, INDEX)) or os.path.isdir(Path(path, UNFINISHED))


class BlockStore:
    """Ratings in a folder of blocks; what is asked for is read, verified and not kept.

    The rows are those of `penchant.load` on the same source. Held-out ratings, if there are any,
    stand apart: all but `test_block` and `test_ratings` is of the training ratings alone.

    Attributes:
        folder: where it is.
        index: what it says of itself.

    >>> import tempfile
    >>> from penchant.blocks.write import write_blocks
    >>> ratings = Ratings.from_columns(["ann", "bob", "ann"], [63, 63, 7], [5, 3, 4])
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = write_blocks(ratings, folder.name + "/films")
    >>> store
    BlockStore(3 ratings, 2 users, 2 items, blocks: 1, scale 3 to 5)
    >>> store.block(0).values.tolist(), store.user_counts.tolist(), store.item_ids.ids([1, 2])
    ([5.0, 4.0, 3.0], [0, 2, 1], [63, 7])
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> BlockStore:
        """Open a store; only its index is read.

        Raises `SourceError` where there is none, it isn't finished, or the index isn't sound.
        """
        place = Path(folder).expanduser().absolute()
        if not (place / INDEX).is_file():
            if (place / UNFINISHED).is_dir():
                raise SourceError(
                    f"{place} is a block store that isn't finished: its writer was stopped. Start "
                    f"the same command again; it goes on where it was."
                )
            raise SourceError(
                f"{place} is no block store: it has no {INDEX}. Write one: penchant blocks SOURCE "
                f"DIR."
            )
        return cls(place, read_index(place / INDEX, read_bytes(place / INDEX, MAX_INDEX_BYTES)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a path: who unpacks it opens the folder."""
        return BlockStore.open, (str(self.folder),)

    @property
    def name(self) -> str:
        """What the ratings are called."""
        return self.index.name

    @property
    def scale(self) -> Scale:
        """The rating scale."""
        return self.index.scale

    @property
    def mean(self) -> float:
        """The mean of the training ratings."""
        return self.index.mean

    @property
    def has_timestamps(self) -> bool:
        """Whether the ratings have times."""
        return self.index.timestamps

    @property
    def fingerprint(self) -> str:
        """A SHA-256, in hex, of scale and files: equal data and blocks, equal fingerprint."""
        return self.index.fingerprint

    @property
    def user_spans(self) -> tuple[Span, ...]:
        """Which users each block holds; from row 0, the stranger's, to the last."""
        return self.index.spans["user"]

    @property
    def item_spans(self) -> tuple[Span, ...]:
        """Which items each block of the copy by item holds; none without such a copy."""
        return self.index.spans["item"]

    @property
    def segment(self) -> int:
        """How many user rows a segment has: a block of users begins at a multiple of it."""
        return segment_rows(self.index.size("user"))

    @property
    def n_users(self) -> int:
        """How many user ids are known."""
        return self.index.size("user") - 1

    @property
    def n_items(self) -> int:
        """How many item ids are known."""
        return self.index.size("item") - 1

    @property
    def n_ratings(self) -> int:
        """How many ratings there are to train on."""
        return sum(span.ratings for span in self.user_spans)

    @property
    def n_test(self) -> int:
        """How many ratings are held out."""
        return sum(self.index.files[name("test", j)].rows for j in self._tests)

    @property
    def _tests(self) -> range:
        return range(0 if self.index.held_out is None else len(self.user_spans))

    def __len__(self) -> int:
        """Return the number of training ratings."""
        return self.n_ratings

    def __repr__(self) -> str:
        tests = f", {self.n_test:,} held out" if self.n_test else ""
        copy = f" and {len(self.item_spans):,} by item" if self.item_spans else ""
        return (
            f"BlockStore({self.n_ratings:,} ratings{tests}, {self.n_users:,} users, "
            f"{self.n_items:,} items, blocks: {len(self.user_spans):,}{copy}, scale {self.scale})"
        )

    @cached_property
    def user_ids(self) -> IdMap:
        """The map of the user ids."""
        return self._ids("user")

    @cached_property
    def item_ids(self) -> IdMap:
        """The map of the item ids."""
        return self._ids("item")

    @cached_property
    def user_counts(self) -> Counts:
        """How many training ratings each user row has, (n_users + 1,) int64."""
        return self._counts("user")

    @cached_property
    def item_counts(self) -> Counts:
        """How many training ratings each item row has, (n_items + 1,) int64."""
        return self._counts("item")

    @cached_property
    def user_table(self) -> pa.Table | None:
        """The users' side columns, a row for each user row, or None."""
        return self._side("user")

    @cached_property
    def item_table(self) -> pa.Table | None:
        """The items' side columns, a row for each item row, or None."""
        return self._side("item")

    def block(self, number: int) -> Block:
        """Return the ratings of a block of users.

        Raises:
            ChecksumError: the file was changed after it was written.
            SourceError: it is missing, truncated, or not what the index says.
            SettingsError: there is no block of that number.
        """
        return self._block("user", number, self.user_spans)

    def by_item(self, number: int) -> Block:
        """Return the ratings of a block of items; errors are those of `block`."""
        if not self.item_spans:
            raise SettingsError(
                f"{self.folder} has no copy by item. Write one: penchant blocks SOURCE DIR "
                f"--by-item."
            )
        return self._block("item", number, self.item_spans)

    def test_block(self, number: int) -> Block:
        """Return the held-out ratings of a block of users; none where nothing was held out."""
        self._require_number("user", number, self.user_spans)
        if self.index.held_out is None:
            span, none = self.user_spans[number], np.zeros(0, np.int32)
            stamps = np.zeros(0, np.int64) if self.has_timestamps else None
            return Block.of(span.start, span.stop, none, none, none.astype(np.float32), stamps)
        return self._block("test", number, self.user_spans)

    def ratings(self) -> Ratings:
        """Return the training ratings as one table, by user and item; they must fit in memory."""
        return self._joined(self.block(j) for j in range(len(self.user_spans)))

    def test_ratings(self) -> Ratings:
        """Return the held-out ratings as one table; it shares ids and side tables with `ratings`.

        Raises `DataError` where nothing was held out.
        """
        if not self.n_test:
            raise DataError(
                f"{self.folder} holds out no ratings. Write it with some: penchant blocks SOURCE "
                f"DIR --test 0.2."
            )
        return self._joined(self.test_block(j) for j in self._tests)

    def verify(self) -> int:
        """Read all files and compare them with the index; return how many bytes they have.

        Raises what `block` raises for the first that isn't sound.
        """
        _ = self.user_ids, self.item_ids, self.user_table, self.item_table
        users = np.zeros(self.n_users + 1, np.int64)
        items = np.zeros(self.n_items + 1, np.int64)
        for j, span in enumerate(self.user_spans):
            block = self.block(j)
            users[span.start : span.stop] = np.diff(block.indptr)
            items += np.bincount(block.indices, minlength=len(items))
            self.test_block(j)
        for side, counted in (("user", users), ("item", items)):
            if not np.array_equal(counted, self._counts(side)):
                raise damaged(self.folder / IDS[side], "its counts are not those of the blocks")
        for j in range(len(self.item_spans)):
            self.by_item(j)
        return sum(entry.bytes for entry in self.index.files.values())

    def _block(self, kind: Kind, number: int, spans: tuple[Span, ...]) -> Block:
        self._require_number(kind, number, spans)
        span, file = spans[number], name(kind, number)
        entry = self.index.files[file]
        path = self.folder / file
        block = read_block(
            path,
            verified_bytes(path, entry),
            kind,
            span.start,
            span.stop,
            entry.rows,
            self.index.size("user" if kind == "item" else "item"),
            timed=self.has_timestamps,
        )
        low, high = np.float32(self.scale.low), np.float32(self.scale.high)
        if not ((block.values >= low) & (block.values <= high)).all():
            raise damaged(path, f"it has ratings off the scale {self.scale}")
        return block

    def _require_number(self, kind: str, number: int, spans: tuple[Span, ...]) -> None:
        if not 0 <= number < len(spans):
            raise SettingsError(
                f"{self.folder} has {kind} blocks 0 to {len(spans) - 1}; received {number!r}."
            )

    def _read(self, file: str) -> pa.Table:
        entry, path = self.index.files[file], self.folder / file
        return read_table(path, verified_bytes(path, entry), entry.rows)

    def _ids_table(self, side: str) -> pa.Table:
        table, path = self._read(IDS[side]), self.folder / IDS[side]
        names, kinds = table.column_names, [str(of) for of in table.schema.types]
        if names != ["id", "ratings"] or kinds[0] not in ("int64", "string", "large_string"):
            raise damaged(path, f"its columns are {described(table.schema)}")
        return table

    def _ids(self, side: Side) -> IdMap:
        try:
            return IdMap.of(self._ids_table(side)["id"], side)
        except DataError as error:
            raise damaged(self.folder / IDS[side], str(error).rstrip(".")) from None

    def _counts(self, side: str) -> Counts:
        column = self._ids_table(side)["ratings"]
        if column.type != pa.int64() or column.null_count:
            raise damaged(self.folder / IDS[side], f"its counts are {column.type}")
        counts = np.zeros(len(column) + 1, np.int64)
        at = 1
        for chunk in column.chunks:
            counts[at : at + len(chunk)] = np.from_dlpack(chunk)
            at += len(chunk)
        return counts

    def _side(self, side: str) -> pa.Table | None:
        if TABLES[side] not in self.index.files:
            return None
        table = self._read(TABLES[side])
        if table.num_rows != self.index.size(side):
            raise damaged(self.folder / TABLES[side], f"it has {table.num_rows:,} rows")
        return table

    def _joined(self, blocks: Iterator[Block]) -> Ratings:
        columns: list[list[Any]] = [[], [], [], []]
        for block in blocks:
            stamps = () if block.timestamps is None else (block.timestamps,)
            for column, part in zip(
                columns, (block.rows, block.indices, block.values, *stamps), strict=False
            ):
                column.append(part)
        rows, indices, values = (np.concatenate(column) for column in columns[:3])
        return Ratings(
            rows,
            indices,
            values,
            self.user_ids,
            self.item_ids,
            self.scale,
            np.concatenate(columns[3]) if self.has_timestamps else None,
            self.user_table,
            self.item_table,
            self.name,
            self.index.notices,
            self.index.repeats,
        )
