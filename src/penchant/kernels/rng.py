"""Random numbers by counting: a draw is a pure function of where it is used.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3")
turns a key and a counter into four independent words of 32 bits. The key is the seed; the counter
says (block of four coordinates, row, sweep, side). Neither the order of the rows, nor the blocks,
nor the number of threads or machines can change a draw.

Two words make two normals (Box & Muller 1958): ``√(−2 ln u) (cos 2πv, sin 2πv)``, in float32 with
the polynomials of Cephes (`logf`, `sinf`, `cosf`), which unlike the C library's functions work on
many numbers abreast. `penchant.kernels.plain.solves` holds the twin in NumPy.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.kernels.jit import inlined, kernel, part

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_HIGH = np.uint64(32)
_f = np.float32
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_QUARTER = _f(np.pi / 2 * 2.0**-30)  # a quarter turn is 2**30 of the word's 2**32


def seed_key(seed: int) -> npt.NDArray[np.uint32]:
    """Return the key of a seed, (2,) uint32: the low and the high word of its 64 bits."""
    return np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], dtype=np.uint32)


@inlined
def _round(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    p, q = _M0 * np.uint64(c0), _M1 * np.uint64(c2)
    a, b = np.uint32(q >> _HIGH) ^ c1 ^ k0, np.uint32(q)
    c, d = np.uint32(p >> _HIGH) ^ c3 ^ k1, np.uint32(p)
    return np.uint32(a), b, np.uint32(c), d, np.uint32(k0 + _W0), np.uint32(k1 + _W1)


@part
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Return the four words of a counter (c0 … c3) under a key (k0, k1); all are uint32."""
    # Ten rounds, written out: a loop here would keep LLVM from working on counters abreast.
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    return c0, c1, c2, c3


@part
def lane_words(blocks, rows, sweep, side, key, words):  # type: ignore[no-untyped-def]
    """Fill `words`, (4, blocks * 8) uint32, with the words of eight rows, (8,) uint32.

    ``words[c, 8 b + l]`` is word c of block b of row ``rows[l]``.
    """
    k0, k1 = key[0], key[1]
    sweep, side = np.uint32(sweep), np.uint32(side)
    for n in range(blocks * 8):
        a, b, c, d = philox(np.uint32(n >> 3), rows[n & 7], sweep, side, k0, k1)
        words[0, n], words[1, n], words[2, n], words[3, n] = a, b, c, d


@part
def _radius(words, out, bits, n):  # type: ignore[no-untyped-def]
    """Fill out[:n] with √(−2 ln u), u = (the word's upper 24 bits + ½) / 2²⁴; spoils `words`.

    `bits` is `out` as int32.
    """
    for m in range(n):
        out[m] = (_f(np.int32(words[m] >> np.uint32(8))) + _f(0.5)) * _f(2.0**-24)
    for m in range(n):  # u = f 2^e with f from √½ to √2
        e = (bits[m] - _SQRT_HALF_BITS) >> 23
        bits[m] -= e << 23
        words[m] = np.uint32(e)
    for m in range(n):
        e, x = _f(np.int32(words[m])), out[m] - _f(1)
        p = _f(7.0376836292e-2) * x - _f(1.1514610310e-1)
        p = (p * x + _f(1.1676998740e-1)) * x - _f(1.2420140846e-1)
        p = (p * x + _f(1.4249322787e-1)) * x - _f(1.6668057665e-1)
        p = (p * x + _f(2.0000714765e-1)) * x - _f(2.4999993993e-1)
        p = p * x + _f(3.3333331174e-1)
        y = p * x * x * x + e * _f(-2.12194440e-4) - _f(0.5) * x * x
        out[m] = np.sqrt(_f(-2) * ((x + y) + e * _f(0.693359375)))


