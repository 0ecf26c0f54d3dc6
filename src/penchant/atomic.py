"""Files and folders that are on disk whole or not at all.

Both are written beside their place under a temporary name, synced, and renamed into it; the
parent folder is synced last. A process that is killed on the way leaves a temporary sibling,
which the next write to the same place removes: the writer holds a lock on it, which goes with the
process. Where there are no such locks (Windows, some network disks), it goes once it has not
changed for an hour.

What is guaranteed when something is replaced, also when the process is killed or the disk is full:

- A file: its place holds the old or the new one at every moment (one rename).
- A folder on Linux and macOS: the same (one exchange of the two names).
- A folder on Windows, and on a file system that cannot exchange names: the old one steps aside
  to a sibling named ``.NAME.old`` before the new one takes its place. Between the two renames
  `present` finds the old one there; the next write puts it back. A reader that looks in the
  instant between the two may have to look again.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

fcntl: Any = None
with suppress(ImportError):  # Windows has none
    import fcntl

ABANDONED = 3600.0
"""Seconds without a change after which a temporary sibling counts as left by a killed process,
where there are no locks."""

_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


@contextmanager
def new_file(path: str | os.PathLike[str], *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Write a file that takes its place, or an older file's, when the block ends without an error.

    `mode` says who may read it, from its first byte on, beside what the process' umask forbids.

    A link at `path` is followed. Raises `OSError` as the system does (a full disk, no permission);
    then nothing has changed. The caller tells it in its own words.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with new_file(f"{folder}/note.txt") as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "note.txt").read_bytes()
    b'whole'
    """
    target = Path(os.path.realpath(path))
    _remove_leftovers(target.parent, target.name)

    def made(place: Path) -> None:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))

    temporary, lock = _held_sibling(target, made)
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        _let_go(lock)
    _sync(target.parent)


@contextmanager
def new_folder(path: str | os.PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Fill a folder that takes its place at `path` when the block ends without an error.

    The block gets the temporary folder to write files into (no folders inside). A link at `path`
    is followed. The owner alone may enter the folder, unless it replaces one that others may.

    Args:
        path: where the folder will be; its parent exists.
        replace: whether something that stands there already is replaced. It is deleted: the
            caller makes sure that it may be.

    Raises:
        OSError: as the system does; `FileExistsError` where something stands at `path` and
            `replace` is false. Then nothing has changed. The caller tells it in its own words.
    """
    target = Path(os.path.realpath(path))
    _put_back(target)
    _remove_leftovers(target.parent, target.name)
    temporary, lock = _held_sibling(target, lambda place: os.mkdir(place, 0o700))
    try:
        yield temporary
        if replace and target.is_dir():
            temporary.chmod(target.stat().st_mode & 0o7777)
        for entry in list(os.scandir(temporary)):
            _sync(entry)
        _sync(temporary)
        _place(temporary, target, replace)
    except BaseException:
        _put_back(target)
        _remove(temporary)
        raise
    finally:
        _let_go(lock)
    _sync(target.parent)
    _remove(temporary)  # after an exchange it is the old folder
    _discard(_aside(target))


@contextmanager
def scratch(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the owner a folder beside `path` for as long as the block lasts.

    What a killed process left of one for the same `path` goes first.
    """
    target = Path(os.path.realpath(path))
    _remove_leftovers(target.parent, target.name)
    folder, lock = _held_sibling(target, lambda place: os.mkdir(place, 0o700))
    try:
        yield folder
    finally:
        _let_go(lock)
        _remove(folder)


def present(path: str | os.PathLike[str]) -> Path:
    """Return where the folder of `path` is to be read: there, or aside in a broken-off replacement.

    Where it is neither here nor there, `path` is returned as it is.
    """
    given = Path(path)
    aside = _aside(Path(os.path.realpath(given)))
    looked = (given, aside, given)  # again, for the new one may just have taken its place
    return next((place for place in looked if place.exists()), given)


def sweep(folder: Path, name: str | None = None) -> None:
    """Finish or remove what killed writes left in a folder, to the place of a name or to any.

    Raises `OSError` where something cannot be removed.
    """
    with suppress(FileNotFoundError):
        names = {entry.name for entry in os.scandir(folder)}
        for one in names if name is None else {f".{name}.old"} & names:
            if one.startswith(".") and one.endswith(".old"):
                place = folder / one[1:-4]
                _put_back(place)
                _discard(_aside(place))
    for left in _remove_leftovers(folder, name):
        if left.exists():
            raise OSError(errno.EACCES, "it is still there", str(left))


def _place(new: Path, target: Path, replace: bool) -> None:
    if not os.path.lexists(target):
        os.rename(new, target)
    elif not replace:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    elif not _exchange(new, target):
        aside = _aside(target)
        _discard(aside)
        os.rename(target, aside)
        os.rename(new, target)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; return False where the system cannot."""
    if sys.platform not in ("linux", "darwin"):
        return False
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "linux":
            here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
            failed = library.renameat2(here, names[0], here, names[1], exchange)
        else:
            failed = library.renamex_np(names[0], names[1], 2)  # RENAME_SWAP
    except AttributeError:  # an older C library
        return False
    if failed:
        code = ctypes.get_errno()
        if code in _CANNOT_EXCHANGE:
            return False
        raise OSError(code, os.strerror(code), str(other))
    return True


def _put_back(target: Path) -> None:
    """Undo the first half of a replacement that was broken off between its two renames."""
    if not os.path.lexists(target):
        with suppress(FileNotFoundError):
            os.rename(_aside(target), target)


def _discard(folder: Path) -> None:
    """Remove a folder whose name means something: it loses the name before its first file."""
    if folder.is_dir():
        nameless = _sibling(folder)
        os.rename(folder, nameless)
        _remove(nameless)


def _remove(path: Path) -> None:
    """Remove a temporary file or folder as far as possible; a later write removes the rest."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _sibling(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")


