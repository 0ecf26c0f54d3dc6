"""Lines that stand in blocks, below an id that they share: the Netflix Prize's, Yahoo's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_HEAD = r"(\d+)(?:(:)|\|\d+)[ \t]*\r?"
_FIRST = re.compile(rf"\s*?({_HEAD})\n(?!{_HEAD}\n)[^\n]*[,\t]")
HEADS = re.compile(rf"^{_HEAD}(?:\n|\Z)".encode(), re.M)
_LINE = re.compile(rb"^(?=[^\r\n])", re.M)
_ITEM = ("movie_id", "customer_id", "rating", "date")
_USER = ("user_id", "item_id", "rating", "day", "hour")


def first_line(text: str) -> str | None:
    """Return the first line of a text if it begins a block, such as ``12:`` or ``7|20``."""
    found = _FIRST.match(text)
    return found[1] if found else None


def names(first: str, width: int) -> tuple[str, ...]:
    """Name the columns: ``12:`` is an item above its users, ``7|20`` a user above 20 items."""
    known = _ITEM if ":" in first else _USER
    return (*known, *(f"column{at}" for at in range(len(known), width)))[:width]


def lines_of(text: str, mark: str | None = None) -> list[str]:
    """Return the lines of a text that are no heads, each behind its block's id and a mark."""
    if mark is None:
        return [line for line in HEADS.sub(b"", text.encode()).decode().splitlines() if line]
    joined = b"".join(unblocked([text.encode()], mark.encode()))
    return [line for line in joined.decode().splitlines() if line]


def unblocked(pieces: Iterable[bytes], mark: bytes) -> Iterator[bytes]:
    """Yield pieces of whole lines with each block's id before its lines instead of above them."""
    current = b""
    for piece in pieces:
        parts = HEADS.split(piece)
        for at in range(0, len(parts), 3):
            if at:
                current = parts[at - 2]
            if parts[at]:
                yield _LINE.sub(current + mark, parts[at])
