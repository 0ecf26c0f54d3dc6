"""Ratings in a byte each: few distinct values, as they mostly are, and which of them each is.

Kernels take such `Values` as they take float32 numbers: `penchant.kernels.simd.vector.at` reads
both. Mean predictions are whole numbers of two bytes, by `fixed_point`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32
from penchant.kernels.jit import kernel

MOST = 256
"""So many distinct values have a place in a byte."""

_SLOTS = 1024
_NARROW = 16.0
_NO_CODES, _NO_NUMBERS = np.empty(0, np.uint8), np.empty(0, np.float32)


class Coded(NamedTuple):
    """Numbers by their places among a few; the number of rating t is ``levels[codes[t]]``.

    Attributes:
        codes: (n,) uint8.
        levels: (L,) float32, L ≤ `MOST`.
    """

    codes: npt.NDArray[np.uint8]
    levels: F32


Values = F32 | Coded


def coded(values: F32) -> Values:
    """Return values in a byte each, or as they are where more than `MOST` of them differ.

    >>> coded(np.array([3.5, 1.0, 3.5], np.float32))
    Coded(codes=array([0, 1, 0], dtype=uint8), levels=array([3.5, 1. ], dtype=float32))
    """
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    keys, codes = np.empty(MOST, np.uint32), np.empty(len(bits), np.uint8)
    distinct = encode(bits, keys, codes, np.full(_SLOTS, -1, np.int32))
    return values if distinct < 0 else Coded(codes, keys[:distinct].view(np.float32))


def decoded(values: Values, at: Any = slice(None)) -> F32:
    """Return the numbers themselves, or those of some places.

    >>> decoded(Coded(np.array([1, 0], np.uint8), np.array([3.5, 1], np.float32))).tolist()
    [1.0, 3.5]
    """
    numbers: F32 = values.levels[values.codes[at]] if isinstance(values, Coded) else values[at]
    return numbers


def stored(values: Values) -> npt.NDArray[Any]:
    """Return what is held of each rating: its code, or the number itself."""
    return values.codes if isinstance(values, Coded) else values


def restored(held: npt.NDArray[Any], values: Values) -> Values:
    """Return what `stored` gave of some values, in another order, as values of their kind."""
    return Coded(held, values.levels) if isinstance(values, Coded) else held


def moved(values: Values, by: np.float32) -> Values:
    """Return the values less a number."""
    if isinstance(values, Coded):
        return Coded(values.codes, values.levels - by)
    return values - by


def divided(values: Values, by: np.float32) -> Values:
    """Return the values in another unit."""
    if isinstance(values, Coded):
        return Coded(values.codes, values.levels / by)
    return values / by


def parts_of(values: Values) -> tuple[npt.NDArray[np.uint8], F32, F32]:
    """Return codes, levels and plain numbers; of what the values are not there is nothing.

    A kernel that takes all three is compiled once for both kinds.

    >>> parts_of(np.array([3.5], np.float32))
    (array([], dtype=uint8), array([], dtype=float32), array([3.5], dtype=float32))
    """
    if isinstance(values, Coded):
        return values.codes, values.levels, _NO_NUMBERS
    return _NO_CODES, _NO_NUMBERS, values


def fixed_point(low: np.float32, high: np.float32) -> tuple[F32, type[np.signedinteger[Any]]]:
    """Return how mean predictions are kept as whole numbers: middle, step and most; and the type.

    They may leave the scale by half of it. Two bytes are precise to 1/2000 of the ratings'
    deviation where the scale is at most 16 wide, which rounds away less than 10⁻⁷ of an RMSE.

    >>> fixed, kind = fixed_point(np.float32(-2), np.float32(2))
    >>> (fixed[0] + fixed[1] * np.array([-32767, 0, 32767])).round(3).tolist(), kind.__name__
    ([-4.0, 0.0, 4.0], 'int16')
    """
    span = max(float(high) - float(low), 1e-6)
    most, kind = (2**15 - 1, np.int16) if span <= _NARROW else (2**30, np.int32)
    middle = (float(low) + float(high)) / 2
    return np.array([middle, span / most, most], np.float32), kind


@kernel
def encode(bits, keys, codes, slots):  # type: ignore[no-untyped-def]
    """Fill `codes` with the place of each number in `keys`, which are filled as they are met.

    Args:
        bits: (n,) uint32, float32 numbers as they lie in memory.
        keys: (256,) uint32, written.
        codes: (n,) uint8, written.
        slots: (1024,) int32, all -1; spoilt.

    Returns:
        How many keys there are; −1 where there are too many, and then nothing written counts.
    """
    distinct = 0
    for t in range(bits.size):
        key = bits[t]
        slot = (key ^ key >> np.uint32(17) ^ key >> np.uint32(22)) & np.uint32(_SLOTS - 1)
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + np.uint32(1)) & np.uint32(_SLOTS - 1)
        if slots[slot] < 0:
            if distinct == keys.size:
                return -1
            keys[distinct] = key
            slots[slot] = distinct
            distinct += 1
        codes[t] = slots[slot]
    return distinct
