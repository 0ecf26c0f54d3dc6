"""From gathered columns to `Ratings`: checked, without what is unrated, and told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.data.columns.checks import Locate, check_ids, check_ratings, check_times
from penchant.data.columns.gather import Gathered
from penchant.data.columns.roles import Roles, find_roles
from penchant.data.columns.unrated import Unrated, as_numbers, ask, is_unrated
from penchant.errors import DataError
from penchant.ids import IdMap
from penchant.ratings import Duplicates, Ratings, Scale


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a source is to be read, where it isn't to be guessed; see `penchant.load`."""

    columns: Mapping[str, str | int | None] | None = None
    separator: str | None = None
    header: bool | None = None
    scale: Scale | tuple[float, float] | None = None
    duplicates: Duplicates = "last"
    timestamps: bool = True
    unrated: Unrated = None
    encoding: str | None = None

    def roles(self, header: Any, width: int, where: str, sample: Any = ()) -> Roles:
        """Return which column plays which role."""
        roles = find_roles(header, width, self.columns, where, sample)
        return roles if self.timestamps else roles._replace(timestamp=None)


def build(
    found: Gathered, reading: Reading, locate: Locate, name: str, told: str
) -> tuple[Ratings, str]:
    """Return ratings of what was gathered, and one line that tells how it was read.

    Raises `DataError` where an id, a rating or a time cannot be one, with the place.
    """
    if not len(found.values):
        raise DataError(f"{name} holds no ratings. Check it, or the filter before it.")
    meant = as_numbers(reading.unrated)
    out = is_unrated(found.values, meant) if meant else None
    dropped = 0 if out is None else int(out.sum())
    if out is not None and dropped:
        kept = np.flatnonzero(~out)
        found, locate = _kept(found, kept, name), _moved(locate, kept)
    check_ids(found.user_places, "user", locate)
    check_ids(found.item_places, "item", locate)
    check_ratings(found.values, reading.scale, locate)
    if found.seconds is not None:
        check_times(found.seconds, locate)
    if meant is None and reading.scale is None:
        ask(found.values, name)
    ratings = _ratings(found, reading, name)
    given = "" if reading.scale is None else " (given)"
    parts = [told, f"scale {ratings.scale}{given}", *found.notes]
    parts += [f"{dropped:,} unrated entries left out"] if dropped else []
    return ratings, "; ".join(parts) + "."


def _ratings(found: Gathered, reading: Reading, name: str) -> Ratings:
    for places in (found.user_places, found.item_places):
        places += np.int32(1)  # in place: from here on these are rows
    return Ratings.from_rows(
        IdMap(found.users, "user"),
        found.user_places,
        IdMap(found.items, "item"),
        found.item_places,
        found.values,
        found.seconds,
        scale=reading.scale,
        duplicates=reading.duplicates,
        name=name,
    )


def _kept(found: Gathered, kept: npt.NDArray[np.int64], name: str) -> Gathered:
    """Keep some rows, and the ids that stand in them, in the order of their first appearance."""
    if not len(kept):
        raise DataError(f"{name} holds no ratings but unrated entries. Check unrated=….")
    users, user_places = _compact(found.users, found.user_places[kept])
    items, item_places = _compact(found.items, found.item_places[kept])
    return Gathered(
        users,
        user_places,
        items,
        item_places,
        found.values[kept],
        None if found.seconds is None else found.seconds[kept],
        found.notes,
    )


def _compact(
    ids: pa.Array, places: npt.NDArray[np.int32]
) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    codes = pc.dictionary_encode(pa.array(places, mask=places < 0))
    new = pc.fill_null(codes.indices, -1).to_numpy(zero_copy_only=False)
    return ids.take(codes.dictionary), np.array(new, dtype=np.int32)


def _moved(locate: Locate, kept: npt.NDArray[np.int64]) -> Locate:
    return lambda row, role: locate(int(kept[row]), role)
