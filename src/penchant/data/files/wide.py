"""Matrices: a row for each user, a column for each item, a rating or nothing in each cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from penchant.data.columns.checks import Where
from penchant.data.columns.content import is_grade
from penchant.data.columns.gather import Batch
from penchant.data.columns.names import NAMES
from penchant.data.columns.opened import Opened, Places
from penchant.data.columns.roles import KNOWN, plain
from penchant.data.files import text
from penchant.data.files.faults import place
from penchant.data.files.layout import Layout

_LEAST = 10  # a table without names is no narrower
_FLAGS = ("99", "-1", "255", "999", "")


def is_wide(layout: Layout) -> bool:
    """Return whether a file looks like a matrix: many columns, and nothing in them but ratings."""
    names = [plain(name) for name in layout.header or ()]
    if sum(name in KNOWN for name in names[1:]) or layout.width < (4 if names else _LEAST):
        return False
    if names and not (names[0] in KNOWN or names[0] in ("", "id", "index")):
        return False
    cells = [entry for at in range(1, layout.width) for entry in layout.column(at)]
    return any(cells) and all(map(is_grade, cells))


def open_wide(layout: Layout) -> Opened:
    """Open a matrix as a table of three columns: user, item, rating; empty cells are left out."""
    by_item = layout.header is not None and plain(layout.header[0]) in NAMES["item"]
    counted = layout.header is None and _counts_first(layout)
    cut = int(layout.header is not None or counted)
    names = list(layout.header or map(str, range(1 - cut, layout.width + 1 - cut)))[cut:]
    across = len(names)
    down, over = ("item", "user") if by_item else ("user", "item")
    order = {"user": 0, "item": 1, "rating": 2}

    def batches(places: Places) -> Iterator[Batch]:
        first = 1
        for batch in text.read(layout, range(layout.width)):
            count = batch.num_rows
            ids = batch.column(0) if layout.header else pa.array(range(first, first + count))
            first += count
            yield _melted(batch, ids, names, cut, (down, over))

    def locate(row: int, at: int) -> Where:
        where, fields = _cell(layout, row, cut)
        return Where(where, fields)

    sample: list[list[str]] = [[], [], []]
    told = f"{layout.path.name}: {layout.describe()}; a matrix, {down}s down, {across:,} {over}s"
    where, name = str(layout.path), layout.path.name
    return Opened(where, name, f"{told} across", tuple(order), sample, batches, locate)


def _melted(
    batch: pa.RecordBatch, ids: pa.Array, names: list[str], cut: int, axes: tuple[str, str]
) -> Batch:
    """Return the cells of some rows that aren't empty, row for row."""
    across, count = len(names), batch.num_rows
    rows = np.repeat(np.arange(count, dtype=np.int32), across)
    columns = np.tile(np.arange(across, dtype=np.int32), count)
    cells = pa.concat_arrays(batch.columns[cut:]).take(pa.array(columns * count + rows))
    filled = np.flatnonzero(
        np.array([bool(cell.strip()) for cell in cells.dictionary_encode().dictionary.to_pylist()])[
            cells.dictionary_encode().indices.to_numpy()
        ]
    )
    down = pa.DictionaryArray.from_arrays(pa.array(rows[filled]), ids)
    over = pa.DictionaryArray.from_arrays(pa.array(columns[filled]), pa.array(names))
    return {axes[0]: down.dictionary_decode(), axes[1]: over, "rating": cells.take(filled)}


def _cell(layout: Layout, row: int, cut: int) -> tuple[str, str]:
    """Return where the row-th filled cell stands, and its entry."""
    passed, line = 0, 0
    while True:
        where, fields = place(layout, line)
        filled = [field for field in fields[cut:] if field.strip()]
        if passed + len(filled) > row:
            return where, filled[row - passed].strip()
        passed, line = passed + len(filled), line + 1


def _counts_first(layout: Layout) -> bool:
    """Return whether the first entry of each row says how many ratings follow."""
    rows = [row for row in layout.sample if len(row) == layout.width]
    return any(
        all(row[0].strip() == str(sum(entry.strip() != flag for entry in row[1:])) for row in rows)
        for flag in _FLAGS
    )
