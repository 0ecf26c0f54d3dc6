"""Ratings on their way into blocks: a file for each, appended to, and sorted once it is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.blocks.write.repeated import Merged, merge
from penchant.kernels.order import order_by
from penchant.ratings import Duplicates
from penchant.store.block import Block
from penchant.threads import Block as Rows

_FIELDS = [("row", "<i4"), ("other", "<i4"), ("rating", "<f4"), ("line", "<i8"), ("time", "<i8")]


class Buckets:
    """Files of unsorted ratings, one for each span of rows."""

    def __init__(self, folder: Path, spans: list[Rows], *, timed: bool, numbered: bool) -> None:
        """Look at a folder; `numbered` says whether ratings bring the lines that they stand in."""
        self.spans, self._folder = spans, folder
        there = {"time": timed, "line": numbered}
        self._type = np.dtype([field for field in _FIELDS if there.get(field[0], True)])
        self._starts = np.array([start for start, _ in spans], dtype=np.int64)

    def add(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Append ratings to the files of their rows; columns are the fields'."""
        rows = columns["row"]
        bucket = (np.searchsorted(self._starts, rows, side="right") - 1).astype(np.int32)
        order, starts = _order(bucket, len(self.spans))
        records = np.empty(len(rows), self._type)
        for field in self._type.names or ():
            records[field] = columns[field][order]
        for at in np.flatnonzero(np.diff(starts)).tolist():
            with self._path(at).open("ab") as file:
                file.write(records[starts[at] : starts[at + 1]].view(np.uint8).data)

    def sync(self) -> None:
        """Have all files on the disk."""
        for at in range(len(self.spans)):
            if self._path(at).exists():
                with self._path(at).open("rb") as file:
                    os.fsync(file.fileno())

    def sorted(self, at: int, others: int, duplicates: Duplicates | None) -> tuple[Block, Merged]:
        """Return one bucket as a block, repeated pairs merged; the other side has `others` rows."""
        start, stop = self.spans[at]
        path = self._path(at)
        records = np.fromfile(path, self._type) if path.exists() else np.zeros(0, self._type)
        columns = {field: records[field] for field in self._type.names or ()}
        order, _ = _order(np.ascontiguousarray(columns["other"]), others)
        by_row, _ = _order(columns["row"][order] - np.int32(start), stop - start)
        order = order[by_row]
        columns = {field: column[order] for field, column in columns.items()}
        del records
        columns, merged = merge(columns, others, duplicates)
        rows, indices, values = (columns[field] for field in ("row", "other", "rating"))
        return Block.of(start, stop, rows, indices, values, columns.get("time")), merged

    def discard(self, at: int) -> None:
        """Remove a bucket that has become a block."""
        self._path(at).unlink(missing_ok=True)

    def _path(self, at: int) -> Path:
        return self._folder / f"{at:05d}.bucket"


def _order(rows: npt.NDArray[np.int32], size: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    order = np.empty(len(rows), dtype=np.int32 if len(rows) < 2**31 else np.int64)
    starts = np.empty(size + 1, dtype=np.int64)
    order_by(rows, starts, order)
    return order, starts
