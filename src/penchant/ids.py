"""IdMap: what the user's data calls a user or an item, to and from a row.

Row 0 is the stranger: an id that the model has never seen. Known ids take the rows 1 … n in the
order of their first appearance. Ids are int or str, one type in one map.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.arrays import Rows
from penchant.errors import DataError, SettingsError, UnknownIdError

Id = int | str

_FEW = 64  # up to so many ids, a dictionary answers faster than a hash join


class IdMap:
    """A frozen, two-way map between ids and rows.

    >>> users, rows = IdMap.from_column(["ann", "bob", "ann"], "user")
    >>> rows.tolist(), len(users), users.size
    ([1, 2, 1], 2, 3)
    >>> users.rows(["bob", "zoe"]).tolist()
    [2, 0]
    >>> users.ids([2, 1])
    ['bob', 'ann']
    """

    def __init__(self, ids: pa.Array, what: str) -> None:
        self._ids = ids
        self.what = what

    @classmethod
    def from_column(cls, column: Any, what: str) -> tuple[IdMap, Rows]:
        """Make the map of a column of ids; return it with the row of each entry, (n,) int32.

        Args:
            column: ids, as a list, a NumPy array or an Arrow array.
            what: "user" or "item", for the messages.

        Raises:
            DataError: an id is missing, or is neither int nor str, or types are mixed.
        """
        encoded = pc.dictionary_encode(as_ids(column, what))
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        rows = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32) + np.int32(1)
        return cls(encoded.dictionary, what), rows

    @classmethod
    def of(cls, ids: Any, what: str) -> IdMap:
        """Make the map of a list of distinct ids: entry j gets row j + 1.

        Raises `DataError` where an id stands twice.
        """
        values = as_ids(ids, what)
        distinct = len(pc.unique(values))
        if distinct != len(values):
            raise DataError(f"{len(values) - distinct:,} of {len(values):,} {what} ids repeat.")
        return cls(values, what)

    def extended(self, column: Any) -> IdMap:
        """Return a map that also knows the new ids of `column`, after those known so far."""
        new = pc.unique(as_ids(column, self.what))
        if not len(self):
            return IdMap(new, self.what)
        new = new.filter(pc.equal(pa.array(self.rows(new)), 0))
        return IdMap(pa.concat_arrays([self._ids, new]), self.what) if len(new) else self

    def __len__(self) -> int:
        """Return how many ids are known."""
        return len(self._ids)

    @property
    def size(self) -> int:
        """How many rows a table needs: the known ids and the stranger."""
        return len(self) + 1

    @property
    def kind(self) -> Literal["int", "str"]:
        """The type of the ids."""
        return "int" if pa.types.is_integer(self._ids.type) else "str"

    @property
    def array(self) -> pa.Array:
        """The ids as an Arrow array: entry j is the id of row j + 1."""
        return self._ids

    @cached_property
    def _lookup(self) -> dict[Id, int]:
        return {value: row for row, value in enumerate(self._ids.to_pylist(), start=1)}

    def rows(self, ids: Any) -> Rows:
        """Return the row of each id, (n,) int32; 0 for an id that is not known.

        Raises `DataError` where the ids are of the other type: 63 is not "63".
        """
        if _are_few_and_plain(ids):
            self._require_kind("int" if isinstance(ids[0], int) else "str", ids[0])
            return np.array([self._lookup.get(v, 0) for v in ids], dtype=np.int32)
        values = as_ids(ids, self.what)
        if len(values) == 0:
            return np.zeros(0, dtype=np.int32)
        self._require_kind(_kind(values.type), values[0].as_py())
        if len(values) <= _FEW:
            return np.array([self._lookup.get(v, 0) for v in values.to_pylist()], dtype=np.int32)
        found = pc.fill_null(pc.add(pc.index_in(values, value_set=self._ids), 1), 0)
        return found.to_numpy(zero_copy_only=False).astype(np.int32)  # type: ignore[no-any-return]

    def _require_kind(self, kind: Literal["int", "str"], example: Id) -> None:
        if len(self) and kind != self.kind:
            raise DataError(
                f"The known {self.what} ids are of type {self.kind}, but {example!r} "
                f"is of type {kind}. Convert the ids first."
            )

    def row(self, value: Id) -> int:
        """Return the row of one known id.

        Raises `UnknownIdError` where it is not known.
        """
        row = int(self.rows([value])[0])
        if row == 0:
            raise UnknownIdError(
                f"The model knows no {self.what} {value!r}; it knows {len(self):,} "
                f"{self.what}s{self._examples()}."
            )
        return row

    def ids(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> list[Id]:
        """Return the ids of known rows (1 … n).

        Raises `UnknownIdError` for row 0 or a row outside the table.
        """
        positions = np.asarray(rows, dtype=np.int64)
        if positions.size and not (positions.min() >= 1 and positions.max() <= len(self)):
            raise UnknownIdError(
                f"{self.what} rows run from 1 to {len(self)}; received "
                f"{positions.min()} … {positions.max()}. Row 0, the stranger, has no id."
            )
        if len(positions) <= _FEW:
            return [self._ids[place - 1].as_py() for place in positions.tolist()]
        return self._ids.take(positions_array(positions - 1)).to_pylist()  # type: ignore[no-any-return]

    def parse(self, text: str) -> Id:
        """Read an id from the command line, by this map's type.

        Raises `SettingsError` where the ids are int and the text is no whole number.
        """
        if self.kind == "str":
            return text
        try:
            return int(text)
        except ValueError:
            raise SettingsError(
                f"{self.what} ids of this model are whole numbers{self._examples()}; "
                f"received {text!r}."
            ) from None

    def _examples(self) -> str:
        first = [repr(v) for v in self._ids[:3].to_pylist()]
        return f", such as {', '.join(first)}" if first else ""

    def __repr__(self) -> str:
        return f"IdMap({len(self):,} {self.what}s{self._examples()})"


def positions_array(positions: npt.NDArray[np.integer]) -> pa.Array:
    """Return positions as an Arrow array; `pa.array` would load pandas, where it is installed."""
    plain = np.ascontiguousarray(positions, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(plain), [None, pa.py_buffer(plain)])


def as_ids(column: Any, what: str) -> pa.Array:
    """Return a column as an Arrow array of int64 or string, or say why it is no column of ids."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    values = column if isinstance(column, pa.Array) else _from_python(column, what)
    if values.null_count:
        place = int(np.flatnonzero(pc.is_null(values).to_numpy(zero_copy_only=False))[0])
        raise DataError(
            f"{values.null_count:,} of {len(values):,} {what} ids are missing, the first at "
            f"position {place}. Drop those rows, or give the {what} an id."
        )
    return _as_plain_type(values, what)


