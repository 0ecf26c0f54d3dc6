"""Operations on several of `penchant.kernels.simd.vector`'s vectors at once.

A tile is a tuple of vectors, its rows, which stay in registers too:

    tile_8(), tile_8_by_16(), tile_16()    zeros: 8 × 8, 8 × 16, 16 × 16
    outer(c, x, i, j)  c + x[i : i + 8] x[j : j + 8]ᵀ, or 16, as c is
    add(x, o, s, c)    adds row m of c to x[o + s m] and those after it
    across(x, o, s)    an 8 × 8 tile, turned: place l of row m is x[o + s l + m]
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from penchant.kernels.simd.vector import (
    EIGHT,
    INDEX,
    LANES,
    SIXTEEN,
    everywhere,
    fused,
    places,
    pointer_to,
    read,
    write,
)

_tuple: Any = types.UniTuple


def _zeros(height: int, kind: Any) -> Any:
    def zeros(typing: Any) -> Any:
        tile = _tuple(kind, height)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            zero = ir.Constant(kind.llvm, [0.0] * kind.lanes)
            return context.make_tuple(builder, tile, [zero] * height)

        return tile(), generate

    return zeros


def _outer(typing: Any, tile: Any, array: Any, i: Any, j: Any) -> Any:
    kind = tile.dtype

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        down = pointer_to(context, builder, signature, args, 1)
        data = context.make_array(array)(context, builder, args[1]).data
        place = context.cast(builder, args[3], j, types.intp)
        along = read(builder, builder.gep(data, [place]), kind)
        rows = []
        for m in range(tile.count):
            number = builder.load(builder.gep(down, [ir.Constant(INDEX, m)]))
            row = builder.extract_value(args[0], m)
            rows.append(fused(builder, kind, everywhere(builder, number, kind), along, row))
        return context.make_tuple(builder, tile, rows)

    return tile(tile, array, i, j), generate


def _add(typing: Any, array: Any, offset: Any, stride: Any, tile: Any) -> Any:
    kind = tile.dtype

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = pointer_to(context, builder, signature, args)
        s = context.cast(builder, args[2], stride, types.intp)
        for m in range(tile.count):
            row = builder.extract_value(args[3], m)
            write(builder, builder.fadd(row, read(builder, pointer, kind)), pointer, kind)
            pointer = builder.gep(pointer, [s])
        return context.get_dummy_value()

    return types.none(array, offset, stride, tile), generate


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of eight vectors: halves change places, then quarters, then eighths."""
    for half in (4, 2, 1):
        mixed = list(rows)
        for m in range(LANES):
            if m & half:
                continue
            for side in (0, half):
                # the places whose bit `half` is that of the side, of both rows in turn
                own = [(p & ~half) + side + (LANES if p & half else 0) for p in range(LANES)]
                mixed[m + side] = builder.shuffle_vector(rows[m], rows[m + half], places(own))
        rows = mixed
    return rows


def _across(typing: Any, array: Any, offset: Any, stride: Any) -> Any:
    tile = _tuple(EIGHT, LANES)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = pointer_to(context, builder, signature, args)
        s = context.cast(builder, args[2], stride, types.intp)
        rows = []
        for _ in range(LANES):
            rows.append(read(builder, pointer, EIGHT))
            pointer = builder.gep(pointer, [s])
        return context.make_tuple(builder, tile, _turned(builder, rows))

    return tile(array, offset, stride), generate


tile_8: Any = intrinsic(_zeros(8, EIGHT))
tile_8_by_16: Any = intrinsic(_zeros(8, SIXTEEN))
tile_16: Any = intrinsic(_zeros(16, SIXTEEN))
outer: Any = intrinsic(_outer)
add: Any = intrinsic(_add)
across: Any = intrinsic(_across)
