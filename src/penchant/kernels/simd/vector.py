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
    at(x, o)           x[o], of any type; neither counts from the end nor asks whether to;
                       of `penchant.kernels.byte_values` values levels[codes[o]]
    fma(a, b, c)       a b + c, in one rounding where the processor can
    axpy(v, s, x, o)   v + s x[o : o + 8], or 16, as v is
    sub(a, b), mul(a, b), div(a, b), sqrt(a)
    total(a)           the sum of all places, in pairs, always in the same order
    prefetch(x, o)     asks for the cache line of x[o], which may lie anywhere; changes nothing

`penchant.kernels.simd.tiles` has operations on several vectors at once.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

LANES = 8

WIDE: bool = binding.get_host_cpu_features().get("avx512f", False)
"""Whether sixteen numbers fit into a register, of which there are 32. It changes no bit."""

INDEX = ir.IntType(32)


class Vector(types.Type):
    """The type of some float32 numbers."""

    def __init__(self, lanes: int) -> None:
        super().__init__(name=f"f32x{lanes}")
        self.lanes = lanes
        self.llvm = ir.VectorType(ir.FloatType(), lanes)


class _VectorModel(models.PrimitiveModel):
    """How such a value is held: as one LLVM vector."""

    def __init__(self, manager: Any, front: Any) -> None:
        super().__init__(manager, front, front.llvm)  # type: ignore[no-untyped-call]


register_model(Vector)(_VectorModel)
EIGHT: Any = Vector(8)
SIXTEEN: Any = Vector(16)


def declared(builder: Any, result: Any, arguments: list[Any], name: str) -> Any:
    """Return a function of LLVM's own."""
    make: Any = cgutils.get_or_insert_function
    return make(builder.module, ir.FunctionType(result, arguments), name)


def pointer_to(context: Any, builder: Any, signature: Any, args: Any, n: int = 0) -> Any:
    """Return the pointer to ``x[o]``, x argument n, o the next one."""
    array, offset = signature.args[n], signature.args[n + 1]
    data = context.make_array(array)(context, builder, args[n]).data
    return builder.gep(data, [context.cast(builder, args[n + 1], offset, types.intp)])


def read(builder: Any, pointer: Any, kind: Any) -> Any:
    """Return the vector at a pointer."""
    return builder.load(builder.bitcast(pointer, kind.llvm.as_pointer()), align=4)


def write(builder: Any, value: Any, pointer: Any, kind: Any) -> None:
    """Put a vector at a pointer."""
    builder.store(value, builder.bitcast(pointer, kind.llvm.as_pointer()), align=4)


def everywhere(builder: Any, number: Any, kind: Any) -> Any:
    """Return the vector of one number."""
    empty = ir.Constant(kind.llvm, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(INDEX, 0))
    return builder.shuffle_vector(first, empty, places([0] * kind.lanes))


def places(numbers: list[int]) -> Any:
    """Return the mask of a shuffle."""
    return ir.Constant(ir.VectorType(INDEX, len(numbers)), numbers)


def fused(builder: Any, kind: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a b + c``."""
    name = f"llvm.fmuladd.v{kind.lanes}f32"
    return builder.call(declared(builder, kind.llvm, [kind.llvm] * 3, name), [a, b, c])


def total_of(builder: Any, value: Any, kind: Any) -> Any:
    """Return the sum of all places, in pairs that are half a vector, a quarter … apart."""
    half = kind.lanes // 2
    while half:
        upper = places([min(lane + half, kind.lanes - 1) for lane in range(kind.lanes)])
        value = builder.fadd(value, builder.shuffle_vector(value, value, upper))
        half //= 2
    return builder.extract_element(value, ir.Constant(INDEX, 0))


def _loader(kind: Any) -> Any:
    def load(typing: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return read(builder, pointer_to(context, builder, signature, args), kind)

        return kind(array, offset), generate

    return load


def _store(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        write(builder, args[2], pointer_to(context, builder, signature, args), value)
        return context.get_dummy_value()

    return types.none(array, offset, value), generate


def _splat(typing: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return everywhere(builder, args[0], EIGHT)

    return EIGHT(types.float32), generate


def _broadcaster(kind: Any) -> Any:
    def broadcast(typing: Any, array: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = builder.load(pointer_to(context, builder, signature, args))
            return everywhere(builder, number, kind)

        return kind(array, offset), generate

    return broadcast


def _at(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(pointer_to(context, builder, signature, args))

    def look_up(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        codes, levels = (builder.extract_value(args[0], place) for place in (0, 1))
        places = types.intp(array[0], offset)
        code = builder.load(pointer_to(context, builder, places, (codes, args[1])))
        number = array[1].dtype(array[1], array[0].dtype)
        return builder.load(pointer_to(context, builder, number, (levels, code)))

    if isinstance(array, types.NamedTuple):
        return array[1].dtype(array, offset), look_up
    return array.dtype(array, offset), generate


def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fused(builder, a, *args)

    return a(a, a, a), generate


def _axpy(typing: Any, v: Any, number: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x = read(builder, pointer_to(context, builder, signature, args, 2), v)
        return fused(builder, v, everywhere(builder, args[1], v), x, args[0])

    return v(v, types.float32, array, offset), generate


def _sqrt(typing: Any, a: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = f"llvm.sqrt.v{a.lanes}f32"
        return builder.call(declared(builder, a.llvm, [a.llvm], name), args)

    return a(a), generate


def _sub(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda _c, builder, _s, args: builder.fsub(*args)


def _mul(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda _c, builder, _s, args: builder.fmul(*args)


def _div(typing: Any, a: Any, b: Any) -> Any:
    return a(a, b), lambda _c, builder, _s, args: builder.fdiv(*args)


def _total(typing: Any, a: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return total_of(builder, args[0], a)

    return types.float32(a), generate


def _prefetch(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kinds = [byte, INDEX, INDEX, INDEX]
        fetch = declared(builder, ir.VoidType(), kinds, "llvm.prefetch.p0i8")
        at = builder.bitcast(pointer_to(context, builder, signature, args), byte)
        builder.call(fetch, [at, *(ir.Constant(INDEX, n) for n in (0, 3, 1))])  # read, near, data
        return context.get_dummy_value()

    return types.none(array, offset), generate


load: Any = intrinsic(_loader(EIGHT))
load16: Any = intrinsic(_loader(SIXTEEN))
store: Any = intrinsic(_store)
splat: Any = intrinsic(_splat)
broadcast: Any = intrinsic(_broadcaster(EIGHT))
broadcast16: Any = intrinsic(_broadcaster(SIXTEEN))
at: Any = intrinsic(_at)
fma: Any = intrinsic(_fma)
axpy: Any = intrinsic(_axpy)
sqrt: Any = intrinsic(_sqrt)
sub: Any = intrinsic(_sub)
mul: Any = intrinsic(_mul)
div: Any = intrinsic(_div)
total: Any = intrinsic(_total)
prefetch: Any = intrinsic(_prefetch)
