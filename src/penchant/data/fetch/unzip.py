"""Zip archives from anywhere: looked through before the first byte of them is unpacked."""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from penchant.errors import SourceError

MOST_TIMES = 100
"""An archive that states more than so many times its own size is refused."""

_MOST_MEMBERS = 10_000
_LONGEST = 200  # of one name: file systems take 255 bytes
_CHUNK = 1_048_576
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # the members, strongly, or the list of them
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OverflowError, OSError, KeyError, IndexError,
)  # fmt: skip
"""What `zipfile` raises of archives that are damaged, cut short, or made to do harm."""


class Archive:
    """An archive that holds plain files alone, each under a name that stays in its folder.

    Attributes:
        path: the archive.
        sizes: the size of each file in bytes, by name, as it is stated.
    """

    def __init__(self, path: Path, packed: zipfile.ZipFile) -> None:
        self.path, self._packed = path, packed
        files = [info for info in packed.infolist() if not info.is_dir()]
        self.sizes = {info.filename: info.file_size for info in files}

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file in pieces, never more of it than is stated.

        Raises `SourceError` where it isn't there, is damaged, or is larger than stated.
        """
        if name not in self.sizes:
            raise SourceError(f"{self.path} holds no file {name!r}. Is it another edition?")
        left = self.sizes[name]
        try:
            with self._packed.open(name) as file:
                while chunk := file.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise zipfile.BadZipFile(f"{name!r} is larger than it states")
                    yield chunk
        except _DAMAGE as error:
            raise _damaged(self.path, error) from None
        if left:
            raise _damaged(self.path, f"{name!r} is smaller than it states")

    def verify(self) -> None:
        """Read each file to its end: the sums that the archive itself holds must fit.

        Raises `SourceError` where one doesn't.
        """
        for name in self.sizes:
            for _ in self.chunks(name):
                pass


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive for the length of the block, after a look at all that it states.

    Raises `SourceError` where it is damaged, or holds what no archive of ratings needs: names
    that leave its folder, links, encryption, archives within, one name twice (also where only
    case or composition of letters differ), parts that overlap, or more than 100 times its size.
    """
    try:
        packed = zipfile.ZipFile(path)
    except (PermissionError, FileNotFoundError, IsADirectoryError) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None
    except _DAMAGE as error:
        raise _damaged(path, error) from None
    with packed:
        _require_harmless(path, packed.infolist())
        yield Archive(path, packed)


def _damaged(path: Path, why: object) -> SourceError:
    return SourceError(f"{path} cannot be unpacked: {why}. Is it damaged, or cut short?")


def _require_harmless(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > _MOST_MEMBERS:
        _refuse(path, f"it holds {len(members):,} files, more than {_MOST_MEMBERS:,}")
    for member in members:
        wrong = _wrong_name(member.orig_filename) or _wrong_name(member.filename) or _wrong(member)
        if wrong:
            _refuse(path, f"{member.orig_filename[:_LONGEST]!r} {wrong}")
    _require_distinct(path, members)
    _require_in_proportion(path, members)


def _refuse(path: Path, why: str) -> None:
    raise SourceError(
        f"{path} is refused, and nothing of it was unpacked: {why}. If you trust it, unpack it "
        f"by other means, and give the folder or the file of ratings."
    )


def _wrong_name(name: str) -> str | None:
    """Say what is wrong with a name, if anything."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
        return "would be written outside the folder that it is unpacked to"
    if not parts or any(c in "\\:" or not c.isprintable() for c in name):
        return "is no plain file name"
    if any(len(part.encode("utf-8", "replace")) > _LONGEST for part in parts):
        return "is too long a name"
    return "is an archive within the archive" if name.lower().endswith(_ARCHIVES) else None


def _wrong(member: zipfile.ZipInfo) -> str | None:
    """Say what is wrong with a member besides its name, if anything."""
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, not a file"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {member.compress_type}, which is not read"
    return None


def _require_distinct(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse names that are one on some file system, and files where folders must be."""
    seen: dict[str, str] = {}
    for member in members:
        key = _folded(member.filename)
        if key in seen:
            _refuse(path, f"two members have one name, {seen[key]!r} and {member.filename!r}")
        seen[key] = member.filename
    files = {_folded(member.filename): member for member in members if not member.is_dir()}
    for key in seen:
        for parent in PurePosixPath(key).parents:
            if str(parent) in files:
                _refuse(path, f"{files[str(parent)].filename!r} is both a file and a folder")


def _folded(name: str) -> str:
    return str(PurePosixPath(unicodedata.normalize("NFC", name).casefold()))


def _require_in_proportion(path: Path, members: list[zipfile.ZipInfo]) -> None:
    size = path.stat().st_size
    stated = sum(member.file_size for member in members)
    if stated > MOST_TIMES * size:
        _refuse(path, f"its {size:,} bytes unpack to {stated:,}, more than {MOST_TIMES} times that")
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            _refuse(path, f"{member.filename!r} overlaps another member")
        end = member.header_offset + 30 + member.compress_size
