import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.kernels import rng
from penchant.kernels.plain import solves


def words_of(row, blocks, sweep, side, key):
    words = np.empty((4, blocks * 8), np.uint32)
    rows = np.arange(row, row + 8, dtype=np.uint32)
    rng.lane_words(blocks, rows, sweep, side, key, words)
    return words


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # the known answers that Salmon et al. publish with their paper
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    key = np.array(key, np.uint32)
    fast = rng.philox(*(np.uint32(c) for c in counter), key[0], key[1])
    assert tuple(int(w) for w in fast) == words
    assert tuple(int(w) for w in solves.philox(*counter, key)) == words


@settings(max_examples=20)
@given(st.integers(0, 2**64 - 1), st.integers(0, 10**6), st.integers(0, 10**4), st.integers(1, 9))
def test_kernel_and_twin_give_the_same_words_and_normals(seed, row, sweep, D):
    key = rng.seed_key(seed)
    blocks = (D + 3) // 4
    words = words_of(row, blocks, sweep, 1, key)
    expected = solves.philox(
        np.repeat(np.arange(blocks), 8), row + np.tile(np.arange(8), blocks), sweep, 1, key
    )
    np.testing.assert_array_equal(words, np.stack(expected))
    z = np.zeros((9, D), np.float32)
    if row == 0:
        rng.fill_normals(0, 9, sweep, 1, key, z)
        np.testing.assert_allclose(z, solves.normals(np.arange(9), D, sweep, 1, key), atol=2e-6)


def test_a_draw_depends_on_its_place_alone():
    key = rng.seed_key(7)
    whole, parts = np.zeros((50, 17), np.float32), np.zeros((50, 17), np.float32)
    rng.fill_normals(0, 50, 3, 0, key, whole)
    for start, stop in ((20, 50), (3, 20), (0, 3)):
        rng.fill_normals(start, stop, 3, 0, key, parts)
    np.testing.assert_array_equal(whole, parts)
    for other in ((4, 0, key), (3, 1, key), (3, 0, rng.seed_key(8))):
        rng.fill_normals(0, 50, *other, parts)
        assert not np.isclose(whole, parts).any(axis=1).all()


def test_the_normals_are_standard_and_independent():
    z = np.zeros((50_000, 8), np.float32)
    rng.fill_normals(0, len(z), 1, 0, rng.seed_key(0), z)
    z = z.astype(float)
    n = z.size
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)
    assert np.abs(np.corrcoef(z.T) - np.eye(8)).max() < 5 / np.sqrt(len(z))


def test_one_row_by_itself_draws_what_it_draws_among_eight():
    key = rng.seed_key(3)
    among = np.zeros((20, 32), np.float32)
    rng.fill_normals(0, 20, 2, 1, key, among)
    alone = rng.scratch_of(8)
    rng.row_normals(8, 13, 2, 1, key, alone)
    np.testing.assert_array_equal(alone.z.T.reshape(-1), among[13])
