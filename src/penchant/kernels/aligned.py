"""Tables whose rows begin where the memory's cache lines do."""

from __future__ import annotations

import math

import numpy as np

from penchant.arrays import F32

LINE = 64
"""Bytes of a cache line on the processors of today."""


def aligned_empty(*shape: int) -> F32:
    """Return an array, float32, whose numbers are not set, from the start of a cache line on.

    NumPy's own arrays begin 16 bytes past one where they are large: a row of 16 factors then lies
    in two lines instead of one, and each gather of it reads both.

    >>> aligned_empty(3, 16).ctypes.data % LINE
    0
    """
    size = 4 * math.prod(shape)
    raw = np.empty(size + LINE, dtype=np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(np.float32).reshape(shape)


def aligned_parts(*sizes: int) -> list[F32]:
    """Return arrays of these sizes, float32, whose numbers are not set, in one piece of memory.

    Each begins where a cache line does. For scratch of a kernel: one allocation, not one for each.

    >>> [len(part) for part in aligned_parts(3, 0, 16)]
    [3, 0, 16]
    """
    step = LINE // 4
    whole, parts, start = aligned_empty(sum(-(-size // step) * step for size in sizes)), [], 0
    for size in sizes:
        parts.append(whole[start : start + size])
        start += -(-size // step) * step
    return parts


def aligned_zeros(*shape: int) -> F32:
    """Return zeros, float32, from the start of a cache line on."""
    table = aligned_empty(*shape)
    table[...] = 0
    return table


def aligned_times(table: F32, units: F32) -> F32:
    """Return a table, (N, K) float32, with row j times ``units[j]``, (N,) float32."""
    return np.multiply(table, units[:, None], out=aligned_empty(*table.shape))
