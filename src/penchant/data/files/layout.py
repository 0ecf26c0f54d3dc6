"""How a text file is laid out: encoding, separator, quotes, header; guessed from its head."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from penchant.data.columns.roles import KNOWN, plain
from penchant.data.files import headed as blocks
from penchant.data.files.encoding import NAMES as _ENCODINGS
from penchant.data.files.encoding import decode
from penchant.data.files.stream import read_head, read_samples
from penchant.errors import DataError, SettingsError

_LINES = 500
SPACES = " "
_NAMES = {
    "\t\t": "two tabs", "\t": "tabs", "::": "'::'", ";": "semicolons", "|": "pipes", ",": "commas",
    "\x01": "control-A", "^": "'^'", "~": "'~'", SPACES: "spaces",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_DATE = re.compile(
    r"\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d\d|.*\b[A-Z][a-z]{2,8}\b.*\d{4}"
)
_COMMENT = re.compile(r"[#%]")


@dataclasses.dataclass(frozen=True)
class Layout:
    """What it takes to read a text file, and the first records of it, without the header.

    Attributes:
        path: the file.
        encoding: a codec of Python's: "utf-8", "utf-16", "cp1252", "latin-1" …
        separator: what stands between two fields; one space stands for any run of white space.
        quoted: whether fields may stand in double quotes.
        header: the names of the columns, or None.
        sample: the fields of the first records, and of some further down.
        skip: how many lines come first: empty ones, comments, the header.
        start: the same in bytes of UTF-8.
        comment: whether lines that begin with # or % are comments.
        escaped: whether a quote inside a quoted field stands behind a backslash.
        returns: whether lines end in a carriage return alone.
        blocks: whether lines stand below the id that they share: ``12:`` or ``7|20`` on a line of
            its own; it becomes their first field.
    """

    path: Path
    encoding: str
    separator: str
    quoted: bool
    header: tuple[str, ...] | None
    sample: tuple[tuple[str, ...], ...]
    skip: int = 0
    start: int = 0
    comment: bool = False
    escaped: bool = False
    returns: bool = False
    blocks: bool = False

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.header if self.header is not None else self.sample[0])

    def column(self, at: int) -> list[str]:
        """Return the sample's entries of one column."""
        return [row[at].strip() for row in self.sample if len(row) == self.width]

    def describe(self) -> str:
        """Return the layout as part of a line for people."""
        parts = [
            f"separated by {_NAMES.get(self.separator, repr(self.separator))}",
            "in blocks" if self.blocks else "no header" if self.header is None else "header",
        ]
        if self.encoding != "utf-8":
            parts.append(_ENCODINGS.get(self.encoding, self.encoding))
        return ", ".join(parts)


