"""The folder's files: which there are, and their bytes once size and digest are right."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from penchant.storage.bundle.card import Entry
from penchant.storage.bundle.contents import CARD, FILES, LITTER, MAX_CARD_BYTES, Unfit

_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def names(folder: Path) -> list[str]:
    """Return the names of the bundle's files in a folder.

    Raises `Unfit` for a link, a folder or any other file, and `OSError` as the system does.
    """
    found = []
    with os.scandir(folder) as listing:
        for entry in listing:
            if entry.name in LITTER:
                continue
            if entry.name not in (CARD, *FILES):
                raise Unfit(f"it holds {entry.name[:80]!r}, which is no file of a bundle")
            if not entry.is_file(follow_symlinks=False):
                raise Unfit(f"{entry.name} is a link or a folder where a plain file belongs")
            found.append(entry.name)
    return found


def card_bytes(folder: Path) -> bytes:
    """Return the bytes of the card; raise `Unfit` where it is too large or no plain file."""
    return _read(folder / CARD, MAX_CARD_BYTES)


def verified_bytes(folder: Path, name: str, entry: Entry) -> bytes:
    """Return the bytes of one file, read once; raise `Unfit` where the card says otherwise."""
    raw = _read(folder / name, entry.bytes)
    if len(raw) != entry.bytes:
        raise Unfit(f"it has {len(raw):,} bytes where the card says {entry.bytes:,}")
    if hashlib.sha256(raw).hexdigest() != entry.sha256:
        raise Unfit("it was changed after it was written (its SHA-256 does not match the card)")
    return raw


def described(path: Path) -> dict[str, int | str]:
    """Return size and SHA-256 of a file just written, as the card tells them."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"bytes": file.tell(), "sha256": digest.hexdigest()}


def _read(path: Path, most: int) -> bytes:
    """Read a plain file of at most so many bytes, whatever happens to its name meanwhile."""
    if not stat.S_ISREG(os.lstat(path).st_mode):  # before it is opened: opening a device can act
        raise Unfit("it is a link or no plain file")
    with open(os.open(path, os.O_RDONLY | _SAFELY), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise Unfit(f"it has {size:,} bytes where at most {most:,} are expected")
        return file.read(size)
