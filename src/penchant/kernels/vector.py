"""Some float32 numbers that are worked on at once, as a value inside kernels.

Numba leaves it to LLVM to find what can be done abreast, which fails for a sum that is kept in
registers over a loop. These few operations say it outright: a value of type `f32x8` lives in one
register on AVX, in two on SSE and NEON; one of type `f32x16` in one on AVX-512. Arrays are
one-dimensional, contiguous and float32 where not said otherwise; offsets count elements and are not
checked.

    load(x, o)         x[o : o + 8], and load16 of 16
    store(x, o, v)     x[o : o + 8] = v, or 16, as v is
    splat(s)           s in all eight places
    broadcast(x, o)    x[o] in all eight places, and broadcast16
    at(x, o)           x[o], of any type; neither counts from the end nor asks whether to
    fma(a, b, c)       a b + c, in one rounding where the processor can
    sub(a, b), mul(a, b), div(a, b), sqrt(a)
    total(a)           the sum of all places, in pairs, always in the same order
    axpy(v, s, x, o)   v + s x[o : o + 8], or 16, as v is

A tile is a tuple of vectors, its rows, which stay in registers as well:

    tile_8(), tile_8_by_16(), tile_16()    zeros: 8 × 8, 8 × 16, 16 × 16
    outer(c, x, i, j)  c + x[i : i + 8] x[j : j + 8]ᵀ, or 16, as c is
    add(x, o, s, c)    adds row m of c to x[o + s m] and those after it

    across(x, o, s)    eight vectors: place l of vector m is x[o + s l + m]
    prefetch(x, o)     asks for the cache line of x[o], which may lie anywhere; changes nothing
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

LANES = 8

WIDE: bool = binding.get_host_cpu_features().get("avx512f", False)
"""Whether sixteen numbers fit into a register, of which there are 32. It changes no bit."""

_declared: Any = cgutils.get_or_insert_function
_tuple: Any = types.UniTuple
_INDEX = ir.IntType(32)


class _Vector(types.Type):
    """The type of some float32 numbers."""

    def __init__(self, lanes: int) -> None:
        super().__init__(name=f"f32x{lanes}")
        self.lanes = lanes
        self.llvm = ir.VectorType(ir.FloatType(), lanes)


class _VectorModel(models.PrimitiveModel):
    """How such a value is held: as one LLVM vector."""

    def __init__(self, manager: Any, front: Any) -> None:
        super().__init__(manager, front, front.llvm)  # type: ignore[no-untyped-call]


register_model(_Vector)(_VectorModel)
_eight: Any = _Vector(8)
_sixteen: Any = _Vector(16)


def _pointer(context: Any, builder: Any, array: Any, given: Any, offset: Any, kind: Any) -> Any:
    """Return the pointer to `array[offset]`; `array` and `kind` are their types."""
    data = context.make_array(array)(context, builder, given).data
    return builder.gep(data, [context.cast(builder, offset, kind, types.intp)])


def _vector_at(builder: Any, pointer: Any, kind: Any) -> Any:
    return builder.load(builder.bitcast(pointer, kind.llvm.as_pointer()), align=4)


def _put(builder: Any, value: Any, pointer: Any, kind: Any) -> None:
    builder.store(value, builder.bitcast(pointer, kind.llvm.as_pointer()), align=4)


def _loader(kind: Any) -> Any:
    def load(typing: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, array, args[0], args[1], offset)
            return _vector_at(builder, pointer, kind)

        return kind(array, offset), generate

    return load


def _store(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1], offset)
        _put(builder, args[2], pointer, value)
        return context.get_dummy_value()

    return types.none(array, offset, value), generate


def _everywhere(builder: Any, number: Any, kind: Any) -> Any:
    empty = ir.Constant(kind.llvm, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(_INDEX, 0))
    places = ir.Constant(ir.VectorType(_INDEX, kind.lanes), [0] * kind.lanes)
    return builder.shuffle_vector(first, empty, places)


def _splat(typing: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _everywhere(builder, args[0], _eight)

    return _eight(types.float32), generate


def _broadcaster(kind: Any) -> Any:
    def broadcast(typing: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, array, args[0], args[1], offset)
            return _everywhere(builder, builder.load(pointer), kind)

        return kind(array, offset), generate

    return broadcast


def _at(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, array, args[0], args[1], offset))

    return array.dtype(array, offset), generate


def _called(name: str, n: int) -> Any:
    """Return one of LLVM's own functions of n vectors."""

    def function(kind: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            shape = ir.FunctionType(kind.llvm, [kind.llvm] * n)
            llvm = _declared(builder.module, shape, f"{name}.v{kind.lanes}f32")
            return builder.call(llvm, args)

        return kind(*[kind] * n), generate

    return function


def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    return _called("llvm.fmuladd", 3)(a)


def _sqrt(typing: Any, a: Any) -> Any:
    return _called("llvm.sqrt", 1)(a)


def _sub(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda _c, builder, _s, args: builder.fsub(*args)


def _mul(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda _c, builder, _s, args: builder.fmul(*args)


def _div(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda _c, builder, _s, args: builder.fdiv(*args)


def _total(typing: Any, a: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, half = args[0], a.lanes // 2
        while half:
            upper = [min(lane + half, a.lanes - 1) for lane in range(a.lanes)]
            mask = ir.Constant(ir.VectorType(_INDEX, a.lanes), upper)
            value = builder.fadd(value, builder.shuffle_vector(value, value, mask))
            half //= 2
        return builder.extract_element(value, ir.Constant(_INDEX, 0))

    return types.float32(a), generate


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of eight vectors of eight places: halves, quarters and eighths change."""
    for half in (4, 2, 1):
        mixed = [None] * LANES
        for m in range(LANES):
            if m & half:
                continue
            low, high = rows[m], rows[m + half]
            for side in (0, 1):
                # places whose bit `half` is `side`, of both rows in turn
                places = [
                    (lane & ~half) + half * side + (LANES if lane & half else 0)
                    for lane in range(LANES)
                ]
                mask = ir.Constant(ir.VectorType(_INDEX, LANES), places)
                mixed[m + half * side] = builder.shuffle_vector(low, high, mask)
        rows = mixed
    return rows


def _across(typing: Any, array: Any, offset: Any, stride: Any) -> Any:
    kind = _tuple(_eight, LANES)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1], offset)
        s = context.cast(builder, args[2], stride, types.intp)
        rows = []
        for _ in range(LANES):
            rows.append(_vector_at(builder, pointer, _eight))
            pointer = builder.gep(pointer, [s])
        return context.make_tuple(builder, kind, _turned(builder, rows))

    return kind(array, offset, stride), generate


def _axpy(typing: Any, v: Any, number: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[2], args[3], offset)
        times = _everywhere(builder, args[1], v), _vector_at(builder, pointer, v)
        return _fused(builder, v, *times, args[0])

    return v(v, types.float32, array, offset), generate


def _fused(builder: Any, kind: Any, a: Any, b: Any, c: Any) -> Any:
    shape = ir.FunctionType(kind.llvm, [kind.llvm] * 3)
    function = _declared(builder.module, shape, f"llvm.fmuladd.v{kind.lanes}f32")
    return builder.call(function, [a, b, c])


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
        down = _pointer(context, builder, array, args[1], args[2], i)
        along = _vector_at(builder, _pointer(context, builder, array, args[1], args[3], j), kind)
        rows = []
        for m in range(tile.count):
            number = builder.load(builder.gep(down, [ir.Constant(_INDEX, m)]))
            row = builder.extract_value(args[0], m)
            rows.append(_fused(builder, kind, _everywhere(builder, number, kind), along, row))
        return context.make_tuple(builder, tile, rows)

    return tile(tile, array, i, j), generate


def _add(typing: Any, array: Any, offset: Any, stride: Any, tile: Any) -> Any:
    kind = tile.dtype

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, array, args[0], args[1], offset)
        s = context.cast(builder, args[2], stride, types.intp)
        for m in range(tile.count):
            row = builder.extract_value(args[3], m)
            _put(builder, builder.fadd(row, _vector_at(builder, pointer, kind)), pointer, kind)
            pointer = builder.gep(pointer, [s])
        return context.get_dummy_value()

    return types.none(array, offset, stride, tile), generate


def _prefetch(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        fetch = _declared(builder.module, function, "llvm.prefetch.p0i8")
        pointer = _pointer(context, builder, array, args[0], args[1], offset)
        read, near, data = (ir.Constant(word, n) for n in (0, 3, 1))
        builder.call(fetch, [builder.bitcast(pointer, byte), read, near, data])
        return context.get_dummy_value()

    return types.none(array, offset), generate


load: Any = intrinsic(_loader(_eight))
load16: Any = intrinsic(_loader(_sixteen))
store: Any = intrinsic(_store)
splat: Any = intrinsic(_splat)
broadcast: Any = intrinsic(_broadcaster(_eight))
broadcast16: Any = intrinsic(_broadcaster(_sixteen))
at: Any = intrinsic(_at)
fma: Any = intrinsic(_fma)
sqrt: Any = intrinsic(_sqrt)
sub: Any = intrinsic(_sub)
mul: Any = intrinsic(_mul)
div: Any = intrinsic(_div)
total: Any = intrinsic(_total)
axpy: Any = intrinsic(_axpy)
tile_8: Any = intrinsic(_zeros(8, _eight))
tile_8_by_16: Any = intrinsic(_zeros(8, _sixteen))
tile_16: Any = intrinsic(_zeros(16, _sixteen))
outer: Any = intrinsic(_outer)
add: Any = intrinsic(_add)
across: Any = intrinsic(_across)
prefetch: Any = intrinsic(_prefetch)
