"""The files of a block store: their bytes, once size and digest are those of the index."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from penchant.errors import ChecksumError, SourceError
from penchant.store.index import Entry
from penchant.store.parquet import damaged

_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: Path, most: int) -> bytes:
    """Return the bytes of a plain file that has at most so many.

    Raises `SourceError` where it is missing, a link, larger, or can't be read.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # before it is opened: a device can act
            raise damaged(path, "it is a link or no plain file")
        with open(os.open(path, os.O_RDONLY | _SAFELY), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise damaged(path, f"it has {size:,} bytes where {most:,} are expected")
            return file.read(size)
    except SourceError:
        raise
    except FileNotFoundError:
        raise damaged(path, "it is missing") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None


def verified_bytes(path: Path, entry: Entry) -> bytes:
    """Return the bytes of a file of the index.

    Raises `ChecksumError` where they are not those that were written.
    """
    raw = read_bytes(path, entry.bytes)
    if len(raw) != entry.bytes:
        raise damaged(path, f"it has {len(raw):,} bytes where the index says {entry.bytes:,}")
    if hashlib.sha256(raw).hexdigest() != entry.sha256:
        raise ChecksumError(
            f"{path} was changed after it was written: its SHA-256 is not that of the index. "
            f"Write the blocks again, or fetch a sound copy."
        )
    return raw
