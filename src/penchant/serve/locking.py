"""Being the only one of all processes that does something; a killed one lets go."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penchant.errors import UnavailableError


@contextmanager
def alone(lock: Path, patience: float, busy: str) -> Iterator[None]:
    """Hold a lock, which SQLite keeps in a file of its own, on every system.

    Args:
        lock: the file; made for its owner alone where there is none.
        patience: seconds to wait for another process.
        busy: what to tell where it goes on for longer.

    Raises `UnavailableError`.
    """
    try:
        made_file(lock)
        connection = sqlite3.connect(lock, timeout=patience, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(f"{lock} cannot be used: {error}.") from None
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise UnavailableError(busy) from None
            raise UnavailableError(
                f"{lock} cannot be used: {error}. See that the disk has room and may be written to."
            ) from None
        yield
    finally:
        connection.close()


def made_file(path: Path) -> None:
    """Make a file that its owner alone may read, from its first byte on; or leave the one there."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
