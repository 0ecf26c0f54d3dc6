"""Text files, read by DuckDB into Arrow columns; slow Python only where a line is at fault."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from penchant.errors import DataError, SourceError
from penchant.sources.columns import Roles
from penchant.sources.layout import Layout, is_number, open_bytes, quoted_records

_SETTINGS = {
    "TimeZone": "UTC",
    "enable_progress_bar": "false",  # standard output is not ours
    "autoinstall_known_extensions": "false",  # nothing is downloaded behind the user's back
}
_CODECS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1"}


def read_ratings(layout: Layout, roles: Roles) -> tuple[pa.Table, Layout]:
    """Read the columns user, item, rating and, where there is one, timestamp.

    Ids are int64 where each of them is written as a whole number is (no leading zero), text else.
    What cannot be read as a number or a time is null: `checks` finds it and says where it stands.
    The layout is returned too, since the encoding may have been seen only now.
    """
    text = {role for role in ("user", "item") if not _canonical(layout, getattr(roles, role))}
    while True:
        table, layout = _query(layout, _projection(layout, roles, text))
        other = {role for role in ("user", "item") if role not in text}
        other = {role for role in other if table[role].null_count}
        if not other:
            return table, layout
        text |= other


def read_columns(layout: Layout) -> tuple[pa.Table, Layout]:
    """Read all columns as text, null where a field is empty; for side tables."""
    names = layout.header or tuple(f"column{at}" for at in range(layout.width))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{layout.path} has two columns named {twice!r}. Rename one of them.")
    parts = [f"{_text(at)} AS c{at}" for at in range(layout.width)]
    table, layout = _query(layout, ", ".join(parts))
    return table.rename_columns(list(names)), layout


def records(layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield each record below the header with the number of its first line; slow.

    Raises `SourceError` where the file ends too early, `DataError` where quotes don't fit.
    """
    codec = _CODECS[layout.encoding]
    try:
        with (
            open_bytes(layout.path) as binary,
            io.TextIOWrapper(binary, encoding=codec, errors="replace", newline="") as file,
        ):
            rows = quoted_records(file, layout.separator) if layout.quoted else _bare(file, layout)
            yield from itertools.islice(rows, layout.header is not None, None)
    except csv.Error as error:
        raise DataError(
            f"{layout.path}, line {error.args[0]:,}: the quotes don't fit ({error.args[1]}). "
            f"Inside a quoted field, a quote is written twice."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(layout, error) from None


def _bare(file: TextIO, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(file, start=1):
        bare = line.rstrip("\r\n")
        if bare:
            yield number, bare.split(layout.separator)


def place(layout: Layout, row: int) -> tuple[str, list[str]]:
    """Return where record `row`, from 0, stands ("ratings.csv, line 7"), and its fields."""
    number, fields = next(itertools.islice(records(layout), row, None))
    return f"{layout.path}, line {number:,}", fields


def _canonical(layout: Layout, at: int) -> bool:
    fields = [record[at].strip() for record in layout.sample if at < len(record)]
    return all(field == str(int(field)) for field in fields if field and _whole(field)) and all(
        _whole(field) for field in fields if field
    )


def _whole(field: str) -> bool:
    return field.lstrip("-").isascii() and field.lstrip("-").isdigit()


def _text(at: int) -> str:
    return f"nullif(trim(c{at}), '')"


def _projection(layout: Layout, roles: Roles, text: set[str]) -> str:
    """Return the SELECT list; streaming, so that no column of text is held unless it is needed."""
    parts = [f"{_id(getattr(roles, role), role in text)} AS {role}" for role in ("user", "item")]
    parts.append(f"TRY_CAST(trim(c{roles.rating}) AS DOUBLE) AS rating")
    if roles.timestamp is not None:
        parts.append(f"{_time(layout, roles.timestamp)} AS timestamp")
    return ", ".join(parts)


def _id(at: int, as_text: bool) -> str:
    if as_text:
        return _text(at)
    whole = f"TRY_CAST(trim(c{at}) AS BIGINT)"
    return f"CASE WHEN CAST({whole} AS VARCHAR) = trim(c{at}) THEN {whole} END"


def _time(layout: Layout, at: int) -> str:
    """Seconds as numbers, or dates in ISO form; which of the two, the head of the file says."""
    fields = [record[at] for record in layout.sample if at < len(record) and record[at].strip()]
    if sum(map(is_number, fields)) * 2 >= len(fields):
        return f"TRY_CAST(trim(c{at}) AS DOUBLE)"
    return f"epoch(TRY_CAST(trim(c{at}) AS TIMESTAMPTZ))"


def _query(layout: Layout, projection: str) -> tuple[pa.Table, Layout]:
    import duckdb

    with duckdb.connect() as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"SET {name} = '{value}'")
        try:
            return _run(connection, layout, projection), layout
        except duckdb.Error as error:
            if layout.encoding == "utf-8" and "unicode" in str(error):
                return _query(_not_utf8(layout), projection)
        _require_width(layout)  # says which line is at fault, if any is
        columns = _columns(layout)  # none: there are two kinds of line ends, say
        return connection.from_arrow(columns).project(projection).to_arrow_table(), layout


def _unreadable(layout: Layout, why: object) -> SourceError:
    return SourceError(f"{layout.path} cannot be read: {why}. Is it damaged, or cut short?")


def _run(connection: Any, layout: Layout, projection: str) -> pa.Table:
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(layout.width))
    quote = '"' if layout.quoted else ""
    options = {
        "delim": _literal(layout.separator),
        "header": str(layout.header is not None).lower(),
        "quote": _literal(quote),
        "escape": _literal(quote),
        "encoding": _literal(layout.encoding),
        "columns": f"{{{columns}}}",
        "auto_detect": "false",
        "skip": str(layout.skip),
    }
    listed = ", ".join(f"{name} = {value}" for name, value in options.items())
    source = f"read_csv({_literal(_pattern(layout.path))}, {listed})"
    return connection.sql(f"SELECT {projection} FROM {source}").to_arrow_table()  # noqa: S608


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pattern(path: Path) -> str:
    """Return the path so that DuckDB, which reads patterns of names, takes it as it stands."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _not_utf8(layout: Layout) -> Layout:
    """Return the layout as Latin-1, unless the file is UTF-8 with damaged bytes in it."""
    good, first_bad = 0, 0
    with open_bytes(layout.path) as file:
        for number, line in enumerate(file, start=1):
            try:
                good += not line.isascii() and bool(line.decode("utf-8"))
            except UnicodeDecodeError:
                first_bad = first_bad or number
    if good:
        raise SourceError(
            f"{layout.path}, line {first_bad:,}: bytes that are no text, though {good:,} other "
            f"lines are UTF-8. Correct that line, or save the file as UTF-8."
        )
    return dataclasses.replace(layout, encoding="latin-1")


def _require_width(layout: Layout) -> None:
    for number, fields in records(layout):
        if len(fields) != layout.width:
            raise DataError(
                f"{layout.path}, line {number:,}: {len(fields)} fields instead of "
                f"{layout.width}: {layout.separator.join(fields)[:80]!r}. Correct that line, or "
                f"give the separator that the file has."
            )


def _columns(layout: Layout) -> pa.Table:
    """Read the file without DuckDB; slow."""
    columns = zip(*(fields for _, fields in records(layout)), strict=True)
    return pa.table({f"c{at}": pa.array(column) for at, column in enumerate(columns)})


def typed(table: pa.Table, key: str) -> pa.Table:
    """Give each text column of a side table, but for its id column, the type of all its entries.

    Whole numbers become int64 (with a leading zero they stay text), numbers float64, and genres
    that stand between pipes become lists.
    """
    names = table.column_names
    return pa.table({n: table[n] if n == key else _typed(n, table[n]) for n in names})


def as_whole(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column as int64 if each entry is written as a whole number is, else None."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    plain = numbers.cast(pa.large_string()).equals(column.cast(pa.large_string()))
    return numbers if plain else None


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