def _are_few_and_plain(ids: Any) -> bool:
    """Return whether it is a short list of ids of one type, which is looked up without Arrow.

    Arrow loads pandas, where it is installed, to convert a list: 0.1 s for the first one.
    """
    if not (isinstance(ids, (list, tuple)) and 0 < len(ids) <= _FEW):
        return False
    if all(type(value) is str for value in ids):
        return True
    return all(type(value) is int and -(2**63) <= value < 2**63 for value in ids)


def _from_python(column: Any, what: str) -> pa.Array:
    if isinstance(column, (str, bytes)) or not isinstance(column, Iterable):
        raise DataError(f"A list of {what} ids is expected, not {column!r}.")
    if isinstance(column, np.ndarray) and column.ndim != 1:
        raise DataError(f"{what} ids must be one column, not of shape {column.shape}.")
    listed = column if isinstance(column, np.ndarray) and column.dtype != object else list(column)
    if isinstance(listed, list):
        _require_one_type(listed, what)
        if not listed:
            return pa.array([], type=pa.int64())
    try:
        return pa.array(listed, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        raise DataError(
            f"{what} ids must be whole numbers of at most 64 bits, or text; received "
            f"{type(next(iter(listed))).__name__} such as {next(iter(listed))!r}."
        ) from None


def _require_one_type(listed: list[Any], what: str) -> None:
    seen: dict[str, tuple[int, Any]] = {}
    for place, value in enumerate(listed):
        if _is_missing(value):
            continue
        seen.setdefault(_python_kind(value), (place, value))
    if len(seen) > 1:
        told = " and ".join(f"{kind} ({v!r} at position {p})" for kind, (p, v) in seen.items())
        raise DataError(
            f"{what} ids are of mixed types: {told}. Convert the column to one type, int or str."
        )


def _is_missing(value: Any) -> bool:
    """Return whether this is None, NaN or pandas' NA, whose truth value is an error."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def _python_kind(value: Any) -> str:
    if isinstance(value, str):
        return "str"
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "int"
    return "float" if isinstance(value, (float, np.floating)) else type(value).__name__


def _as_plain_type(values: pa.Array, what: str) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.dictionary_decode()
        kind = values.type
    if pa.types.is_integer(kind):
        return _cast(values, pa.int64(), what)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _cast(values, pa.large_string(), what)
    if pa.types.is_floating(kind):  # whole numbers that a missing value elsewhere made floats
        return _cast(values, pa.int64(), what)
    raise DataError(f"{what} ids must be int or str; received {kind}.")


def _cast(values: pa.Array, kind: pa.DataType, what: str) -> pa.Array:
    try:
        return values.cast(kind)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{what} ids must be whole numbers of at most 64 bits, or text: {error}."
        ) from None


def _kind(kind: pa.DataType) -> Literal["int", "str"]:
    return "int" if pa.types.is_integer(kind) else "str"