@part
def _turn(words, radius, cosines, sines, n):  # type: ignore[no-untyped-def]
    """Fill cosines[:n] and sines[:n] with radius · cos 2πv and radius · sin 2πv, v = word / 2³²."""
    for m in range(n):
        t = np.int32(words[m])
        quarter = (t + np.int32(0x20000000)) >> np.int32(30)  # the nearest quarter turn
        y = _f(np.int32(t - np.int32(quarter << np.int32(30)))) * _QUARTER
        z = y * y
        s = (_f(-1.9515295891e-4) * z + _f(8.3321608736e-3)) * z - _f(1.6666654611e-1)
        s = s * z * y + y
        c = (_f(2.443315711809948e-5) * z - _f(1.388731625493765e-3)) * z
        c = (c + _f(4.166664568298827e-2)) * z * z - _f(0.5) * z + _f(1)
        q = quarter & np.int32(3)
        swap = (q & np.int32(1)) != 0
        cosine, sine = (s if swap else c), (c if swap else s)
        cosines[m] = radius[m] * (-cosine if q == 1 or q == 2 else cosine)
        sines[m] = radius[m] * (-sine if q >= 2 else sine)


@part
def _normals(words, radius, bits, out, n):  # type: ignore[no-untyped-def]
    """Fill `out`, (4, n or more), with the normals of `words`, which are spoilt."""
    for c in range(0, 4, 2):
        _radius(words[c], radius, bits, n)
        _turn(words[c + 1], radius, out[c], out[c + 1], n)


class Scratch(NamedTuple):
    """What normals are made in; radius and bits are one memory.

    Attributes:
        words: (4, n) uint32.
        radius: (n,) float32.
        bits: (n,) int32.
        z: (4, n) float32, where they are found.
    """

    words: Any
    radius: Any
    bits: Any
    z: Any


def scratch_of(n: int) -> Scratch:
    """Return room for n blocks of four normals."""
    radius = np.empty(n, np.float32)
    return Scratch(
        np.empty((4, n), np.uint32), radius, radius.view(np.int32), np.empty((4, n), np.float32)
    )


@part
def row_normals(blocks, row, sweep, side, key, scratch):  # type: ignore[no-untyped-def]
    """Leave standard normals of one row in `scratch.z`; blocks in eights.

    ``z[c, b]`` is coordinate ``4 b + c``.
    """
    k0, k1, words = key[0], key[1], scratch.words
    row, sweep, side = np.uint32(row), np.uint32(sweep), np.uint32(side)
    for n in range(blocks):
        a, b, c, d = philox(np.uint32(n), row, sweep, side, k0, k1)
        words[0, n], words[1, n], words[2, n], words[3, n] = a, b, c, d
    _normals(words, scratch.radius, scratch.bits, scratch.z, blocks)


def fill_normals(  # type: ignore[no-untyped-def]
    start, stop, sweep, side, key, out, first=0
):
    """Fill rows start … stop-1 of `out`, (M, D) float32, with their standard normals.

    `first` is what row 0 of `out` is called in the counters.
    """
    blocks = (out.shape[1] + 3) // 4
    rows = np.empty(8, np.uint32)
    _fill_normals(start, stop, sweep, side, key, out, first, blocks, rows, scratch_of(blocks * 8))


@kernel
def _fill_normals(  # type: ignore[no-untyped-def]
    start, stop, sweep, side, key, out, first, blocks, rows, scratch
):
    """Do so eight rows at a time: ``z[c, 8 b + l]`` is coordinate ``4 b + c`` of row l of those."""
    z, D = scratch.z, out.shape[1]
    for row in range(start, stop, 8):
        for lane in range(8):
            rows[lane] = row + lane + first
        lane_words(blocks, rows, sweep, side, key, scratch.words)
        _normals(scratch.words, scratch.radius, scratch.bits, z, blocks * 8)
        for lane in range(8):
            if row + lane < stop:
                for d in range(D):
                    out[row + lane, d] = z[d & 3, 8 * (d >> 2) + lane]
