import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.kernels import sgd
from penchant.kernels.byte_values import Coded
from penchant.kernels.plain import sgd as sgd_plain
from penchant.kernels.rng import seed_key

f = np.float32
SEEDS = st.integers(0, 2**64 - 1)


def problem(seed: int, n: int = 400, K: int = 5, bands: int = 4):
    """Random ratings in blocks, and tables to train on them."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(1, 30, n, dtype=np.int32), rng.integers(1, 20, n, dtype=np.int32)
    values = rng.normal(size=n).astype(f)
    user_band = rng.integers(0, bands, 30, dtype=np.int32)
    item_band = rng.integers(0, bands, 20, dtype=np.int32)
    tables = [rng.normal(0, 0.3, shape).astype(f) for shape in ((30,), (20,), (30, K), (20, K))]
    return (user_band, item_band, bands, users, items, values), tables


def in_blocks(columns):
    users, items, values = (np.empty_like(column) for column in columns[3:])
    starts = sgd.sort_into_blocks(*columns, users, items, values)
    return starts, users, items, values


CENTER = (f(0.3), f(0.8))
RATES = (f(0.05), f(0.1), f(0.02))


@given(SEEDS)
def test_sorting_equals_the_twin(seed):
    columns, _ = problem(seed)
    for made, twin in zip(in_blocks(columns), sgd_plain.sort_into_blocks(*columns), strict=True):
        np.testing.assert_array_equal(made, twin)


@given(SEEDS, st.integers(0, 70), st.integers(0, 2**31), st.integers(1, 2**31))
def test_shuffle_equals_the_twin_and_is_a_permutation(seed, n, block, epoch):
    order = np.empty(n, np.int32)
    sgd.shuffle(order, block, epoch, seed_key(seed))
    np.testing.assert_array_equal(order, sgd_plain.shuffle(n, block, epoch, seed_key(seed)))
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


def test_the_twin_draws_the_published_words():
    # The known answers for Philox4x32-10 in the authors' Random123.
    zeros = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    assert sgd_plain.philox(0, 0, 0, 0, 0, 0) == zeros


def test_each_order_is_as_likely_as_any_other():
    order, counts = np.empty(3, np.int32), np.zeros(27, int)
    for epoch in range(6000):
        sgd.shuffle(order, 1, epoch, seed_key(3))
        counts[order @ [9, 3, 1]] += 1
    seen = counts[counts > 0]
    assert len(seen) == 6
    assert abs(seen - 1000).max() < 5 * np.sqrt(1000)


@given(SEEDS)
def test_an_epoch_equals_the_twin(seed):
    columns, tables = problem(seed)
    blocks, key = np.arange(16), seed_key(seed)
    plain = [table.copy() for table in tables]
    sgd.sgd_blocks(blocks, *in_blocks(columns), *CENTER, *tables, *RATES, 2, key)
    sorted_columns = sgd_plain.sort_into_blocks(*columns)
    sgd_plain.sgd_blocks(blocks, *sorted_columns, *CENTER, *plain, *RATES, 2, key)
    for made, twin in zip(tables, plain, strict=True):
        np.testing.assert_allclose(made, twin, rtol=1e-4, atol=1e-5)


def test_one_step_by_hand():
    zero = np.zeros(1, np.int32)
    b, c, P, Q = f([0.5]), f([0.25]), f([[2.0, 0.0]]), f([[1.0, 1.0]])
    starts, key = np.array([0, 1]), seed_key(0)
    rates = (f(0.5), f(0.2), f(0.1))
    given = (zero, starts, zero, zero, f([4.5]), f(3), f(2.5))
    sgd.sgd_blocks(*given, b, c, P, Q, *rates, 1, key)
    # e = 2.5 (4.5 - 3) - 0.5 - 0.25 - 2 = 1; a number moves by half of (e × its partner - λ × it)
    np.testing.assert_allclose(P, [[2 + 0.5 * (1 - 0.4), 0.5]], rtol=1e-6)
    np.testing.assert_allclose(Q, [[1 + 0.5 * (2 - 0.2), 1 - 0.1]], rtol=1e-6)
    np.testing.assert_allclose([b[0], c[0]], [0.5 + 0.5 * 0.95, 0.25 + 0.5 * 0.975], rtol=1e-6)


@given(SEEDS, st.permutations([0, 5, 10, 15]))
def test_blocks_that_share_no_band_may_come_in_any_order(seed, blocks):
    columns, tables = problem(seed)
    other = [table.copy() for table in tables]
    rest = (*in_blocks(columns), *CENTER)
    more = (*RATES, 1, seed_key(seed))
    sgd.sgd_blocks(np.array([0, 5, 10, 15]), *rest, *tables, *more)
    for block in blocks:
        sgd.sgd_blocks(np.array([block]), *rest, *other, *more)
    for one, two in zip(tables, other, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("K", [1, 7, 64])
def test_predictions_equal_the_twin(K):
    (_, _, _, users, items, _), tables = problem(1, K=K)
    out = np.empty(len(users), f)
    sgd.predict_pairs(users, items, f(3.5), f(2), *tables, out)
    twin = sgd_plain.predict_pairs(users, items, f(3.5), f(2), *tables)
    np.testing.assert_allclose(out, twin, rtol=1e-5, atol=1e-5)


@given(SEEDS)
def test_codes_train_as_the_values_that_they_stand_for(seed):
    columns, tables = problem(seed)
    levels = np.random.default_rng(seed).normal(size=7).astype(f)
    codes = np.random.default_rng(seed).integers(0, 7, len(columns[-1])).astype(np.uint8)
    other, key = [table.copy() for table in tables], seed_key(seed)
    starts, users, items, sorted_codes = in_blocks((*columns[:-1], codes))
    for values, own in ((Coded(sorted_codes, levels), tables), (levels[sorted_codes], other)):
        rest = (*CENTER, *own, *RATES, 2, key)
        sgd.sgd_blocks(np.arange(16), starts, users, items, values, *rest)
    for one, two in zip(tables, other, strict=True):
        np.testing.assert_array_equal(one, two)
