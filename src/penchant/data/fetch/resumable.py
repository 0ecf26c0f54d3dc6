"""The part of a file that has arrived so far, which a later process may continue."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from penchant.atomic import new_file
from penchant.data.fetch.cache import unwritable
from penchant.errors import PenchantError


class Partial:
    """A file that grows, and beside it (``.json``) which edition of what it is a part of.

    Attributes:
        path: the file.
        size: how many bytes of it are there.
        edition: what the server calls the edition, None where it doesn't say.
        total: how many bytes the whole has, None where the server doesn't say.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self._file = path, file
        self.size = file.seek(0, os.SEEK_END)
        self._note = path.with_name(f"{path.name}.json")
        self._url: str | None = None
        self.edition: str | None = None
        self.total: int | None = None
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
            url, edition, total = (note[key] for key in ("url", "edition", "total"))
            if isinstance(edition, str) and isinstance(total, int):
                self._url, self.edition, self.total = str(url), edition, total

    def continues(self, url: str) -> bool:
        """Return whether the rest of it can be asked for."""
        return self.size > 0 and self._url == url and self.may_continue

    @property
    def may_continue(self) -> bool:
        """Whether its edition is known, so that the rest of the same one can be asked for."""
        return self.edition is not None and self.total is not None

    @property
    def is_whole(self) -> bool:
        """Whether a process got all of it, and ended before it used it."""
        return self.may_continue and self.size == self.total

    def restart(self) -> None:
        """Forget what has arrived."""
        self._file.seek(0)
        self._file.truncate()
        self.size, self._url, self.edition, self.total = 0, None, None, None
        self._note.unlink(missing_ok=True)

    def describe(self, url: str, edition: str | None, total: int | None) -> None:
        """Say what it is a part of."""
        self._url, self.edition, self.total = url, edition, total
        if self.may_continue:
            with new_file(self._note) as file:
                file.write(json.dumps({"url": url, "edition": edition, "total": total}).encode())

    def write(self, chunk: bytes) -> None:
        """Append what has come."""
        rest = memoryview(chunk)
        while rest:
            written = self._file.write(rest)  # without a buffer: a full disk takes a part of it
            self.size += written
            rest = rest[written:]

    def close(self) -> None:
        """Let others have it."""
        self._file.close()

    def discard(self) -> None:
        """Remove it."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


@contextmanager
def partial_file(place: Path) -> Iterator[Partial]:
    """Open the part of the file at `place` that has arrived, for this process alone.

    It is kept after the block only where the block was broken off and the rest can be asked for.
    While another process downloads the same file, this one begins a copy of its own.

    Raises `SourceError` where the folder can't be written or the disk is full.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part, shared = _own(place)
    except OSError as error:
        raise unwritable(error, 0, place.parent) from None
    try:
        yield part
    except OSError as error:
        part.discard()
        if isinstance(error, PenchantError):
            raise
        raise unwritable(error, part.total or part.size, place.parent) from None
    except BaseException:
        if not (shared and part.size and part.may_continue):
            part.discard()
        raise
    else:
        part.discard()
    finally:
        part.close()


def arrived(place: Path) -> int:
    """Return how many bytes of the file at `place` have arrived in a download that broke off."""
    try:
        return _part(place).stat().st_size
    except OSError:
        return 0


def _part(place: Path) -> Path:
    return place.with_name(f"{place.name}.part")


def _own(place: Path) -> tuple[Partial, bool]:
    """Return a file that no other process writes, and whether its name is the shared one."""
    path = _part(place)
    for _ in range(3):  # it may be removed between being opened and being locked
        file = path.open("ab+", buffering=0)
        if not lock(file):
            file.close()
            break
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return Partial(path, file), True
        file.close()
    path = place.with_name(f".{place.name}.{secrets.token_hex(8)}.part")
    return Partial(path, path.open("xb+", buffering=0)), False


def lock(file: FileIO) -> bool:
    """Lock a file until it is closed; return False where another process has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
