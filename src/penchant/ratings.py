"""Ratings: the one frozen table that travels from a source to a solver."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.arrays import Rows
from penchant.errors import DataError
from penchant.ids import Id, IdMap
from penchant.repeats import Repeats, measure
from penchant.settings import require, require_choice

Duplicates = Literal["last", "mean", "error"]
Values = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Scale:
    """The lowest and the highest rating that the scale allows.

    >>> Scale(1, 5).clip(np.array([0.2, 3.3, 9.0])).tolist()
    [1.0, 3.3, 5.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = all(isinstance(end, (int, float, np.number)) for end in (self.low, self.high))
        require(
            numbers and bool(-np.inf < self.low <= self.high < np.inf),
            f"A rating scale runs from a finite low to a finite high, not {self.low!r} to "
            f"{self.high!r}.",
        )

    @classmethod
    def of(cls, given: Scale | tuple[float, float]) -> Scale:
        """Return a scale that is given as one, or as a pair of its ends."""
        if isinstance(given, Scale):
            return given
        pair = isinstance(given, (tuple, list)) and len(given) == 2
        require(pair, f"A rating scale has two ends, low and high, not {given!r}.")
        return cls(*given)

    def clip(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the values, none below `low` and none above `high`."""
        kind = values.dtype.type
        return np.clip(values, kind(self.low), kind(self.high))  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Ratings:
    """A table of ratings by row, with the maps back to the ids; `take` gives views of it.

    Attributes:
        user_rows: (n,) int32, 1 … M-1; row 0 is the stranger and never stands here.
        item_rows: (n,) int32, 1 … N-1.
        values: (n,) float32, finite, on `scale`.
        user_ids: the map of the M-1 user ids.
        item_ids: the map of the N-1 item ids.
        scale: the rating scale.
        timestamps: (n,) int64, seconds since 1970, or None.
        user_table: side columns (age, occupation …), M rows aligned to the user rows (row 0 is
            empty), or None.
        item_table: side columns (title, genres …), N rows aligned to the item rows, or None.
        name: what it is called in reports.
        notices: what was guessed, dropped or merged on the way here, a line each.
        repeats: what the repeated pairs of the whole source said before they were merged, or None
            where there were none.

    >>> ratings = Ratings.from_columns(["ann", "bob", "ann"], [63, 63, 7], [5, 3, 4])
    >>> ratings
    Ratings(3 ratings, 2 users, 2 items, scale 3 to 5, mean 4.0000)
    >>> ratings.take([2]).items
    [7]
    """

    user_rows: Rows
    item_rows: Rows
    values: Values
    user_ids: IdMap
    item_ids: IdMap
    scale: Scale
    timestamps: npt.NDArray[np.int64] | None = None
    user_table: pa.Table | None = None
    item_table: pa.Table | None = None
    name: str = "ratings"
    notices: tuple[str, ...] = ()
    repeats: Repeats | None = None

    @classmethod
    def from_columns(
        cls,
        users: Any,
        items: Any,
        values: Any,
        timestamps: Any = None,
        *,
        scale: Scale | tuple[float, float] | None = None,
        duplicates: Duplicates = "last",
        name: str = "ratings",
        notices: tuple[str, ...] = (),
    ) -> Ratings:
        """Make ratings of columns of ids and values.

        Args:
            users: (n,) ids, int or str.
            items: (n,) ids, int or str.
            values: (n,) finite numbers.
            timestamps: (n,) whole seconds, or None.
            scale: the lowest and highest rating allowed; found from the values if None.
            duplicates: what a repeated pair of user and item means: "last" keeps the newest
                (by timestamp, else by line), "mean" the mean, "error" refuses.
            name: what it is called in reports.
            notices: what was told on the way here.

        Raises:
            DataError: columns of different lengths, no rows, values that are not finite or
                outside the scale, ids that are missing or of mixed types.
        """
        user_ids, user_rows = IdMap.from_column(users, "user")
        item_ids, item_rows = IdMap.from_column(items, "item")
        numbers = _numbers(values)
        seconds = None if timestamps is None else as_seconds(timestamps)
        _require_same_length(user_rows, item_rows, numbers, seconds)
        return cls.from_rows(
            user_ids,
            user_rows,
            item_ids,
            item_rows,
            numbers,
            seconds,
            scale=scale,
            duplicates=duplicates,
            name=name,
            notices=notices,
        )

    @classmethod
    def from_rows(
        cls,
        user_ids: IdMap,
        user_rows: Rows,
        item_ids: IdMap,
        item_rows: Rows,
        values: Values,
        timestamps: npt.NDArray[np.int64] | None = None,
        *,
        scale: Scale | tuple[float, float] | None = None,
        duplicates: Duplicates = "last",
        name: str = "ratings",
        notices: tuple[str, ...] = (),
    ) -> Ratings:
        """Make ratings of rows whose ids are mapped; the columns are taken, not copied.

        Arguments and errors are those of `from_columns`; `user_rows` and `item_rows`, (n,) int32,
        are rows of the two maps, and `values`, (n,) float32, are finite.
        """
        require_choice("duplicates", duplicates, ("last", "mean", "error"))
        table = cls(
            user_rows,
            item_rows,
            values,
            user_ids,
            item_ids,
            _scale(values, scale),
            timestamps,
            name=name,
            notices=notices,
        )
        return _without_repeats(table, duplicates)

    def __len__(self) -> int:
        """Return the number of ratings."""
        return len(self.values)

    def __repr__(self) -> str:
        return (
            f"Ratings({len(self):,} ratings, {len(self.user_ids):,} users, "
            f"{len(self.item_ids):,} items, scale {self.scale}, mean {self.mean:.4f})"
        )

    @property
    def mean(self) -> float:
        """The mean of the values; the middle of the scale where there are none."""
        if not len(self):
            return (self.scale.low + self.scale.high) / 2
        return float(self.values.mean(dtype=np.float64))

    @property
    def users(self) -> list[Id]:
        """The user id of each rating."""
        return self.user_ids.ids(self.user_rows)

    @property
    def items(self) -> list[Id]:
        """The item id of each rating."""
        return self.item_ids.ids(self.item_rows)

    def take(self, rows: Any) -> Self:
        """Return the ratings at these row numbers, (n,) int; ids and side tables are shared.

        Raises `DataError` for a row number outside the table, and for a mask of booleans.
        """
        at = np.asarray(rows)
        if at.size and not np.issubdtype(at.dtype, np.integer):
            raise DataError(f"Row numbers are whole numbers, not {at.dtype}; see np.flatnonzero.")
        at = at.astype(np.int64)
        if at.size and not (at.min() >= 0 and at.max() < len(self)):
            raise DataError(
                f"Row numbers run from 0 to {len(self) - 1}; received {at.min()} … {at.max()}."
            )
        return dataclasses.replace(
            self,
            user_rows=self.user_rows[at],
            item_rows=self.item_rows[at],
            values=self.values[at],
            timestamps=None if self.timestamps is None else self.timestamps[at],
        )

    def fingerprint(self) -> str:
        """Return a SHA-256, in hex, of ids, rows and values: equal data, equal fingerprint."""
        digest = hashlib.sha256()
        for ids in (self.user_ids, self.item_ids):
            digest.update(json.dumps(ids.array.to_pylist()).encode())
        for array in (self.user_rows, self.item_rows, self.values):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _numpy(values: Any) -> Any:
    if isinstance(values, pa.Array):
        return values.to_numpy(zero_copy_only=False)
    return values.to_numpy() if isinstance(values, pa.ChunkedArray) else values


def _numbers(values: Any) -> Values:
    try:
        numbers = np.asarray(_numpy(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Ratings must be numbers: {error}.") from None
    if numbers.ndim != 1:
        raise DataError(f"Ratings must be one column, not of shape {numbers.shape}.")
    bad = np.flatnonzero(~(np.abs(numbers) <= np.finfo(np.float32).max))
    if bad.size:
        raise DataError(
            f"{bad.size:,} of {numbers.size:,} ratings are no finite number, the first at "
            f"position {bad[0]}: {numbers[bad[0]]!s}. Drop or correct those rows."
        )
    return numbers.astype(np.float32)


def as_seconds(timestamps: Any) -> npt.NDArray[np.int64]:
    """Return times as whole seconds since 1970, (n,) int64; raise `DataError` for what is none."""
    stamps = np.asarray(_numpy(timestamps))
    if np.issubdtype(stamps.dtype, np.datetime64):
        bad = np.flatnonzero(np.isnat(stamps))
        stamps = stamps.astype("datetime64[s]").astype(np.int64)
    else:
        try:
            numbers = stamps.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"Timestamps must be seconds or dates: {error}.") from None
        bad = np.flatnonzero(~(np.abs(numbers) < 2**62))
    if bad.size:
        raise DataError(
            f"{bad.size:,} of {stamps.size:,} timestamps are no time, the first at position "
            f"{bad[0]}. Correct them, or leave the timestamp column out."
        )
    return stamps.astype(np.int64)


def _require_same_length(
    users: Rows, items: Rows, values: Values, seconds: npt.NDArray[np.int64] | None
) -> None:
    lengths = {"users": len(users), "items": len(items), "values": len(values)}
    if seconds is not None:
        lengths["timestamps"] = len(seconds)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count:,} {name}" for name, count in lengths.items())
        raise DataError(f"The columns must be of one length; received {told}.")
    if not len(values):
        raise DataError("There are no ratings in it. Check the file, or the filter before it.")


def _scale(values: Values, scale: Scale | tuple[float, float] | None) -> Scale:
    if scale is None:
        return Scale(float(values.min()), float(values.max()))
    given = Scale.of(scale)
    outside = np.flatnonzero((values < np.float32(given.low)) | (values > np.float32(given.high)))
    if outside.size:
        raise DataError(
            f"{outside.size:,} of {len(values):,} ratings are outside the scale {given}, the first "
            f"at position {outside[0]}: {values[outside[0]]:g}. Correct them, or the scale."
        )
    return given


def _without_repeats(table: Ratings, duplicates: Duplicates) -> Ratings:
    """Merge repeated pairs by the policy; the rows that stay keep their order."""
    pairs = _pairs(table)
    pairs.sort()  # by values alone: a fraction of the time that an order takes
    if (pairs[1:] != pairs[:-1]).all():
        return table
    order = _order(pairs, _pairs(table), table.timestamps)
    starts = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
    repeats = len(pairs) - len(starts)
    if duplicates == "error":
        at = order[np.flatnonzero(pairs[1:] == pairs[:-1])[0]]
        user, item = table.take([at]).users[0], table.take([at]).items[0]
        raise DataError(
            f"{repeats:,} of {len(pairs):,} ratings repeat a pair of user and item, such as user "
            f"{user!r} and item {item!r}. Remove them, or choose duplicates='last' or 'mean'."
        )
    ends = np.append(starts[1:], len(pairs))
    kept, values, stamps = order[ends - 1], table.values, table.timestamps
    found = measure(pairs, values[order], None if stamps is None else stamps[order])
    if duplicates == "mean":
        values = values.copy()
        values[kept] = np.add.reduceat(values[order].astype(np.float64), starts) / (ends - starts)
    notice = (
        f"{repeats:,} of {len(pairs):,} ratings repeat a pair of user and item: "
        f"kept the {'newest' if duplicates == 'last' else 'mean'} of each."
    )
    merged = dataclasses.replace(
        table, values=values, notices=(*table.notices, notice), repeats=found
    )
    return merged.take(np.sort(kept))


def _order(
    ordered: npt.NDArray[np.int64],
    pairs: npt.NDArray[np.int64],
    stamps: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.int64]:
    """Return the order of positions by pair, of equal pairs by time, of equal times by place.

    Only the pairs that repeat need more than a sort that isn't stable, which is far quicker.
    """
    order = np.argsort(pairs)
    again = ordered[1:] == ordered[:-1]
    repeated = np.append(again, False) | np.append(False, again)
    places = np.sort(order[repeated])
    if stamps is None:
        order[repeated] = places[np.argsort(pairs[places], kind="stable")]
    else:
        order[repeated] = places[np.lexsort((stamps[places], pairs[places]))]
    return order


def _pairs(table: Ratings) -> npt.NDArray[np.int64]:
    """Return a number for each rating that only its user and item determine, (n,) int64."""
    pairs = table.user_rows.astype(np.int64)
    pairs *= table.item_ids.size
    pairs += table.item_rows
    return pairs
