"""One file of a store, written whole, with its entry for the index."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO

import pyarrow as pa

from penchant.atomic import new_file
from penchant.store.block import Block
from penchant.store.contents import Kind, name
from penchant.store.index import Entry
from penchant.store.parquet import write_block, write_table

Files = dict[str, Entry]


class _Hashed:
    """A file that knows the digest and the number of the bytes that went through it."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, raw: Any) -> int:
        """Write bytes."""
        self._digest.update(raw)
        self.size += memoryview(raw).nbytes
        return self._file.write(raw)

    def flush(self) -> None:
        """Hand on what is buffered."""
        self._file.flush()

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def readable(self) -> bool:
        """Say that it can't be read."""
        return False

    def seekable(self) -> bool:
        """Say that it is written in one go."""
        return False

    def close(self) -> None:
        """Leave the closing to who opened the file."""

    def entry(self, rows: int) -> Entry:
        """Return what the index says of it."""
        return Entry(self.size, self._digest.hexdigest(), rows)


def put_block(folder: Path, kind: Kind, number: int, block: Block) -> Entry:
    """Write a block into its place and return its entry."""
    return _put(
        folder / name(kind, number), len(block), lambda file: write_block(file, kind, block)
    )


def put_table(folder: Path, file: str, table: pa.Table) -> Entry:
    """Write ids or side columns into their place and return the entry."""
    return _put(folder / file, table.num_rows, lambda opened: write_table(opened, table))


def _put(path: Path, rows: int, write: Callable[[IO[bytes]], None]) -> Entry:
    with new_file(path) as file:
        hashed = _Hashed(file)
        write(hashed)  # type: ignore[arg-type]
    return hashed.entry(rows)
