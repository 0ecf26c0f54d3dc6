"""Text files, read by Arrow batch for batch; slow Python only where a line is at fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from penchant.data.columns.gather import Batch, as_whole
from penchant.data.files import faults, headed
from penchant.data.files.layout import SPACES, Layout
from penchant.data.files.stream import Pipe, decoded_chunks, packing, whole_lines
from penchant.errors import DataError

__all__ = ["as_whole", "batches", "read", "read_columns", "typed"]

_BLOCK = 8 << 20
_MARK = b"\x1f"  # stands for separators of more than one letter
_COMMENTS = re.compile(rb"^[#%].*\n?", re.M)
_GAPS = re.compile(rb"[ \t]+")
_EDGES = re.compile(rb"^[ \t]+|[ \t]+(?=\r?$)", re.M)


def batches(layout: Layout, places: Mapping[str, int]) -> Iterator[Batch]:
    """Yield the columns of some roles as text, batch for batch.

    Raises:
        SourceError: the file is damaged, ends too early or holds bytes that are no text.
        DataError: a line has too many or too few fields.
    """
    for batch in read(layout, sorted(set(places.values()))):
        yield {role: batch[f"c{at}"] for role, at in places.items()}


def read_columns(layout: Layout) -> tuple[pa.Table, Layout]:
    """Read all columns as text, null where a field is empty; for side tables."""
    names = layout.header or tuple(f"column{at}" for at in range(layout.width))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{layout.path} has two columns named {twice!r}. Rename one of them.")
    table = pa.Table.from_batches(list(read(layout, range(layout.width))))
    columns = [pc.utf8_trim_whitespace(column) for column in table.columns]
    bare = [pc.if_else(pc.equal(c, ""), pa.scalar(None, c.type), c) for c in columns]
    return pa.table(dict(zip(names, bare, strict=True))), layout


def read(layout: Layout, places: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield some columns; where quoted fields turn out to hold line ends, start with those anew."""
    done = 0
    for lines_in_quotes in (_shows_lines_in_quotes(layout), True):
        seen = 0
        try:
            for batch in _open(layout, places, lines_in_quotes):
                new = batch.slice(max(0, done - seen))
                seen += batch.num_rows
                if seen > done and new.num_rows:
                    yield new
                    done = seen
        except pa.ArrowException as error:
            if lines_in_quotes or not layout.quoted or faults.is_no_text(error):
                raise faults.explain(layout, error) from None
        else:
            return


def _open(layout: Layout, places: Sequence[int], lines_in_quotes: bool) -> Any:
    import pyarrow.csv

    separator = layout.separator if len(layout.separator) == 1 else _MARK.decode()
    columns = [f"c{at}" for at in range(layout.width)]
    chosen = [f"c{at}" for at in places]
    return pyarrow.csv.open_csv(
        _source(layout),
        read_options=pyarrow.csv.ReadOptions(column_names=columns, block_size=_BLOCK),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=separator,
            quote_char='"' if layout.quoted else False,
            escape_char="\\" if layout.escaped else False,
            newlines_in_values=lines_in_quotes,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=chosen,
            column_types=dict.fromkeys(chosen, pa.large_string()),
            strings_can_be_null=False,
        ),
    )


def _source(layout: Layout) -> Any:
    """Return the records as Arrow reads them: the file itself, if it is plain, else a pipe."""
    plain = layout.encoding == "utf-8" and packing(layout.path) is None
    if plain and not _needs_change(layout):
        file = pa.OSFile(str(layout.path))
        bom = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
        file.seek(layout.start + bom)
        return file
    return pa.PythonFile(Pipe(_changed(layout)), mode="r")


def _needs_change(layout: Layout) -> bool:
    several = len(layout.separator) > 1 or layout.separator == SPACES
    return several or layout.comment or layout.returns or layout.blocks


def _changed(layout: Layout) -> Iterator[bytes]:
    pieces = decoded_chunks(layout.path, layout.encoding, layout.start)
    if layout.returns:
        pieces = (piece.replace(b"\r", b"\n") for piece in pieces)
    if not _needs_change(layout):
        yield from pieces
        return
    lined = whole_lines(pieces, layout.path, before=layout.skip)
    if layout.blocks:
        lined = headed.unblocked(lined, layout.separator.encode())
    for lines in lined:
        bare = _COMMENTS.sub(b"", lines) if layout.comment else lines
        if layout.separator == SPACES:
            yield _GAPS.sub(b" ", _EDGES.sub(b"", bare))
        elif len(layout.separator) > 1:
            yield bare.replace(layout.separator.encode(), _MARK)
        else:
            yield bare


def _shows_lines_in_quotes(layout: Layout) -> bool:
    return layout.quoted and any("\n" in field for row in layout.sample for field in row)


def typed(table: pa.Table, key: str) -> pa.Table:
    """Give each text column of a side table, but for its id column, the type of all its entries.

    Whole numbers become int64 (with a leading zero they stay text), numbers float64, and genres
    that stand between pipes become lists.
    """
    names = table.column_names
    return pa.table({n: table[n] if n == key else _typed(n, table[n]) for n in names})


def _typed(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name.lower() in ("genre", "genres"):
        return pc.split_pattern(column, "|")
    if column.null_count == len(column):
        return column
    whole = as_whole(column)
    if whole is not None:
        return whole
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        return column
    leading_zero = pc.any(pc.match_substring_regex(column, r"^[+-]?0\d")).as_py()
    return column if leading_zero else numbers
