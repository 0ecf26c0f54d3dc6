"""What files of columns state that they decode to, before a byte of them is decoded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.data.fetch.unzip import MOST_TIMES
from penchant.errors import SourceError

_ALWAYS = 64 * 2**20  # bytes that are decoded whatever they come from
_WIDTH = 8  # bytes of a value at least, beside the text of strings


def require_modest(path: Path, stated: int) -> None:
    """Raise `SourceError` where a file decodes to far more than it has, as no ratings do."""
    size = path.stat().st_size
    if stated > max(_ALWAYS, MOST_TIMES * size):
        raise SourceError(
            f"{path} is refused: its {size:,} bytes decode to {stated:,}, more than {MOST_TIMES} "
            f"times that. Write it anew without compression if that is right."
        )


def parquet_bytes(metadata: Any) -> int:
    """Return what a Parquet file decodes to: its pages unpacked, or its values laid out.

    Runs of equal values take next to no room in a page, and all that they stand for in memory.

    Args:
        metadata: a `pyarrow.parquet.FileMetaData`.
    """
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    values = _WIDTH * metadata.num_rows * metadata.num_columns
    return max(int(values), sum(int(group.total_byte_size) for group in groups))


def arrow_bytes(source: Any) -> int:
    """Return what the compressed buffers of an Arrow stream unpack to, as each one begins with.

    Args:
        source: a file of pyarrow, at the beginning of the stream's messages.
    """
    stated = 0
    for message in pa.ipc.MessageReader.open_stream(source):
        if message.type in ("record batch", "dictionary"):
            stated += sum(_unpacked(message.body, *place) for place in _buffers(message))
    return stated


def _unpacked(body: Any, offset: int, length: int) -> int:
    if length < 8:
        return 0
    found: int = struct.unpack("<q", body[offset : offset + 8].to_pybytes())[0]
    return max(found, length)  # -1: this one is not compressed


def _buffers(message: Any) -> list[tuple[int, int]]:
    """Return offset and length of each compressed buffer in a message's body.

    The message's head is a flatbuffer, as Arrow's Message.fbs describes it: fields stand where the
    table of their offsets says.
    """
    head = message.metadata.to_pybytes()
    batch = _field(head, _at(head, 0), 2)
    if batch and message.type == "dictionary":
        batch = _field(head, batch, 1)
    if not batch or not _field(head, batch, 3):  # no compression
        return []
    buffers = _field(head, batch, 2)
    if not buffers:
        return []
    (count,) = struct.unpack_from("<I", head, buffers)
    return list(struct.iter_unpack("<qq", head[buffers + 4 : buffers + 4 + 16 * count]))


def _field(head: bytes, table: int, number: int) -> int:
    """Return where a table's field points to; 0 where the table lacks it."""
    (back,) = struct.unpack_from("<i", head, table)
    size, *_ = struct.unpack_from("<H", head, table - back)
    place = 4 + 2 * number
    if place + 2 > size:
        return 0
    (offset,) = struct.unpack_from("<H", head, table - back + place)
    return _at(head, table + offset) if offset else 0


def _at(head: bytes, place: int) -> int:
    (offset,) = struct.unpack_from("<I", head, place)
    return place + int(offset)
