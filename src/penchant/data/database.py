"""Databases by URL and query: SQLite and PostgreSQL, read-only, batch for batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from penchant.data.columns.building import Reading
from penchant.data.columns.checks import Where
from penchant.data.columns.gather import Batch
from penchant.data.columns.grades import as_float
from penchant.data.columns.opened import Opened, Places, read_opened
from penchant.errors import DataError, MissingExtraError, SettingsError, SourceError
from penchant.ids import as_ids
from penchant.ratings import Ratings
from penchant.urls import URL

_ROWS = 50_000
_SAMPLE = 500
_SELECTING = frozenset(
    (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
)
_SCHEMES = ("sqlite", "postgresql", "postgres")
Rows = Iterator[list[tuple[Any, ...]]]


def is_url(source: str) -> bool:
    """Return whether a source is the URL of a database."""
    return "://" in source and source.partition("://")[0].partition("+")[0].lower() in _SCHEMES


def read_database(url: str, query: str | None, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings that a query selects, and one line that tells how they were read.

    The query runs in a transaction that may only read, and its rows are never held as a whole.

    Raises:
        SettingsError: there is no query.
        SourceError: the database cannot be reached, or refuses the query; no password is shown.
        MissingExtraError: PostgreSQL's driver isn't installed.
    """
    if not query or not query.strip():
        raise SettingsError(
            f"A database needs a query that selects user, item and rating: "
            f"load({URL(url)!r}, query='select …')."
        )
    return read_opened(_open(url, query), reading)


def _open(url: str, query: str) -> Opened:
    where = str(URL(url))
    with _reads(url) as select:
        names, rows = select(query)
        head: list[tuple[Any, ...]] = next(rows, [])[:_SAMPLE]
    sample = [["" if row[at] is None else str(row[at]) for row in head] for at in range(len(names))]

    def batches(places: Places) -> Iterator[Batch]:
        with _reads(url) as select:
            for some in select(query)[1]:
                yield {
                    role: _column([row[at] for row in some], role) for role, at in places.items()
                }

    def locate(row: int, at: int) -> Where:
        with _reads(url) as select:
            for some in select(query)[1]:
                if row < len(some):
                    return Where(f"{where}, row {row:,}", some[row][at])
                row -= len(some)
        return Where(where, None)  # pragma: no cover

    return Opened(where, "ratings", f"{where}: a query", tuple(names), sample, batches, locate)


def _column(entries: list[Any], role: str) -> pa.Array:
    """Return a column of a result as Arrow holds it; what is no number is no rating."""
    if role in ("user", "item"):
        known = [entry for entry in entries if entry is not None]
        kinds = {type(entry) for entry in known}
        if kinds - {int, str}:  # UUIDs, decimals …
            return pa.array([None if e is None else str(e) for e in entries], pa.large_string())
        if len(kinds) > 1:
            as_ids(known, role)  # says what is mixed
        return pa.array(entries, pa.int64() if kinds == {int} else pa.large_string())
    if role == "rating":
        return pa.array([as_float(entry) for entry in entries], pa.float64())
    if any(isinstance(entry, str) for entry in entries):
        texts = [None if entry is None else str(entry) for entry in entries]
        return pa.array(texts, pa.large_string())
    try:
        return pa.array(entries)
    except pa.ArrowException as error:
        raise DataError(f"The times of the query are of mixed types: {error}.") from None


@contextmanager
def _reads(url: str) -> Iterator[Any]:
    """Give a function from a query to the names of its columns and its rows, in lists."""
    scheme = url.partition("://")[0].partition("+")[0].lower()
    with _sqlite(url) if scheme == "sqlite" else _postgres(url) as select:
        yield select


@contextmanager
def _sqlite(url: str) -> Iterator[Any]:
    path = Path(unquote(url.partition(":///")[2])).expanduser()
    if not path.is_file():
        raise SourceError(
            f"There is no database {URL(url)!r}. The URL of a file is sqlite:///relative/path "
            f"or sqlite:////absolute/path."
        )
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        connection.set_authorizer(_only_selects)
        try:
            yield lambda query: _rows(connection.execute(query))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise SourceError(f"{URL(url)} cannot be read: {error}. Check the query.") from None


def _only_selects(action: int, *_: object) -> int:
    """Refuse what isn't part of a select.

    Opened to be read, a database can still be attached to another file, or copied into one.
    """
    return sqlite3.SQLITE_OK if action in _SELECTING else sqlite3.SQLITE_DENY


@contextmanager
def _postgres(url: str) -> Iterator[Any]:
    try:
        import psycopg
    except ImportError:
        raise MissingExtraError(
            "PostgreSQL needs the driver psycopg: pip install 'penchant[postgres]'."
        ) from None
    scheme, _, rest = url.partition("://")
    plain = f"{scheme.partition('+')[0]}://{rest}"
    try:
        with psycopg.connect(plain, connect_timeout=30) as connection:
            connection.read_only = True
            with connection.cursor(name="penchant") as cursor:  # the rows stay with the server
                yield lambda query: _rows(cursor.execute(query.strip().rstrip(";")))
    except psycopg.Error as error:
        why = URL(url).reason(error)
        raise SourceError(
            f"{URL(url)} cannot be read: {why}. Check the address, the rights and the query."
        ) from None


def _rows(cursor: Any) -> tuple[Sequence[str], Rows]:
    if cursor.description is None:
        raise SourceError("The query selects nothing. Give a select statement.")
    names = [column[0] for column in cursor.description]
    return names, iter(lambda: cursor.fetchmany(_ROWS), [])
