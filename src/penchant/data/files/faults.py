"""Where in a text file something is wrong: quick for plain lines, exact for quoted ones."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from penchant.data.files import encoding
from penchant.data.files.headed import HEADS
from penchant.data.files.layout import SPACES, Layout, quoted_records, split_line
from penchant.data.files.stream import decoded_chunks, unreadable, whole_lines
from penchant.errors import DataError, PenchantError, SourceError

_BLANK = re.compile(rb"^[ \t\r]*\n", re.M)
_COMMENT = re.compile(rb"^[#%].*\n", re.M)


class OtherEncodingError(Exception):
    """The file isn't in the encoding that its head is in; says which it is."""

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self.codec = codec


def place(layout: Layout, row: int) -> tuple[str, list[str]]:
    """Return where record `row`, from 0, stands ("ratings.csv, line 7"), and its fields."""
    passed = 0
    for first, lines in _lines(layout):
        count = _count(layout, lines)
        if passed + count > row:
            for number, fields in _records(layout, first, lines):
                if passed == row:
                    return f"{layout.path}, line {number:,}", fields
                passed += 1
        passed += count
    return f"{layout.path}, record {row + 1:,}", [""] * layout.width  # pragma: no cover


def is_no_text(error: Exception) -> bool:
    """Return whether Arrow says that a field is no UTF-8."""
    text = str(error)
    return text.startswith("In CSV column") and text.endswith("invalid UTF8 data")


def explain(layout: Layout, error: Exception) -> PenchantError | OtherEncodingError:
    """Return the error to raise where Arrow cannot read a file."""
    if is_no_text(error):
        return OtherEncodingError(encoding.narrow(layout.path))
    if isinstance(error, OSError):
        return unreadable(layout.path, error)
    return _wrong_width(layout) or _wrong_width(layout, each=True) or _strange(layout, error)


def _strange(layout: Layout, error: Exception) -> SourceError:
    return SourceError(f"{layout.path} cannot be read: {error}. Export it as plain CSV.")


def _wrong_width(layout: Layout, each: bool = False) -> DataError | None:
    """Find the first record with another number of fields; by counting separators, if need be."""
    try:
        for first, lines in _lines(layout):
            if not each and _adds_up(layout, lines):
                continue
            for number, fields in _records(layout, first, lines, strict=True):
                if len(fields) != layout.width:
                    joined = layout.separator.join(fields)[:80]
                    return DataError(
                        f"{layout.path}, line {number:,}: {len(fields)} fields instead of "
                        f"{layout.width}: {joined!r}. Correct that line, or give the separator "
                        f"that the file has."
                    )
    except csv.Error as error:
        return DataError(
            f"{layout.path}, line {error.args[0]:,}: the quotes don't fit ({error.args[1]}). "
            f"Inside a quoted field, a quote is written twice."
        )
    return None


def _adds_up(layout: Layout, lines: bytes) -> bool:
    """Return whether a piece holds as many separators as its lines need, and no quotes."""
    if (layout.quoted and b'"' in lines) or layout.separator == SPACES:
        return False
    marks = lines.count(layout.separator.encode())
    return marks == _count(layout, lines) * (layout.width - 1)


def _count(layout: Layout, lines: bytes) -> int:
    """Return how many records a piece of whole lines holds."""
    if layout.quoted and b'"' in lines:
        return sum(1 for _ in _records(layout, 1, lines))
    count = lines.count(b"\n") + (not lines.endswith(b"\n"))
    if b"\n\n" in lines or b"\n\r" in lines or b"\n " in lines or lines[:1] in b"\r\n \t":
        count -= len(_BLANK.findall(lines))
        count -= not lines.endswith(b"\n") and not lines.rpartition(b"\n")[2].strip()
    count -= len(HEADS.findall(lines)) if layout.blocks else 0
    return count - (len(_COMMENT.findall(lines)) if layout.comment else 0)


def _lines(layout: Layout) -> Iterator[tuple[int, bytes]]:
    """Yield pieces of whole lines, below the header, with the number of their first line."""
    number = layout.skip + 1
    pieces = decoded_chunks(layout.path, layout.encoding, layout.start)
    if layout.returns:
        pieces = (piece.replace(b"\r", b"\n") for piece in pieces)
    for lines in whole_lines(pieces, layout.path, layout.quoted, layout.skip):
        yield number, lines
        number += lines.count(b"\n")


def _records(
    layout: Layout, first: int, lines: bytes, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    text = lines.decode("utf-8", errors="replace")
    if layout.quoted and '"' in text and layout.separator != SPACES:
        file = io.StringIO(text, newline="")
        try:
            for number, fields in quoted_records(file, layout.separator, strict=strict):
                yield first + number - 1, fields
        except csv.Error as error:
            raise csv.Error(first + error.args[0] - 1, error.args[1]) from None
        return
    for number, line in enumerate(text.split("\n"), start=first):
        if not line.strip() or (layout.comment and line[0] in "#%"):
            continue
        fields = split_line(line, layout.separator)
        if not layout.blocks:
            yield number, fields
        elif not HEADS.fullmatch(line.encode()):
            yield number, ["", *fields]
