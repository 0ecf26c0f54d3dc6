"""Named arrays <-> a safetensors file, checked against what the card says before they are made."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from penchant.storage.bundle.card import Entry, is_count
from penchant.storage.bundle.contents import (
    MAX_ARRAYS,
    MAX_DIMENSIONS,
    MAX_HEADER_BYTES,
    MAX_NAME,
    Arrays,
    Unfit,
)

DTYPES = {
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
}


def write(path: Path, arrays: Arrays) -> dict[str, Any]:
    """Write arrays; return their types and shapes, as the card tells them.

    Raises `Unfit` where they break a rule of the format, and `OSError` as the system does.
    """
    from safetensors.numpy import save

    plain = {name: _plain(array) for name, array in arrays.items()}
    said = {name: {"dtype": a.dtype.name, "shape": list(a.shape)} for name, a in plain.items()}
    _require_known(said)
    _require_finite(plain)
    path.write_bytes(save(plain))
    return {"arrays": said}


def read(raw: bytes, entry: Entry) -> Arrays:
    """Return the arrays of a file's bytes; raise `Unfit` where they are not what the card says."""
    from safetensors import SafetensorError, deserialize

    if 8 + int.from_bytes(raw[:8], "little") + _require_known(entry.arrays) != len(raw):
        raise Unfit("its header is of another length than shapes and types in the card leave")
    try:
        found = dict(deserialize(raw))  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError) as error:
        raise Unfit(str(error)[:200]) from error
    if set(found) != set(entry.arrays):
        raise Unfit("it holds other arrays than the card says")
    arrays = {name: _array(name, found[name], said) for name, said in entry.arrays.items()}
    _require_finite(arrays)
    return arrays


def require_size(entry: Entry) -> None:
    """Raise `Unfit` unless shapes and types in the card add up to the size that it tells."""
    total = _require_known(entry.arrays)
    if not 8 + total <= entry.bytes <= 8 + total + MAX_HEADER_BYTES:
        raise Unfit(
            f"shapes and types in the card make {total:,} bytes, its file has {entry.bytes:,}"
        )


def require_rows(arrays: Arrays, users: int, items: int) -> None:
    """Raise `Unfit` unless ``user_…`` arrays have M rows and ``item_…`` arrays have N."""
    for name, array in arrays.items():
        for prefix, rows in (("user_", users), ("item_", items)):
            if name.startswith(prefix) and (array.ndim == 0 or len(array) != rows):
                raise Unfit(f"{name} is of shape {array.shape}, but there are {rows:,} rows of ids")


def _plain(array: Any) -> Any:
    plain = np.asarray(array, order="C")
    return plain.astype(plain.dtype.newbyteorder("="), copy=False)


def _array(name: str, found: dict[str, Any], said: dict[str, Any]) -> Any:
    if found["dtype"] != DTYPES[said["dtype"]] or list(found["shape"]) != said["shape"]:
        raise Unfit(f"{name} is {found['dtype']} of shape {found['shape']}, the card says {said}")
    return np.frombuffer(found["data"], dtype=said["dtype"]).reshape(said["shape"])


def _require_known(arrays: dict[str, Any]) -> int:
    """Return the bytes of all arrays together; raise `Unfit` for what the format does not know."""
    if len(arrays) > MAX_ARRAYS:
        raise Unfit(f"there are {len(arrays):,} arrays, more than {MAX_ARRAYS:,}")
    total = 0
    for name, said in arrays.items():
        if not 0 < len(name) <= MAX_NAME or name == "__metadata__":
            raise Unfit(f"{name[:40]!r} is no name of an array")
        dtype = said.get("dtype") if isinstance(said, dict) else None
        if not (isinstance(dtype, str) and dtype in DTYPES):
            raise Unfit(f"{name} is of type {str(dtype)[:40]}; known are {', '.join(DTYPES)}")
        shape = said.get("shape")
        known = isinstance(shape, list) and len(shape) <= MAX_DIMENSIONS
        if not (known and all(is_count(size) for size in shape)):
            raise Unfit(f"{name} has no shape of at most {MAX_DIMENSIONS} dimensions")
        total += math.prod(shape) * np.dtype(dtype).itemsize
    return total


def _require_finite(arrays: Arrays) -> None:
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Unfit(f"{name} holds numbers that are not finite")
