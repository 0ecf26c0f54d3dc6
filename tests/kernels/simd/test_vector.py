import numpy as np
import pytest

from penchant.kernels.jit import kernel
from penchant.kernels.simd import tiles
from penchant.kernels.simd.tiles import across, add, outer
from penchant.kernels.simd.vector import (
    at,
    axpy,
    broadcast,
    broadcast16,
    div,
    fma,
    load,
    load16,
    mul,
    splat,
    sqrt,
    store,
    sub,
    total,
)


@kernel
def _arithmetic(x, out):  # type: ignore[no-untyped-def]
    a, b = load(x, 0), load(x, 8)
    store(out, 0, sub(mul(a, b), div(a, b)))
    store(out, 8, fma(a, broadcast(x, 3), sqrt(splat(np.float32(4)))))
    store(out, 16, axpy(load16(x, 0), at(x, 2), x, 5))
    store(out, 32, mul(broadcast16(x, 1), load16(x, 9)))
    out[48], out[49] = total(a), total(load16(x, 0))


def test_arithmetic():
    x, out = np.arange(1, 33, dtype=np.float32), np.zeros(50, np.float32)
    _arithmetic(x, out)
    a, b = x[:8], x[8:16]
    np.testing.assert_allclose(out[:8], a * b - a / b, rtol=1e-6)
    np.testing.assert_array_equal(out[8:16], a * 4 + 2)
    np.testing.assert_array_equal(out[16:32], x[:16] + 3 * x[5:21])
    np.testing.assert_array_equal(out[32:48], 2 * x[9:25])
    assert out[48:].tolist() == [36, 136]


@kernel
def _turn(x, offset, stride, out):  # type: ignore[no-untyped-def]
    turned = across(x, offset, stride)
    for m in range(8):
        store(out, 8 * m, turned[m])


def test_across_turns_a_square():
    x, out = np.arange(200, dtype=np.float32), np.zeros(64, np.float32)
    _turn(x, 3, 20, out)
    lanes, m = np.meshgrid(np.arange(8), np.arange(8))
    np.testing.assert_array_equal(out.reshape(8, 8), x[3 + 20 * lanes + m])


@kernel
def _outer(zero, x, i, j, out):  # type: ignore[no-untyped-def]
    add(out, 1, 16, outer(outer(zero, x, i, j), x, j, i))


TILES = {"tile_8": (8, 8), "tile_8_by_16": (8, 16), "tile_16": (16, 16)}


@pytest.mark.parametrize("name", TILES)
def test_outer_adds_a_product_to_a_tile(name):
    made = getattr(tiles, name)

    @kernel
    def run(x, out):  # type: ignore[no-untyped-def]
        _outer(made(), x, 2, 20, out)

    height, width = TILES[name]
    x, out = np.arange(40, dtype=np.float32), np.ones(1 + 16 * 16, np.float32)
    run(x, out)
    first, second = x[2:], x[20:]
    expected = np.ones((16, 16))
    expected[:height, :width] += np.outer(first[:height], second[:width])
    expected[:height, :width] += np.outer(second[:height], first[:width])
    np.testing.assert_array_equal(out[1:].reshape(16, 16), expected)
    assert out[0] == 1


@kernel
def _at(x, place):  # type: ignore[no-untyped-def]
    return at(x, place)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.float32])
def test_at_reads_any_type(kind):
    assert _at(np.array([5, 6, 7], kind), np.int32(1)) == 6
