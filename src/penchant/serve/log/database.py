"""The database under a log: SQLite in a file, or PostgreSQL; what to say when it is away."""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from penchant.errors import MissingExtraError, SettingsError, UnavailableError
from penchant.serve.locking import made_file
from penchant.serve.log.migrating import migrate
from penchant.urls import URL

PATIENCE = 5.0
"""Seconds to wait for others that write, or for an answer of the database."""

_NOTHING = "Nothing was stored"
_AGAIN = "It is tried again"
_UNKNOWN = (
    "Whether it was stored is not known: send it again with the same idempotency key, which "
    "stores it once"
)


class LogError(UnavailableError):
    """The log is away.

    Attributes:
        public: what there is to tell to those who needn't know where the log is.
    """

    def __init__(self, told: str, public: str) -> None:
        super().__init__(told)
        self.public = public


def opened(url: str) -> Database:
    """Return the database of a URL, with the tables of this version.

    Raises:
        SettingsError: the URL is none that a log can have.
        UnavailableError: it cannot be reached, or a newer version made it.
        MissingExtraError: PostgreSQL's driver isn't installed.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SettingsError(
            "The log's URL cannot be read. Give postgresql://user@host/database, or a file as "
            "sqlite:////absolute/path."
        ) from None
    scheme = parsed.drivername.partition("+")[0]
    if scheme == "sqlite" and parsed.database:
        made: Database = SQLite(Path(parsed.database))
    elif scheme in ("postgresql", "postgres"):
        made = PostgreSQL(parsed, URL(url))
    else:
        raise SettingsError(
            f"A log can be kept in postgresql://… or sqlite:///path; received {scheme}://…"
        )
    with made.writing() as connection:
        made.take_turns(connection)
        migrate(connection)
    return made


class Database(ABC):
    """Connections for transactions that read or write; errors of the driver become ours."""

    engine: sa.Engine
    name: str

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that reads."""
        with self._telling([_NOTHING]), self._connection(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction, which is on disk when the block has ended.

        An error in the block undoes all.

        Raises `UnavailableError` where the database is away, locked, full or read-only.
        """
        told = [_NOTHING]
        with self._telling(told):
            place = self._place()
            with self._connection(writes=True) as connection:
                yield connection
                told[0] = self.outcome
                connection.commit()
            if self._place() != place:
                raise self._error("it was replaced in the middle", _UNKNOWN)

    @contextmanager
    def _connection(self, *, writes: bool) -> Iterator[sa.Connection]:
        self._place()
        with self.engine.connect() as connection:
            yield connection.execution_options(writes=writes)

    @contextmanager
    def _telling(self, outcome: list[str]) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise self._error(self._reason(error), outcome[0]) from None

    def _error(self, why: str, outcome: str) -> UnavailableError:
        return LogError(
            f"The log in {self.name} cannot be used: {why}. {outcome}.",
            f"The log cannot be used now. {outcome}.",
        )

    def _reason(self, error: Exception) -> str:
        why = str(getattr(error, "orig", None) or error)
        return " ".join(why.split()).rstrip(".")

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    outcome = _UNKNOWN
    """What an error at the end of a transaction leaves open."""
    unreached: tuple[str, ...] = ()
    """Where `clean` cannot remove what was deleted."""

    def _place(self) -> Any:
        """Return what tells this database from another one at the same address."""
        return None

    @abstractmethod
    def take_turns(self, connection: sa.Connection) -> None:
        """Wait until no one else makes tables."""

    @abstractmethod
    def clean(self) -> None:
        """Remove from the files what was deleted."""


class SQLite(Database):
    """A file, with a write-ahead log that is synced before a write is acknowledged."""

    outcome = _NOTHING

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.name = str(path)
        self._known: Any = None
        try:
            made_file(self.path)  # later connections never make it
        except OSError as error:
            told = error.strerror or str(error)
            raise self._error(told, "Choose a folder that you may write to") from None
        self.engine = sa.create_engine(
            "sqlite://", creator=self._connect, poolclass=QueuePool, pool_timeout=PATIENCE
        )
        sa.event.listen(self.engine, "begin", _begin)

    def _connect(self) -> sqlite3.Connection:
        address = f"file:{quote(str(self.path))}?mode=rw"
        connection = sqlite3.connect(
            address, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _place(self) -> Any:
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise self._error(
                f"{error.strerror}",
                f"{_NOTHING}. Put the file back; the server goes on by itself",
            ) from None
        place = (found.st_dev, found.st_ino)
        if place != self._known:  # the pool's connections hold another file
            self.engine.dispose()
            self._known = place
        return place

    def take_turns(self, connection: sa.Connection) -> None:
        """Nothing to wait for: a transaction that writes is alone already."""

    def clean(self) -> None:
        """Empty the write-ahead log, rebuild the file without free pages, and empty it again.

        While somebody reads, the first step fails, which costs little; it is tried again often.
        """
        with self._telling([_AGAIN]), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            for step in ("", "VACUUM"):
                raw.execute(step)
                if raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    raise self._error("another process reads it", _AGAIN)


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class PostgreSQL(Database):
    """A server; several machines may share it."""

    unreached = ("the write-ahead log and the backups of PostgreSQL, until they are recycled",)

    def __init__(self, url: sa.URL, shown: URL) -> None:
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtraError(
                "PostgreSQL needs the driver psycopg: pip install 'penchant[postgres]'."
            ) from None
        self._url, self.name = shown, str(shown)
        self.engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_timeout=PATIENCE,
            hide_parameters=True,
            connect_args={"connect_timeout": int(PATIENCE)},
        )
        sa.event.listen(self.engine, "connect", _settle)

    def _reason(self, error: Exception) -> str:
        return self._url.reason(getattr(error, "orig", None) or error).rstrip(".")

    def take_turns(self, connection: sa.Connection) -> None:
        """Take a lock that lasts as long as the transaction."""
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('penchant'))"))

    def clean(self) -> None:
        """Rebuild the tables; the server's own write-ahead log and backups are out of reach."""
        with self._telling([_AGAIN]), self.engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in ("events", "keys", "forgetting"):
                alone.execute(sa.text(f"VACUUM FULL {table}"))


def _settle(connection: Any, _: Any) -> None:
    """Wait for locks no longer than `PATIENCE`; acknowledge only what is on disk."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {int(PATIENCE * 1000)}")
        cursor.execute("SET synchronous_commit = on")
    connection.commit()