def _held_sibling(target: Path, make: Callable[[Path], None]) -> tuple[Path, int | None]:
    """Make a temporary sibling, with a lock that tells others that its writer lives."""
    while True:
        temporary = _sibling(target)
        make(temporary)
        lock = _locked(temporary, wait=True)
        if temporary.exists():
            return temporary, lock
        _let_go(lock)  # who swept here came between the two steps


def _locked(path: Path, *, wait: bool) -> int | None:
    """Lock a file or folder; return a descriptor that holds the lock, None where there are none.

    Raises `BlockingIOError` where another one has it and one doesn't wait.
    """
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # it is gone, or no file or folder of ours
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # a disk without locks
        os.close(descriptor)
        return None
    return descriptor


def _let_go(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _remove_leftovers(folder: Path, name: str | None) -> list[Path]:
    """Remove what killed writes left, to one place or to any in a folder; return what that was."""
    place = ".+" if name is None else re.escape(name)
    ours = re.compile(rf"(\.{place}|\.\.{place}\.old)\.[0-9a-f]{{16}}\.tmp")
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = [entry for entry in entries if ours.fullmatch(entry.name)]
    return [Path(entry) for entry in found if _removed(entry)]


def _removed(entry: os.DirEntry[str]) -> bool:
    """Remove a temporary sibling whose writer is no more; return whether that was tried.

    Its lock is held meanwhile, so a writer who has made it and not locked it yet finds it gone.
    """
    try:
        lock = _locked(Path(entry), wait=False)
    except BlockingIOError:
        return False
    try:
        if lock is None and time.time() - _changed(entry) <= ABANDONED:
            return False
        _remove(Path(entry))
        return True
    finally:
        _let_go(lock)


def _changed(entry: os.DirEntry[str]) -> float:
    """Return when a file, or a folder or a file in it, last changed."""
    times = [0.0]
    with suppress(FileNotFoundError):
        times.append(entry.stat(follow_symlinks=False).st_mtime)
        if entry.is_dir(follow_symlinks=False):
            times += [
                inner.stat(follow_symlinks=False).st_mtime for inner in list(os.scandir(entry))
            ]
    return max(times)


def _sync(path: str | os.PathLike[str]) -> None:
    if os.name == "nt" and os.path.isdir(path):
        return  # Windows cannot sync a folder
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