def guess_layout(
    path: Path,
    separator: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> Layout:
    """Look at the head of a text file, and at samples further down, and say how it is laid out.

    Args:
        path: the file, packed or not.
        separator: what stands between two fields, 1 to 4 characters, if it is known.
        header: whether the first line names the columns, if it is known.
        encoding: how letters are written, if it is known.

    Raises:
        SourceError: it cannot be read, or holds bytes that are no text.
        DataError: it is empty, or has only a header, or no separator is found.
        SettingsError: the separator or the encoding is of no use.
    """
    if separator not in (None, "\t", "\t\t", "\x01") and not (
        1 <= len(separator) <= 4 and separator.isprintable()
    ):
        raise SettingsError(f"separator must be 1 to 4 characters, not {separator!r}.")
    raw, whole = read_head(path)
    text, codec = decode(path, raw, whole, encoding)
    if not text.strip():
        raise DataError(f"{path} is empty: there are no ratings in it.")
    returns = "\r" in text and "\n" not in text
    text = text.replace("\r", "\n") if returns else text
    first = blocks.first_line(text)
    if first is not None and separator is None and header is None:
        return _of_blocks(path, text, codec, first, returns)
    layout = _of_text(path, text, codec, separator, header, returns)
    return layout if whole or codec == "utf-16" or returns else _with_more(layout)


def _of_blocks(path: Path, text: str, codec: str, first: str, returns: bool) -> Layout:
    """Return the layout of lines in blocks, whose columns have no names but a known order."""
    body = text[text.find("\n") + 1 :]
    mark = _guess_separator(path, "\n".join(blocks.lines_of(body)))
    records = [tuple(line.split(mark)) for line in blocks.lines_of(text, mark)][:_LINES]
    names = blocks.names(first, len(records[0]))
    return Layout(path, codec, mark, False, names, tuple(records), returns=returns, blocks=True)


def _of_text(
    path: Path,
    text: str,
    codec: str,
    separator: str | None,
    header: bool | None,
    returns: bool,
) -> Layout:
    before, comments = _preamble(text)
    body = text[before:]
    if not body.strip():
        raise DataError(f"{path} is empty: there are only comments in it.")
    mark = separator or _guess_separator(path, body)
    quoted = mark not in ("::", "\t\t") and _is_quoted(body, mark)
    records = split_records(body, mark, quoted)
    named = _is_header(records) if header is None else header
    names = tuple(name.strip() for name in records[0]) if named else None
    if names is None and header is None:
        names = _named_in_comment(comments, mark, len(records[0]))
    sample = records[named:]
    if not sample:
        raise DataError(f"{path} has a header ({mark.join(records[0])}) and no ratings below it.")
    if (
        names is not None
        and len(sample[0]) == len(names) + 1
        and all(len(row) == len(names) + 1 for row in sample)
    ):
        names = _with_one_more(names, sample)
    head = before + (_first_record(body, mark, quoted) if named else 0)
    first = text[:head]
    return Layout(
        path,
        codec,
        mark,
        quoted,
        names,
        tuple(sample),
        first.count("\n"),
        len(first.encode()),
        bool(comments),
        quoted and bool(re.search(rf'\\"[^"\r\n{re.escape(mark)}]', body)),
        returns,
    )


def _with_one_more(names: tuple[str, ...], sample: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Name each column where lines have one field more than the header.

    It is the last, empty behind a separator at the line's end, or the first, a row's own number
    that counts up from line to line; else the names are left as they are, for the lines to be told.
    """
    if not any(row[-1].strip() for row in sample):
        return (*names, "")
    first = [row[0].strip() for row in sample]
    start = int(first[0]) if first[0].isdecimal() else 0
    counted = len(first) > 1 and first == [str(start + at) for at in range(len(first))]
    return ("", *names) if counted else names


def _with_more(layout: Layout) -> Layout:
    """Add records from further down to the sample; those that are cut in two don't fit and go."""
    more: list[tuple[str, ...]] = []
    for lines in read_samples(layout.path):
        text = lines.decode(layout.encoding, errors="replace")
        found = split_records(text, layout.separator, layout.quoted)
        more += [row for row in found[:100] if len(row) == layout.width]
    return dataclasses.replace(layout, sample=layout.sample + tuple(more))


def split_records(text: str, separator: str, quoted: bool) -> list[tuple[str, ...]]:
    """Return the fields of the first records of a text; blank lines are no records."""
    if quoted and separator != SPACES:
        rows = quoted_records(io.StringIO(text, newline=""), separator, strict=False)
        return [tuple(row) for _, row in itertools.islice(rows, _LINES)]
    lines = (line for line in io.StringIO(text, newline=None) if line.strip())
    return [tuple(split_line(line, separator)) for line in itertools.islice(lines, _LINES)]


def split_line(line: str, separator: str) -> list[str]:
    """Return the fields of a line without quotes."""
    if separator != SPACES:
        return line.rstrip("\r\n").split(separator)
    return [field.strip('"') for field in line.split()]


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
            if any(row):
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
    """Return whether a field looks like seconds or a date, or is empty."""
    field = field.strip()
    return not field or is_number(field) or bool(_DATE.match(field))


def _preamble(text: str) -> tuple[int, list[str]]:
    """Return where the first line stands that is neither empty nor a comment, and the comments."""
    at, comments = 0, []
    for line in text.splitlines(keepends=True):
        if line.strip() and not _COMMENT.match(line):
            break
        if line.strip():
            comments.append(line.strip())
        at += len(line)
    if comments and comments[0].lower().startswith("%%matrixmarket matrix coordinate"):
        at += text[at:].find("\n") + 1  # the sizes
    return at, comments


def _named_in_comment(comments: list[str], mark: str, width: int) -> tuple[str, ...] | None:
    """Return the names that the last comment holds, where it is a header behind a # or %."""
    names = split_line(comments[-1].lstrip("#% "), mark) if comments else []
    known = sum(plain(name) in KNOWN for name in names)
    return tuple(name.strip() for name in names) if len(names) == width and known > 1 else None


def _first_record(body: str, mark: str, quoted: bool) -> int:
    """Return how long the first record is, with its line end."""
    if not quoted or mark == SPACES:
        return body.find("\n") + 1 or len(body)
    end = body.find("\n") + 1
    while body.count('"', 0, end) % 2 and body.find("\n", end) >= 0:
        end = body.find("\n", end) + 1
    return end


def _guess_separator(path: Path, text: str) -> str:
    """Take the separator by which most of the first lines have one width, the widest of equals.

    One that cuts the first line into names of columns goes before all.
    """
    best, mark = (0, 0.0, 1), ""
    for candidate in _NAMES:
        records = split_records(text, candidate, candidate == "," or _is_quoted(text, candidate))
        width, count = Counter(map(len, records)).most_common(1)[0] if records else (0, 0)
        named = sum(plain(name) in KNOWN for name in records[0]) if records else 0
        rank = (named if named > 1 else 0, count / max(1, len(records)), width)
        if width >= 2 and rank > best and not _is_weaker(candidate, mark, rank, best):
            best, mark = rank, candidate
    if not mark:
        raise DataError(
            f"No separator is found in {path}, whose first line is {text.splitlines()[0][:80]!r}: "
            f"neither tabs, commas, semicolons, pipes, '::' nor spaces. Give it: separator=…"
        )
    return mark


def _is_weaker(
    candidate: str, mark: str, rank: tuple[int, float, int], best: tuple[int, float, int]
) -> bool:
    """Refuse to cut wider than a mark that cuts as well: two tabs at each tab, fields at spaces."""
    narrower = mark == "\t\t" if candidate == "\t" else candidate == SPACES and best[2] >= 3
    return narrower and rank[:2] <= best[:2]


def _is_quoted(text: str, separator: str) -> bool:
    """Return whether fields stand in quotes: commas always may, others where the head shows it."""
    mark = re.escape(separator)
    shown = rf'(?:^|{mark})"[^"\n]*"(?:{mark}|\r?$)'
    return separator == "," or (len(separator) == 1 and bool(re.search(shown, text, re.M)))


def _is_header(records: Sequence[tuple[str, ...]]) -> bool:
    """Take a first line without numbers for a header, unless the second has none either.

    Where both are text alone, the first is a header if it holds a name that columns have.
    """
    known = sum(plain(name) in KNOWN and len(plain(name)) > 2 for name in records[0])
    if known > 1:
        return True
    if any(map(is_number, records[0])):
        return False
    if len(records) == 1 or any(map(is_number, records[1])):
        return True
    return known > 0
