"""The card: strict JSON that vouches for itself and for each other file."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple, NoReturn

from penchant.errors import BundleError
from penchant.storage.bundle.contents import FILES, FORMAT, MAX_CARD_DEPTH, REQUIRED, Unfit

RESERVED = ("format", "sha256", "kind", "written_by", "files")

_BLANK = "0" * 64
_DIGEST = re.compile("[0-9a-f]{64}")


class Entry(NamedTuple):
    """What the card says of one file; `arrays` of a safetensors file, `rows` of a table."""

    bytes: int
    sha256: str
    arrays: dict[str, Any]
    rows: int


def encode(kind: str, card: dict[str, Any], files: dict[str, Any], version: str) -> bytes:
    """Return the bytes of a card.

    Raises `Unfit` where the caller's entries take a name of the format, or are no JSON.
    """
    for name in RESERVED:
        if name in card:
            raise Unfit(f"the name {name!r} in the card is the format's own")
    ours = {"format": FORMAT, "sha256": _BLANK, "kind": kind, "written_by": f"penchant {version}"}
    try:
        text = json.dumps(
            {**ours, **card, "files": files}, indent=1, allow_nan=False, ensure_ascii=False
        )
        blank = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unfit(f"the card holds what JSON cannot: {error}") from error
    _require_shallow(card)
    return blank.replace(_BLANK.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)


def decode(raw: bytes) -> dict[str, Any]:
    """Return the entries of a card whose own digest is right.

    Raises `Unfit` for anything else, and `BundleError` for a format newer than ours.
    """
    try:
        card = json.loads(
            raw.decode(), parse_constant=_no_constant, object_pairs_hook=_without_repeats
        )
        json.dumps(card, allow_nan=False, ensure_ascii=False).encode()  # 1e999, lone surrogates
    except (ValueError, RecursionError) as error:
        raise Unfit(f"it is no strict JSON: {error}") from error
    if not isinstance(card, dict):
        raise Unfit("it is no JSON object")
    _require_format(card)
    digest = card.get("sha256")
    blank = raw.replace(str(digest).encode(), _BLANK.encode(), 1)
    if digest != hashlib.sha256(blank).hexdigest():
        raise Unfit("it was changed after it was written (its SHA-256 does not match)")
    _require_shallow(card)
    if not isinstance(card.get("kind"), str):
        raise Unfit("it names no kind of recommender")
    return card


def entries(card: dict[str, Any]) -> dict[str, Entry]:
    """Return what the card says of each file; raise `Unfit` where that makes no sense."""
    files = card.get("files")
    if not isinstance(files, dict):
        raise Unfit("it lists no files")
    for name in files:
        if name not in FILES:
            raise Unfit(f"it lists {name!r}, which is no file of a bundle")
    for name in REQUIRED:
        if name not in files:
            raise Unfit(f"it does not list {name}")
    return {name: _entry(name, said) for name, said in files.items()}


def _entry(name: str, said: Any) -> Entry:
    said = said if isinstance(said, dict) else {}
    arrays = said.get("arrays") if name.endswith(".safetensors") else {}
    rows = said.get("rows") if not name.endswith(".safetensors") else 0
    size, digest = said.get("bytes"), said.get("sha256")
    if not (is_count(size) and is_count(rows) and isinstance(arrays, dict)):
        raise Unfit(f"what it says of {name} is no size with arrays or rows")
    if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise Unfit(f"what it says of {name} holds no SHA-256")
    return Entry(size, digest, arrays, rows)


def is_count(value: Any) -> bool:
    """Return whether a JSON value is a whole number from 0 to 2⁶²."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**62


def _require_format(card: dict[str, Any]) -> None:
    found = card.get("format")
    if not is_count(found) or found == 0:
        raise Unfit(f"it names no format of a bundle, but {str(found)[:40]!r}")
    if found > FORMAT:  # type: ignore[operator]
        raise BundleError(
            f"This bundle has format {found}, written by {str(card.get('written_by'))[:60]!r}; "
            f"this version of Penchant reads formats up to {FORMAT}. Upgrade Penchant: "
            f"pip install --upgrade penchant."
        )


def _require_shallow(card: dict[str, Any]) -> None:
    level: list[Any] = [card]
    for _ in range(MAX_CARD_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list, tuple))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise Unfit(f"it is nested deeper than {MAX_CARD_DEPTH} levels")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return made
