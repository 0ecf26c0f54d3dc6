"""Batches of columns gathered into rows, values and times, without a Python object for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penchant.arrays import F32
from penchant.data.columns import timestamps
from penchant.data.columns.dense_ids import Dense
from penchant.data.columns.grades import as_numbers
from penchant.ids import as_ids

Batch = dict[str, pa.Array]
"""Columns of one length by role: user, item, rating and, where there are times, timestamp."""

MISSING = -1


@dataclasses.dataclass
class Gathered:
    """A source's columns as they were read, not yet checked.

    Attributes:
        users: the distinct user ids, in the order of their first appearance.
        user_places: (n,) int32, the place of each row's id among them; -1 where it is missing.
        items: the distinct item ids.
        item_places: (n,) int32.
        values: (n,) float32; NaN where it is no number.
        seconds: (n,) int64, `moments.NO_TIME` where it is no time; or None.
        notes: what was done to read them, for people.
    """

    users: pa.Array
    user_places: npt.NDArray[np.int32]
    items: pa.Array
    item_places: npt.NDArray[np.int32]
    values: F32
    seconds: npt.NDArray[np.int64] | None
    notes: tuple[str, ...]


def gather(batches: Iterable[Batch]) -> Gathered:
    """Gather all batches of a source; memory is 20 bytes a row, and what the ids take.

    Ids are int64 where each is written as a whole number is (no leading zero), text else.
    """
    parts: dict[str, list[Any]] = {"user": [], "item": [], "rating": [], "timestamp": []}
    dense = {"user": Dense(), "item": Dense()}
    for batch in batches:
        for role, column in batch.items():
            parts[role].append(_shrunk(role, column, dense.get(role)))
    users, user_places = _ids(parts, "user")
    items, item_places = _ids(parts, "item")
    values, note = _values(parts)
    notes = [note] if note else []
    seconds = None
    if parts["timestamp"]:
        seconds, note = timestamps.join(parts.pop("timestamp"))
        notes += [note] if note else []
    return Gathered(users, user_places, items, item_places, values, seconds, tuple(notes))


def _shrunk(role: str, column: Any, dense: Dense | None) -> Any:
    """Return a batch's column as little memory as will do: codes of its texts, or numbers."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if role == "timestamp":
        return timestamps.shrink(column)
    kind = column.type
    if role == "rating" and (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return _as_float32(column)
    if role != "rating" and not pa.types.is_dictionary(kind) and not _is_text(kind):
        column = as_ids_or_missing(column, role)
        if dense is not None and pa.types.is_integer(column.type) and not column.null_count:
            coded = dense.encode(column)
            column = column if coded is None else coded
    return column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)


def _as_float32(column: pa.Array) -> F32:
    numbers = column.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(numbers, dtype=np.float32)


def as_ids_or_missing(column: pa.Array, role: str) -> pa.Array:
    """Return ids of any plain type; missing ones stay missing, for they are told by their line."""
    if not column.null_count:
        return as_ids(column, role)
    if pa.types.is_null(column.type):
        return column.cast(pa.large_string())
    filled = as_ids(column.drop_null(), role)
    codes = np.cumsum(column.is_valid().to_numpy(zero_copy_only=False)) - 1
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return filled.take(pa.array(codes, mask=missing)) if len(filled) else column.cast(pa.int64())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _ids(parts: dict[str, list[Any]], role: str) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    distinct, places = _unified(parts.pop(role))
    return _plain_ids(distinct, places) if _is_text(distinct.type) else (distinct, places)


def _unified(chunks: list[pa.DictionaryArray]) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Return the distinct entries of all chunks and each entry's place among them."""
    if len({chunk.type.value_type for chunk in chunks}) > 1:
        text = pa.large_string()
        chunks = [_recoded(chunk, chunk.dictionary.cast(text)) for chunk in chunks]
    if not chunks:
        return pa.array([], pa.large_string()), np.zeros(0, np.int32)
    joint = pa.chunked_array(chunks).unify_dictionaries()
    chunks.clear()
    places = np.empty(len(joint), dtype=np.int32)
    at = 0
    for chunk in joint.iterchunks():
        codes = chunk.indices
        codes = pc.fill_null(codes, MISSING) if codes.null_count else codes
        places[at : at + len(chunk)] = codes.to_numpy(zero_copy_only=False)
        at += len(chunk)
    return joint.chunk(0).dictionary, places


def _recoded(chunk: pa.DictionaryArray, dictionary: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(chunk.indices, dictionary)


def _plain_ids(
    distinct: pa.Array, places: npt.NDArray[np.int32]
) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Trim ids of text, take empty ones for missing, and make whole numbers of them if all are."""
    trimmed = pc.utf8_trim_whitespace(distinct.cast(pa.large_string()))
    empty = pc.equal(trimmed, "")
    if not trimmed.equals(distinct.cast(pa.large_string())) or pc.any(empty).as_py():
        codes = pc.dictionary_encode(
            pc.replace_with_mask(trimmed, empty, pa.scalar(None, trimmed.type))
        )
        move = pc.fill_null(codes.indices, MISSING).to_numpy(zero_copy_only=False)
        move = np.append(move, MISSING).astype(np.int32)  # the last is for those that were missing
        trimmed, places = codes.dictionary, move[places]
    whole = as_whole(trimmed)
    return trimmed if whole is None else whole, places


def as_whole(column: Any) -> Any:
    """Return a column of text as int64 if each is written as a whole number is, else None."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    plain = numbers.cast(pa.large_string()).equals(column.cast(pa.large_string()))
    return numbers if plain else None


def _values(parts: dict[str, list[Any]]) -> tuple[F32, str | None]:
    chunks = parts.pop("rating")
    if all(isinstance(chunk, np.ndarray) for chunk in chunks):
        joint = chunks[0] if len(chunks) == 1 else np.concatenate(chunks or [np.zeros(0)])
        return joint.astype(np.float32, copy=False), None
    distinct, places = _unified([_coded(chunk) for chunk in chunks])
    numbers, note = as_numbers(distinct)
    with np.errstate(over="ignore"):
        table = np.append(numbers, np.nan).astype(np.float32)
    return table[places], note


def _coded(chunk: Any) -> pa.DictionaryArray:
    """Return numbers as codes of texts, where another batch of the column holds texts."""
    if isinstance(chunk, np.ndarray):
        return pc.dictionary_encode(pa.array(chunk).cast(pa.large_string()))
    return chunk
