"""Side tables as sparse numbers: how each column is read, learnt once, saved with the model.

A `SideEncoder` is plain data: it reads the side columns of a new user or item as it read those of
the training. A missing or an unknown value is all zeros: it says nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from penchant.arrays import F32
from penchant.errors import DataError, SettingsError

Kind = Literal["category", "tags", "bands", "year"]

MOST_VALUES = 100
"""A column of more different values than this (titles, addresses, zip codes) is left out."""

BANDS = 10
"""So many bands of equal count for a column of numbers, such as ages."""

_FEW_NUMBERS = 12  # up to so many different numbers, each is a category of its own
_FEW_TAGS = 64  # words of a text column that are a vocabulary of tags, and no titles
_LEAST = 2  # a value of one row alone says nothing about other rows
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")


@dataclasses.dataclass(frozen=True)
class ColumnCode:
    """How one side column is read.

    Attributes:
        name: the column.
        kind: "category": one value a row; "tags": several, as a list or as text with `mark`
            between them; "bands": a number, by the band between two `edges` that it falls in;
            "year": a date, or text or a number with a year in it.
        values: the known values as text, a column of numbers for each; of "bands" their names.
        edges: the inner edges of the bands.
        mark: what parts the tags of a text, "" for lists.
    """

    name: str
    kind: Kind
    values: tuple[str, ...]
    edges: tuple[float, ...] = ()
    mark: str = ""

    def places(self, value: Any) -> list[int]:
        """Return which of `values` a cell holds; none for a missing or an unknown one."""
        if self.kind == "bands":
            number = _number(value)
            return [] if number is None else [int(np.searchsorted(self.edges, number, "right"))]
        known, texts = self._known, _texts(value, self.kind, self.mark)
        return sorted({known[text] for text in texts if text in known})

    def places_of(self, column: pa.ChunkedArray) -> tuple[list[int], list[int]]:
        """Return the rows, and the places that each of their cells holds, of a whole column."""
        rows: list[int] = []
        places: list[int] = []
        seen: dict[Any, list[int]] = {}
        for row, cell in enumerate(_cells(column.to_pylist())):
            found = seen.get(cell)
            if found is None:
                found = seen[cell] = self.places(cell)
            rows += [row] * len(found)
            places += found
        return rows, places

    @functools.cached_property
    def _known(self) -> dict[str, int]:
        return {text: place for place, text in enumerate(self.values)}


@dataclasses.dataclass(frozen=True)
class SideEncoder:
    """How a side table is read; made by `learn`, plain data throughout.

    >>> sexes, genres = [None, "f", "m", "f", "m"], [None, ["a", "b"], ["a"], ["b"], ["c"]]
    >>> table = pa.table({"sex": sexes, "genres": genres})
    >>> encoder = SideEncoder.learn(table)
    >>> encoder.names
    ['sex=f', 'sex=m', 'genres=a', 'genres=b']
    >>> encoder.row({"sex": "m", "genres": ["b", "c"]}).tolist()
    [0.0, 1.0, 0.0, 1.0]
    >>> SideEncoder.from_json(encoder.to_json()) == encoder
    True
    """

    columns: tuple[ColumnCode, ...] = ()

    @classmethod
    def learn(cls, table: pa.Table | None, use: bool | Sequence[str] = True) -> SideEncoder:
        """Find out how a table is to be read.

        Args:
            table: the side columns, one row for each row of the embeddings, or None.
            use: True for all columns that can be used, False for none, or their names.

        Raises:
            DataError: a named column is missing or can't be used.
        """
        if use is True:
            columns = {} if table is None else table.to_pydict()
            codes = [_learn(name, cells) for name, cells in columns.items()]
            return cls(tuple(code for code in codes if code is not None))
        return cls(() if use is False else tuple(_asked(table, name) for name in use))

    @property
    def names(self) -> list[str]:
        """The names of the numbers, such as "occupation=writer"."""
        return [f"{code.name}={value}" for code in self.columns for value in code.values]

    @functools.cached_property
    def width(self) -> int:
        """How many numbers a row gets."""
        return sum(len(code.values) for code in self.columns)

    def encode(self, table: pa.Table | None, n_rows: int) -> sp.csr_matrix:
        """Return the numbers of a table, (n_rows, width) float32, sparse.

        A column that the table lacks is missing throughout. Raises `DataError` where the table
        has another number of rows.
        """
        if table is not None and table.num_rows != n_rows:
            raise DataError(
                f"The side table has {table.num_rows:,} rows where {n_rows:,} are needed. "
                f"Align it by row, with nulls for row 0."
            )
        rows: list[int] = []
        places: list[int] = []
        start = 0
        for code in self.columns:
            if table is not None and code.name in table.column_names:
                found = code.places_of(table[code.name])
                rows += found[0]
                places += [start + place for place in found[1]]
            start += len(code.values)
        ones = np.ones(len(rows), dtype=np.float32)
        return sp.csr_matrix((ones, (rows, places)), shape=(n_rows, self.width))

    def row(self, values: Mapping[str, Any]) -> F32:
        """Return the numbers of one row's side columns, (width,) float32.

        Raises `SettingsError` for a column that the model wasn't trained with.
        """
        known = [code.name for code in self.columns]
        for name in values:
            if name not in known:
                raise SettingsError(
                    f"The model has no side column {name!r}; it has: {', '.join(known) or 'none'}."
                )
        x = np.zeros(self.width, dtype=np.float32)
        start = 0
        for code in self.columns:
            for place in code.places(values.get(code.name)):
                x[start + place] = 1.0
            start += len(code.values)
        return x

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as JSON-able values."""
        return {"columns": [dataclasses.asdict(code) for code in self.columns]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SideEncoder:
        """Build the encoder from what `to_json` gave.

        Raises `DataError` where it isn't of that form.
        """
        try:
            codes = [
                ColumnCode(
                    str(code["name"]),
                    _kind(code["kind"]),
                    tuple(str(value) for value in code["values"]),
                    tuple(float(edge) for edge in code["edges"]),
                    str(code["mark"]),
                )
                for code in values["columns"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"This is no side encoder: {error!r}.") from None
        return cls(tuple(codes))


def _kind(value: Any) -> Kind:
    for kind in ("category", "tags", "bands", "year"):
        if value == kind:
            return kind
    raise ValueError(value)


def _asked(table: pa.Table | None, name: str) -> ColumnCode:
    known = [] if table is None else table.column_names
    if name not in known or table is None:
        raise DataError(
            f"There is no side column {name!r}; there are: {', '.join(known) or 'none'}."
        )
    code = _learn(name, table[name].to_pylist())
    if code is None:
        raise DataError(
            f"Side column {name!r} can't be used: no value stands in {_LEAST} rows, or more than "
            f"{MOST_VALUES} do. Group its values, or leave it out."
        )
    return code


def _learn(name: str, cells: list[Any]) -> ColumnCode | None:
    """Find out how a column is to be read; None where it can't be used."""
    counts = Counter(_cells(cells))  # most columns hold few values: each is looked at once
    known = {cell: n for cell, n in counts.items() if _texts(cell, "category", "")}
    if not known:
        return None
    first = next(iter(known))
    if isinstance(first, tuple):
        return _values(name, "tags", known, "")
    if isinstance(first, (datetime.date, datetime.datetime)) or _named_year(name, known):
        return _values(name, "year", known, "")
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in known):
        few = len(known) <= _FEW_NUMBERS
        return _values(name, "category", known, "") if few else _bands(name, known)
    if all(isinstance(cell, str) for cell in known):
        mark = _tag_mark(known)
        if mark:
            return _values(name, "tags", known, mark)
    return _values(name, "category", known, "")


def _cells(cells: list[Any]) -> list[Any]:
    """Return the cells of a column as what can stand in a set and says the same."""
    first = next((cell for cell in cells if cell is not None), None)
    if isinstance(first, (list, tuple)):
        return [None if cell is None else tuple(map(_part, cell)) for cell in cells]
    return list(map(_part, cells)) if isinstance(first, dict) else cells


def _part(part: Any) -> str | None:
    return None if part is None else str(part)


def _values(name: str, kind: Kind, known: Mapping[Any, int], mark: str) -> ColumnCode | None:
    texts = {cell: set(_texts(cell, kind, mark)) for cell in known}
    counts: Counter[str] = Counter()
    for cell, n in known.items():
        for text in texts[cell]:
            counts[text] += n
    kept = {text for text, count in counts.items() if count >= _LEAST}
    known_by_it = sum(n for cell, n in known.items() if not kept.isdisjoint(texts[cell]))
    if not 0 < len(kept) <= MOST_VALUES or 2 * known_by_it < sum(known.values()):
        return None  # titles, names and addresses: few of them stand twice
    return ColumnCode(name, kind, tuple(sorted(kept)), mark=mark)


def _bands(name: str, known: Mapping[Any, int]) -> ColumnCode | None:
    finite = {x: n for cell, n in known.items() if (x := _number(cell)) is not None}
    numbers = np.repeat(list(finite), list(finite.values()))
    inner = np.quantile(numbers, np.arange(1, BANDS) / BANDS, method="nearest")
    edges = tuple(float(edge) for edge in np.unique(inner) if edge > numbers.min())
    if not edges:
        return None
    ends = ["", *(f"{edge:g}" for edge in edges), ""]
    values = tuple(f"{low}…{high}" for low, high in pairwise(ends))
    return ColumnCode(name, "bands", values, edges)


def _named_year(name: str, known: Mapping[Any, int]) -> bool:
    lower = name.lower()
    if not any(word in lower for word in ("year", "date", "released")):
        return False
    with_year = sum(n for cell, n in known.items() if _texts(cell, "year", ""))
    return with_year >= 0.9 * sum(known.values())


def _tag_mark(known: Iterable[str]) -> str:
    """Return what parts the tags of a text column, or "" where it holds single values."""
    texts = set(known)
    for mark in ("|", ",", " "):
        used = any(mark in text for text in texts)
        if used and (mark == "|" or _has_few_words(texts, mark)):
            return mark
    return ""


def _has_few_words(texts: set[str], mark: str) -> bool:
    words: set[str] = set()
    for text in texts:
        words.update(_texts(text, "tags", mark))
        if len(words) > min(_FEW_TAGS, len(texts)):
            return False
    return True


def _texts(cell: Any, kind: Kind, mark: str) -> list[str]:
    """Return what a cell says, as text: one value or several, none for a missing one."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return []
    if kind == "year":
        if isinstance(cell, (datetime.date, datetime.datetime)):
            return [str(cell.year)]
        found = _YEAR.search(str(cell))
        return [found[0]] if found else []
    if kind == "tags":
        parts = cell if isinstance(cell, (list, tuple)) else str(cell).split(mark or None)
        return [text for part in parts if part is not None and (text := str(part).strip())]
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # 7.0 of a file and 7 of a frame are one value
    text = str(cell).strip()
    return [text] if text else []


def _number(value: Any) -> float | None:
    """Return a cell as a finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
