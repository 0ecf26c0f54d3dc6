"""How a text file is laid out: encoding, separator, quotes, header; guessed from its head."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import itertools
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TextIO, cast

from penchant.errors import DataError, SettingsError, SourceError
from penchant.sources.columns import NAMES, plain

_HEAD = 262_144  # bytes looked at; far more than a hundred lines of any ratings file
_LINES = 100
_NAMES = {"\t": "tabs", "::": "'::'", ";": "semicolons", "|": "pipes", ",": "commas", " ": "spaces"}
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")


@dataclasses.dataclass(frozen=True)
class Layout:
    """What it takes to read a text file, and the first records of it, without the header.

    Attributes:
        path: the file.
        encoding: "utf-8", "utf-16" or "latin-1", as DuckDB calls them.
        separator: what stands between two fields.
        quoted: whether fields may stand in double quotes.
        header: the names of the columns, or None.
        sample: the fields of the first records.
        skip: how many empty lines come first.
    """

    path: Path
    encoding: str
    separator: str
    quoted: bool
    header: tuple[str, ...] | None
    sample: tuple[tuple[str, ...], ...]
    skip: int = 0

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.header if self.header is not None else self.sample[0])

    def describe(self) -> str:
        """Return the layout as part of a line for people."""
        parts = [
            f"separated by {_NAMES.get(self.separator, repr(self.separator))}",
            "no header" if self.header is None else "header",
        ]
        if self.encoding != "utf-8":
            parts.append({"latin-1": "Latin-1", "utf-16": "UTF-16"}[self.encoding])
        return ", ".join(parts)


def guess_layout(path: Path, separator: str | None = None, header: bool | None = None) -> Layout:
    """Look at the head of a text file and say how it is laid out.

    Args:
        path: the file; ``.gz`` is unpacked on the way.
        separator: what stands between two fields, 1 to 4 characters, if it is known.
        header: whether the first line names the columns, if it is known.

    Raises:
        SourceError: it cannot be read, or holds bytes that are no text.
        DataError: it is empty, or has only a header, or no separator is found.
        SettingsError: the separator is of no use.
    """
    if separator not in (None, "\t") and not (1 <= len(separator) <= 4 and separator.isprintable()):
        raise SettingsError(f"separator must be 1 to 4 characters, not {separator!r}.")
    text, encoding = _decoded(path, read_head(path))
    if not text.strip():
        raise DataError(f"{path} is empty: there are no ratings in it.")
    mark = separator or _guess_separator(path, text)
    quoted = mark != "::" and _is_quoted(text, mark)
    records = split_records(text, mark, quoted)
    named = _is_header(records) if header is None else header
    sample = records[named:]
    if not sample:
        raise DataError(f"{path} has a header ({mark.join(records[0])}) and no ratings below it.")
    names = tuple(name.strip() for name in records[0]) if named else None
    empty = text[: len(text) - len(text.lstrip("\r\n"))].count("\n")
    return Layout(path, encoding, mark, quoted, names, tuple(sample), empty)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked where its name ends in ``.gz``."""
    return cast("IO[bytes]", gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file."""
    try:
        with open_bytes(path) as file:
            return file.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None


def split_records(text: str, separator: str, quoted: bool) -> list[tuple[str, ...]]:
    """Return the fields of the first records of a text; blank lines are no records."""
    if quoted:
        rows = quoted_records(io.StringIO(text, newline=""), separator, strict=False)
        records = [tuple(row) for _, row in itertools.islice(rows, _LINES)]
    else:
        lines = itertools.islice(io.StringIO(text, newline=None), _LINES)
        bare = (line.rstrip("\n") for line in lines)
        records = [tuple(line.split(separator)) for line in bare if line]
    return records


def quoted_records(
    file: TextIO, separator: str, *, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a file with quotes, and the number of its first line.

    Raises `csv.Error` with that number before the message where quotes are not as they must be.
    """
    limit = csv.field_size_limit(sys.maxsize)  # reviews may be long
    first = 1
    try:
        reader = csv.reader(file, delimiter=separator, strict=strict)
        for row in reader:
            if row:
                yield first, row
            first = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(first, error) from None
    finally:
        csv.field_size_limit(limit)


def is_number(field: str) -> bool:
    """Return whether a field looks like a number, a decimal comma included."""
    return bool(_NUMBER.fullmatch(field.strip()))


def is_time(field: str) -> bool:
    """Return whether a field looks like seconds, like a date in ISO form, or is empty."""
    return is_number(field) or bool(re.match(r"\d{4}-\d\d-\d\d|$", field.strip()))


def _decoded(path: Path, head: bytes) -> tuple[str, str]:
    whole = len(head) < _HEAD
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, encoding = head[: len(head) // 2 * 2].decode("utf-16", errors="replace"), "utf-16"
    elif b"\0" in head:
        raise SourceError(
            f"{path} holds bytes that are no text (a zero byte at {head.index(0):,}). Unpack it, "
            f"or export it as CSV."
        )
    else:
        text, encoding = _utf8_or_latin1(head, whole)
    complete = text if whole else text[: text.rfind("\n") + 1] or text
    return complete, encoding


def _utf8_or_latin1(head: bytes, whole: bool) -> tuple[str, str]:
    last = len(head) if whole else head.rfind(b"\n") + 1  # never cut a character in two
    try:
        return head[:last].decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return head[:last].decode("latin-1"), "latin-1"


def _guess_separator(path: Path, text: str) -> str:
    """Take the separator by which most of the first lines have one width, the widest of equals."""
    best, mark = (0.0, 1), ""
    for candidate in _NAMES:
        records = split_records(text, candidate, candidate == "," or _is_quoted(text, candidate))
        width, count = Counter(map(len, records)).most_common(1)[0]
        agreement = (count / len(records), width)
        if width >= 2 and agreement > best:
            best, mark = agreement, candidate
    if not mark:
        raise DataError(
            f"No separator is found in {path}, whose first line is {text.splitlines()[0][:80]!r}: "
            f"neither tabs, commas, semicolons, pipes, '::' nor spaces. Give it: separator=…"
        )
    return mark


def _is_quoted(text: str, separator: str) -> bool:
    """Return whether fields stand in quotes: commas always may, others where the head shows it."""
    mark = re.escape(separator)
    shown = rf'(?:^|{mark})"[^"\n]*"(?:{mark}|\r?$)'
    return separator == "," or (len(separator) == 1 and bool(re.search(shown, text, re.M)))


def _is_header(records: Sequence[tuple[str, ...]]) -> bool:
    """Take a first line without numbers for a header, unless the second has none either.

    Where both are text alone, the first is a header if it holds a name that columns have.
    """
    if any(map(is_number, records[0])):
        return False
    if len(records) == 1 or any(map(is_number, records[1])):
        return True
    known = {name for names in NAMES.values() for name in names if len(name) > 2}
    return not known.isdisjoint(map(plain, records[0]))
