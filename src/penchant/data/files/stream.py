"""Bytes of a file as text lines in UTF-8: unpacked, decoded, and cut between lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from penchant.errors import DataError, SourceError

CHUNK = 4 << 20
LONGEST = 16 << 20
_HEAD = 262_144  # bytes looked at; far more than a hundred lines of any ratings file
_PACKED = {
    b"\x1f\x8b": ("gzip", (".gz", ".gzip")),
    b"BZh": ("bzip2", (".bz2",)),
    b"\x28\xb5\x2f\xfd": ("zstd", (".zst", ".zstd")),
    b"\xfd7zXZ\0": ("xz", (".xz",)),
}
ENDINGS = tuple(ending for _, endings in _PACKED.values() for ending in endings)
UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What the libraries raise where a file cannot be opened, or unpacked to its end."""


def packing(path: Path) -> str | None:
    """Return how a file is packed, by its first bytes; None where it isn't.

    Raises `SourceError` where it cannot be read, or its name promises another packing.
    """
    try:
        with path.open("rb") as file:
            first = file.read(6)
    except OSError as error:
        raise unreadable(path, error) from None
    for magic, (name, _) in _PACKED.items():
        if first.startswith(magic):
            return name
    promised = next((n for n, ends in _PACKED.values() if path.suffix.lower() in ends), None)
    if promised and first:
        raise SourceError(
            f"{path} cannot be read: it is no {promised} file, though its name says so. Rename "
            f"it, or fetch it again."
        )
    return None


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked where it is packed."""
    packed = packing(path)
    if packed == "zstd":
        return cast("IO[bytes]", pa.input_stream(str(path), compression="zstd"))
    opened: Any = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}.get(packed or "", open)
    return cast("IO[bytes]", opened(path, "rb"))


def read_head(path: Path, size: int = _HEAD) -> tuple[bytes, bool]:
    """Return the first bytes of a file, unpacked, and whether that is all of it."""
    try:
        with open_bytes(path) as file:
            head = file.read(size + 1)
    except SourceError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error) from None
    return head[:size], len(head) <= size


def read_samples(path: Path, count: int = 8, size: int = 4096) -> list[bytes]:
    """Return whole lines from places all over a file that isn't packed."""
    if packing(path) is not None:
        return []
    with path.open("rb") as file:
        length = path.stat().st_size
        found = []
        for part in range(1, count + 1):
            file.seek(length * part // (count + 1))
            _, _, lines = file.read(size).partition(b"\n")
            found.append(lines[: lines.rfind(b"\n") + 1])
    return found


def decoded_chunks(path: Path, encoding: str, start: int = 0) -> Iterator[bytes]:
    """Yield a file as UTF-8 bytes, in pieces, from byte `start` of these on.

    Raises `SourceError` where the file is damaged or ends too early.
    """
    plain = encoding == "utf-8"
    first = True
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    try:
        with open_bytes(path) as file:
            while True:
                raw = file.read(CHUNK)
                piece = raw if plain else decoder.decode(raw, not raw).encode()
                piece = piece.removeprefix(codecs.BOM_UTF8) if first else piece
                first = False
                yield piece[start:] if start else piece
                start = max(0, start - len(piece))
                if not raw:
                    return
    except SourceError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error) from None


def whole_lines(
    pieces: Iterable[bytes], path: Path, quoted: bool = False, before: int = 0
) -> Iterator[bytes]:
    """Yield the same bytes cut after line ends only; where quoted, after those outside quotes.

    Raises `DataError` for a line that is longer than any record of ratings.
    """
    rest, passed = b"", before
    for piece in pieces:
        both = rest + piece
        cut = both.rfind(b"\n") + 1
        marks = both.count(b'"', 0, cut) if quoted and len(both) < LONGEST else 0
        while cut and marks % 2:
            before = both.rfind(b"\n", 0, cut - 1) + 1
            marks -= both.count(b'"', before, cut)
            cut = before
        if cut:
            passed += both.count(b"\n", 0, cut)
            yield both[:cut]
        rest = both[cut:]
        if len(rest) > LONGEST and b"\n" not in rest:
            raise DataError(
                f"{path}, line {passed + 1:,} is longer than {LONGEST >> 20} MB: it is no record "
                f"of ratings. Is the file damaged, or a quote left open?"
            )
    if rest:
        yield rest


class Pipe:
    """An iterator of bytes as the file that Arrow reads from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, none at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        size = len(self._rest) if size < 0 else size
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Let go of the pieces that are left."""
        self.closed = True
        self._rest, self._pieces = b"", iter(())


def unreadable(path: Path, why: object) -> SourceError:
    """Return the error for a file that cannot be read to its end."""
    return SourceError(f"{path} cannot be read: {why}. Is it damaged, or cut short?")
