"""Files of one record after another with named fields: JSON, Python's dicts, ``key: value``."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.data.columns.checks import Where
from penchant.data.columns.gather import Batch
from penchant.data.columns.opened import Opened, Places
from penchant.data.files.encoding import decode
from penchant.data.files.stream import decoded_chunks, packing, read_head, whole_lines
from penchant.errors import DataError, SourceError

_RECORDS = 50_000
_SAMPLE = 500
_LARGEST = 256 << 20  # bytes of one record
_FIELD = re.compile(r"([\w][\w/ .-]{0,60}?): (.*)")
Record = dict[str, Any]


def is_json(head: str) -> bool:
    """Return whether a text begins as JSON objects do, or a list of them."""
    return bool(re.match(r"\s*(\[\s*)?\{", head))


def is_fields(head: str) -> bool:
    """Return whether a text is ``key: value`` lines, with an empty line after each record."""
    lines = [line for line in head.splitlines()[:20] if line.strip()]
    fields = [match for line in lines if (match := _FIELD.fullmatch(line.rstrip()))]
    return len(fields) >= 3 and len(fields) >= 0.6 * len(lines) and "/" in fields[0][1]


def open_json(path: Path) -> Opened:
    """Open a file of JSON objects, one a line or in a list, or of Python's dicts, one a line.

    Raises:
        SourceError: the first record is neither.
    """
    head, whole = read_head(path, 1 << 20)
    text, _ = decode(path, head, whole, "utf-8")
    records = list(itertools.islice(_objects(text), _SAMPLE))
    if not records:
        first = next(filter(None, map(str.strip, text.splitlines())), "")
        if _literal(first) is None:
            raise SourceError(
                f"{path} begins as JSON does, but its first record cannot be read: "
                f"{first[:80]!r}. Give one object a line, or a list of objects."
            )
        return _opened(path, "Python dicts, one a line", lambda: _lines(path, _literal))
    if packing(path) in ("bzip2", "xz"):
        return _opened(path, "JSON, one object a line", lambda: _lines(path, _json))
    return _by_duckdb(path, records)


def open_fields(path: Path) -> Opened:
    """Open a file of ``key: value`` lines with an empty line after each record."""
    return _opened(path, "'key: value' lines", lambda: _blocks(path))


def _by_duckdb(path: Path, records: list[Record]) -> Opened:
    names = _names(records)

    def batches(places: Places) -> Iterator[Batch]:
        chosen = ", ".join(f"{_name(names[at])} AS {role}" for role, at in places.items())
        used = sorted({names[at] for at in places.values()})
        for batch in _query(path, used, chosen, ""):
            yield dict(zip(places, batch.columns, strict=True))

    def locate(row: int, at: int) -> Where:
        tail = f" LIMIT 1 OFFSET {row}"
        found = next(_query(path, [names[at]], _name(names[at]), tail)).column(0)[0].as_py()
        return Where(f"{path}, record {row + 1:,}", found or "")

    sample = [[_shown(record.get(name)) for record in records] for name in names]
    return Opened(str(path), path.name, f"{path.name}: JSON", names, sample, batches, locate)


def _query(path: Path, used: list[str], chosen: str, tail: str) -> Iterator[pa.RecordBatch]:
    import duckdb

    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in used)
    packed = {"gzip": "gzip", "zstd": "zstd"}.get(packing(path) or "", "none")
    source = (
        f"read_json({_quoted(_pattern(path))}, columns = {{{columns}}}, compression = '{packed}', "
        f"maximum_object_size = {_LARGEST // 16})"
    )
    with duckdb.connect() as connection:
        for setting in ("enable_progress_bar", "autoinstall_known_extensions"):
            connection.execute(f"SET {setting} = false")
        try:
            reader = connection.sql(f"SELECT {chosen} FROM {source}{tail}")  # noqa: S608
            yield from reader.to_arrow_reader(_RECORDS)
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            why = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ")
            raise SourceError(f"{path} cannot be read: {why} Correct that record.") from None


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pattern(path: Path) -> str:
    """Return the path so that DuckDB, which reads patterns of names, takes it as it stands."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _opened(path: Path, kind: str, records: Any) -> Opened:
    first = list(itertools.islice(records(), _SAMPLE))
    names = _names(first)

    def batches(places: Places) -> Iterator[Batch]:
        for some in _chunked(records()):
            yield {role: _column(some, names[at]) for role, at in places.items()}

    def locate(row: int, at: int) -> Where:
        record = next(itertools.islice(records(), row, None))
        return Where(f"{path}, record {row + 1:,}", _shown(record.get(names[at])))

    sample = [[_shown(record.get(name)) for record in first] for name in names]
    told = f"{path.name}: {kind}"
    return Opened(str(path), path.name, told, names, sample, batches, locate)


def _chunked(records: Iterator[Record]) -> Iterator[list[Record]]:
    while some := list(itertools.islice(records, _RECORDS)):
        yield some


def _column(records: list[Record], name: str) -> pa.Array:
    return pa.array([_shown(record.get(name)) for record in records], pa.large_string())


def _names(records: list[Record]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for record in records for name in record))


def _shown(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _objects(text: str) -> Iterator[Record]:
    """Yield the objects that stand whole in the head of a file."""
    decoder, at = json.JSONDecoder(), 0
    while found := re.compile(r"[\s,\[]*(?=\{)").match(text, at):
        try:
            record, at = decoder.raw_decode(text, found.end())
        except ValueError:
            return
        yield record


def _lines(path: Path, parse: Any) -> Iterator[Record]:
    number = 0
    for lines in whole_lines(decoded_chunks(path, "utf-8"), path):
        for line in lines.decode("utf-8", errors="replace").split("\n"):
            number += 1
            if not line.strip():
                continue
            record = parse(line.strip())
            if record is None:
                raise DataError(
                    f"{path}, line {number:,}: {line[:80]!r} is no record. Correct that line."
                )
            yield record


def _json(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _literal(line: str) -> Record | None:
    """Read a Python dict of plain values; nothing in it is run."""
    try:
        record = ast.literal_eval(line)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _blocks(path: Path) -> Iterator[Record]:
    """Yield a record for each run of lines; lines that are no ``key: value`` go on a text."""
    head, whole = read_head(path)
    _, codec = decode(path, head, whole, None)
    record: Record = {}
    for lines in whole_lines(decoded_chunks(path, codec), path):
        for line in lines.decode("utf-8", errors="replace").split("\n"):
            bare = line.strip()
            if not bare and record:
                yield record
                record = {}
            elif found := _FIELD.fullmatch(bare):
                record[found[1]] = found[2]
    if record:
        yield record
