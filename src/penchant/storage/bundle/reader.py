"""A folder -> what it holds, trusting nothing in it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.atomic import present
from penchant.errors import BundleError
from penchant.ids import IdMap
from penchant.storage.bundle import arrays, card, columns, id_tables, verified
from penchant.storage.bundle.card import Entry
from penchant.storage.bundle.contents import (
    CARD,
    ITEMS,
    MAX_BYTES,
    POSTERIOR,
    RATINGS,
    USERS,
    WEIGHTS,
    Arrays,
    Columns,
    Unfit,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Bundle:
    """An opened bundle. Ratings and posterior are read, and checked, when first asked for.

    Attributes:
        folder: where it was found.
        kind: the kind of recommender, as written; the caller checks it against its closed list.
        card: the entries that the writer gave.
        weights: named arrays.
        users: the map of the M-1 user ids.
        items: the map of the N-1 item ids.
        user_table: side columns, M rows, or None.
        item_table: side columns, N rows, or None.
    """

    folder: Path
    kind: str
    card: dict[str, Any]
    weights: Arrays
    users: IdMap
    items: IdMap
    user_table: pa.Table | None
    item_table: pa.Table | None
    _entries: dict[str, Entry] = dataclasses.field(repr=False)
    _within: tuple[Bundle, str] | None = dataclasses.field(default=None, repr=False)

    def section(self, prefix: str, kind: str, card: dict[str, Any]) -> Bundle:
        """Return the arrays whose names begin with a prefix as a bundle of its own.

        Ids, side tables and ratings are those of the whole; the names lose the prefix.

        Raises `BundleError` where ``user_…`` or ``item_…`` arrays are not of the ids' rows.
        """
        weights = _cut(self.weights, prefix)
        with _telling(self.folder, WEIGHTS):
            arrays.require_rows(weights, self.users.size, self.items.size)
        return dataclasses.replace(
            self, kind=kind, card=card, weights=weights, _within=(self, prefix)
        )

    @property
    def has_ratings(self) -> bool:
        """Whether the ratings were saved too."""
        return RATINGS in self._entries

    @property
    def has_posterior(self) -> bool:
        """Whether a posterior was saved too."""
        if POSTERIOR not in self._entries or self._within is None:
            return POSTERIOR in self._entries
        return any(name.startswith(self._within[1]) for name in self._entries[POSTERIOR].arrays)

    @cached_property
    def ratings(self) -> Columns | None:
        """The ratings, or None; raises `BundleError` where the file is not right."""
        if self._within is not None:
            return self._within[0].ratings
        if not self.has_ratings:
            return None
        entry = self._entries[RATINGS]
        with _telling(self.folder, RATINGS):
            raw = verified.verified_bytes(self.folder, RATINGS, entry)
            return columns.read(raw, entry.rows, self.users.size, self.items.size)

    @cached_property
    def posterior(self) -> Arrays | None:
        """The posterior's arrays, or None; raises `BundleError` where the file is not right."""
        if self._within is not None and self.has_posterior:
            whole, prefix = self._within
            return _cut(whole.posterior or {}, prefix)
        return _arrays(self.folder, POSTERIOR, self._entries) if self.has_posterior else None


def _cut(named: Arrays, prefix: str) -> Arrays:
    return {n.removeprefix(prefix): a for n, a in named.items() if n.startswith(prefix)}


def read(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Bundle:
    """Open a bundle, whoever made it.

    Args:
        path: the folder.
        max_bytes: the largest total size to accept.

    Raises:
        BundleError: there is no bundle, it is damaged, larger than allowed or of a newer
            format, or anything in it breaks a rule of the format.
    """
    folder = present(path)
    if not folder.is_dir():
        raise BundleError(
            f"{folder} is no bundle: a bundle is a folder, and there is "
            f"{'a file' if folder.exists() else 'nothing'} there. Check the path."
        )
    if not os.path.lexists(folder / "card.json"):
        raise BundleError(f"{folder} is no bundle: it has no card.json. Check the path.")
    before = _identity(folder)
    try:
        return _read(folder, max_bytes)
    except BundleError:
        if _identity(folder) == before:
            raise
    return read(path, max_bytes=max_bytes)  # it was saved anew in the middle: read the new one


def _read(folder: Path, max_bytes: int) -> Bundle:
    with _telling(folder, CARD):
        entries_of = card.decode(verified.card_bytes(folder))
        listed = card.entries(entries_of)
    with _telling(folder, None):
        _require_all(folder, listed, max_bytes)
    user_ids, user_table = _table(folder, USERS, listed, "user")
    item_ids, item_table = _table(folder, ITEMS, listed, "item")
    weights = _arrays(folder, WEIGHTS, listed)
    with _telling(folder, WEIGHTS):
        arrays.require_rows(weights, user_ids.size, item_ids.size)
    own = {name: value for name, value in entries_of.items() if name not in card.RESERVED}
    kind = entries_of["kind"]
    return Bundle(folder, kind, own, weights, user_ids, item_ids, user_table, item_table, listed)


def _require_all(folder: Path, listed: dict[str, Entry], max_bytes: int) -> None:
    """Raise `Unfit` unless the folder holds the listed files, of the listed sizes, and no other."""
    found = verified.names(folder)
    for name in listed:
        if name not in found:
            raise Unfit(f"{name} is missing")
    for name in found:
        if name not in listed and name != CARD:
            raise Unfit(f"it holds {name}, which its card does not list")
    total = sum(entry.bytes for entry in listed.values())
    if total > max_bytes:
        raise Unfit(f"it has {total:,} bytes; at most {max_bytes:,} are accepted")
    for name, entry in listed.items():
        size = os.lstat(folder / name).st_size
        if size != entry.bytes:
            raise Unfit(f"{name} has {size:,} bytes where the card says {entry.bytes:,}")


def _table(
    folder: Path, name: str, listed: dict[str, Entry], what: str
) -> tuple[IdMap, pa.Table | None]:
    with _telling(folder, name):
        raw = verified.verified_bytes(folder, name, listed[name])
        return id_tables.read(raw, listed[name].rows, what)


def _arrays(folder: Path, name: str, listed: dict[str, Entry]) -> Arrays:
    with _telling(folder, name):
        arrays.require_size(listed[name])
        return arrays.read(verified.verified_bytes(folder, name, listed[name]), listed[name])


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _telling(folder: Path, name: str | None) -> Iterator[None]:
    """Tell what was wrong in which file, and what to do."""
    try:
        yield
    except (Unfit, OSError, MemoryError) as error:
        why = getattr(error, "strerror", None) or str(error) or "there is not enough memory"
        what = folder / name if name else folder
        raise BundleError(
            f"{what} cannot be used: {why}. Copy the bundle again from where it was made, or "
            f"save the model anew; if it was saved anew since it was opened, open it again."
        ) from error
