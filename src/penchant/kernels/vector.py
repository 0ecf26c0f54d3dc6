"""Eight float32 numbers that are worked on at once, as a value inside kernels.

Numba leaves it to LLVM to find what can be done abreast, which fails for a sum that is kept in
registers over a loop. These few operations say it outright: a value of type `f32x8` lives in one
register on AVX, in two on SSE and NEON. Arrays are one-dimensional, contiguous and float32; offsets
count elements and are not checked.

    load(x, o)         x[o : o + 8]
    store(x, o, v)     x[o : o + 8] = v
    splat(s)           s in all eight places
    fma(a, b, c)       a b + c, in one rounding where the processor can
    sub(a, b), mul(a, b), div(a, b), sqrt(a)
    total(a)           the sum of the eight, in pairs, always in the same order
    prefetch(x, o)     asks for the cache line of x[o], which may lie anywhere; changes nothing
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

LANES = 8

_declared: Any = cgutils.get_or_insert_function

_VECTOR = ir.VectorType(ir.FloatType(), LANES)


class _Vector(types.Type):
    """The type of eight float32 numbers."""


_vector: Any = _Vector(name="f32x8")


class _VectorModel(models.PrimitiveModel):
    """How such a value is held: as one LLVM vector."""

    def __init__(self, manager: Any, front: Any) -> None:
        super().__init__(manager, front, _VECTOR)  # type: ignore[no-untyped-call]


register_model(_Vector)(_VectorModel)


def _address(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Return the pointer to `array[offset]` as one to a vector."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    offset = context.cast(builder, args[1], signature.args[1], types.intp)
    return builder.bitcast(builder.gep(array.data, [offset]), _VECTOR.as_pointer())


def _load(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, signature, args), align=4)

    return _vector(array, offset), generate


def _store(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, signature, args), align=4)
        return context.get_dummy_value()

    return types.none(array, offset, value), generate


def _splat(typing: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        empty = ir.Constant(_VECTOR, ir.Undefined)
        index = ir.IntType(32)
        first = builder.insert_element(empty, args[0], ir.Constant(index, 0))
        everywhere = ir.Constant(ir.VectorType(index, LANES), [0] * LANES)
        return builder.shuffle_vector(first, empty, everywhere)

    return _vector(types.float32), generate


def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    return _vector(_vector, _vector, _vector), _call("llvm.fmuladd.v8f32", 3)


def _sqrt(typing: Any, a: Any) -> Any:
    return _vector(_vector), _call("llvm.sqrt.v8f32", 1)


def _call(name: str, n: int) -> Any:
    """Return the code for one of LLVM's own functions of n vectors."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(_VECTOR, [_VECTOR] * n)
        return builder.call(_declared(builder.module, function, name), args)

    return generate


def _sub(typing: Any, a: Any, b: Any) -> Any:
    return _vector(_vector, _vector), lambda _c, builder, _s, args: builder.fsub(*args)


def _mul(typing: Any, a: Any, b: Any) -> Any:
    return _vector(_vector, _vector), lambda _c, builder, _s, args: builder.fmul(*args)


def _div(typing: Any, a: Any, b: Any) -> Any:
    return _vector(_vector, _vector), lambda _c, builder, _s, args: builder.fdiv(*args)


def _total(typing: Any, a: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index, value = ir.IntType(32), args[0]
        for half in (4, 2, 1):
            upper = [min(lane + half, LANES - 1) for lane in range(LANES)]
            mask = ir.Constant(ir.VectorType(index, LANES), upper)
            value = builder.fadd(value, builder.shuffle_vector(value, value, mask))
        return builder.extract_element(value, ir.Constant(index, 0))

    return types.float32(_vector), generate


def _prefetch(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        fetch = _declared(builder.module, function, "llvm.prefetch.p0i8")
        array = context.make_array(signature.args[0])(context, builder, args[0])
        at = builder.gep(array.data, [context.cast(builder, args[1], offset, types.intp)])
        read, near, data = (ir.Constant(word, n) for n in (0, 3, 1))
        builder.call(fetch, [builder.bitcast(at, byte), read, near, data])
        return context.get_dummy_value()

    return types.none(array, offset), generate


load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
splat: Any = intrinsic(_splat)
fma: Any = intrinsic(_fma)
sqrt: Any = intrinsic(_sqrt)
sub: Any = intrinsic(_sub)
mul: Any = intrinsic(_mul)
div: Any = intrinsic(_div)
total: Any = intrinsic(_total)
prefetch: Any = intrinsic(_prefetch)
