"""First step: files of any kind into plain columns of ids, ratings, times and line numbers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.arrays import F32, F64
from penchant.blocks.write.rules import Rules, UnruledError
from penchant.data.columns import timestamps
from penchant.data.columns.checks import Locate, Where, check_ids, check_ratings, check_times
from penchant.data.columns.gather import MISSING, as_ids_or_missing, as_whole
from penchant.data.columns.opened import Opened, places_of
from penchant.data.columns.roles import Roles
from penchant.data.columns.unrated import as_numbers, count_values, is_unrated
from penchant.data.read import Reading

MOST_VALUES = 100_000
"""So many different ratings are counted; no question about 0, -1 or 99 is asked beyond them."""

Columns = dict[str, pa.Array]


@dataclasses.dataclass
class Staged:
    """What was found in one file.

    Attributes:
        files: the names of the staged files, in their order, with the types of their ids.
        lines: how many rows the file has.
        rows: how many of them are ratings.
        values: how often each rating stands there; None where they are too many.
        low: the lowest rating.
        high: the highest.
        timed: whether it has times.
        numeric: whether its times are numbers, of a unit that the whole source tells.
    """

    files: list[tuple[str, str, str]]
    lines: int = 0
    rows: int = 0
    values: dict[float, int] | None = dataclasses.field(default_factory=dict)
    low: float = np.inf
    high: float = -np.inf
    timed: bool = False
    numeric: bool = True


def stage(
    opened: Opened, roles: Roles, reading: Reading, rules: Rules, folder: Path, base: int
) -> Staged:
    """Write the columns of one file into staged files; `base` is the number of its first row.

    Raises:
        UnruledError: the whole source has to be looked through first.
        DataError: an id, a rating or a time can't be one; the message names the line.
    """
    staged = Staged([], timed=roles.timestamp is not None)
    writer = _Writer(folder, base, staged)
    unrated = as_numbers(reading.unrated)
    try:
        for batch in opened.batches(places_of(roles)):
            first = staged.lines
            staged.lines += len(batch["user"])
            columns = _plain(batch, rules, staged)

            locate = _located(opened, roles, first)
            numbers = np.arange(base + first, base + staged.lines)
            columns, numbers, locate = _rated(columns, numbers, unrated, locate)
            _check(columns, reading, locate)
            if len(numbers):
                _count(columns["rating"], staged)
                writer.write(columns, numbers)
    finally:
        writer.close()
    return staged


def _located(opened: Opened, roles: Roles, first: int) -> Locate:
    def locate(row: int, role: str) -> Where:
        return opened.locate(first + row, getattr(roles, role))

    return locate


def _plain(batch: Any, rules: Rules, staged: Staged) -> dict[str, Any]:
    """Return ids as int64 or text, ratings as float32, times as int64."""
    columns: dict[str, Any] = {role: _ids(batch[role], role) for role in ("user", "item")}
    columns["rating"] = _ratings(batch["rating"], rules)
    if "timestamp" in batch:
        times = timestamps.shrink(_whole(batch["timestamp"]))
        if not isinstance(times, np.ndarray):
            staged.numeric = False
            if rules.day_first is None and not timestamps.is_plain(times):
                raise UnruledError
            times = timestamps.decoded(times, bool(rules.day_first))
        columns["timestamp"] = times
    return columns


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _ids(column: Any, role: str) -> pa.Array:
    """Return a batch of ids as int64 if each is written as a whole number is, else as text."""
    column = _whole(column)
    if pa.types.is_dictionary(column.type):
        coded = column
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        coded = column.dictionary_encode()
    else:
        column = as_ids_or_missing(column, role)
        if pa.types.is_integer(column.type):
            return column
        coded = column.dictionary_encode()
    texts = coded.dictionary.cast(pa.large_string())
    trimmed = pc.utf8_trim_whitespace(texts)
    trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
    whole = as_whole(trimmed)
    return (trimmed if whole is None else whole).take(coded.indices)


def _ratings(column: Any, rules: Rules) -> F32:
    column = _whole(column)
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        numbers = column.to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(numbers, dtype=np.float32)
    coded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
    texts = pc.utf8_trim_whitespace(coded.dictionary.cast(pa.large_string()))
    table = _numbers(texts, rules)
    places = pc.fill_null(coded.indices, len(table)).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        found: F32 = np.append(table, np.nan).astype(np.float32)[places]
    return found


def _numbers(texts: pa.Array, rules: Rules) -> F64:
    if rules.grades is not None:
        meant = (rules.grades.get(text, np.nan) for text in texts.to_pylist())
        return np.fromiter(meant, np.float64, len(texts))
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
    try:
        return filled.cast(pa.float64()).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        raise UnruledError from None


def _rated(
    columns: dict[str, Any], numbers: Any, unrated: list[float] | None, locate: Locate
) -> tuple[dict[str, Any], Any, Locate]:
    """Leave out the entries that mean "no rating"."""
    if not unrated:
        return columns, numbers, locate
    kept = np.flatnonzero(~is_unrated(columns["rating"], unrated))
    if len(kept) == len(numbers):
        return columns, numbers, locate
    return (
        {role: column.take(kept) for role, column in columns.items()},
        numbers[kept],
        lambda row, role: locate(int(kept[row]), role),
    )


def _check(columns: dict[str, Any], reading: Reading, locate: Locate) -> None:
    if not len(columns["rating"]):
        return
    for role in ("user", "item"):
        if columns[role].null_count:
            missing = columns[role].is_null().to_numpy(zero_copy_only=False)
            check_ids(np.where(missing, MISSING, 0).astype(np.int32), role, locate)
    check_ratings(columns["rating"], reading.scale, locate)
    if "timestamp" in columns:
        check_times(columns["timestamp"], locate)


def _count(values: F32, staged: Staged) -> None:
    staged.rows += len(values)
    staged.low = min(staged.low, float(values.min()))
    staged.high = max(staged.high, float(values.max()))
    if staged.values is None:
        return
    for value, count in zip(*(part.tolist() for part in count_values(values)), strict=True):
        staged.values[value] = staged.values.get(value, 0) + count
    if len(staged.values) > MOST_VALUES:
        staged.values = None


class _Writer:
    """Writes batches into Parquet files; a new one where a column of ids turns to text."""

    def __init__(self, folder: Path, base: int, staged: Staged) -> None:
        self._folder, self._base, self._staged = folder, base, staged
        self._kinds: tuple[str, ...] = ("int64", "int64")
        self._writer: Any = None

    def write(self, columns: dict[str, Any], numbers: npt.NDArray[np.int64]) -> None:
        found = [str(columns[role].type) for role in ("user", "item")]
        pairs = zip(self._kinds, found, strict=True)
        kinds = tuple("large_string" if "large_string" in pair else "int64" for pair in pairs)
        if kinds != self._kinds or self._writer is None:
            self.close()
            self._kinds = kinds
            self._writer = self._opened(self._table(columns, numbers).schema)
        self._writer.write_table(self._table(columns, numbers))

    def _opened(self, schema: pa.Schema) -> Any:
        import pyarrow.parquet as pq

        name = f"{self._base:016d}-{len(self._staged.files)}.parquet"
        user, item = self._kinds
        self._staged.files.append((name, user, item))
        whole = [field.name for field in schema if pa.types.is_integer(field.type)]
        return pq.ParquetWriter(
            self._folder / name,
            schema,
            compression="none",
            use_dictionary=["rating"],
            column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
            write_statistics=False,
            store_schema=False,
        )

    def _table(self, columns: dict[str, Any], numbers: npt.NDArray[np.int64]) -> pa.Table:
        kinds = dict(zip(("user", "item"), self._kinds, strict=True))
        made = {role: columns[role].cast(kind) for role, kind in kinds.items()}
        made |= {r: pa.array(c) for r, c in columns.items() if r not in kinds}
        return pa.table({**made, "line": pa.array(numbers)})

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
