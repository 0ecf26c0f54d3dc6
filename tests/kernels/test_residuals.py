import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.kernels import order, residuals
from penchant.kernels.plain import solves


def problem(seed, M, N, K):
    random = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(random.integers(0, 20, M))]).astype(np.int64)
    n = int(indptr[-1])

    def floats(*shape):
        return random.normal(size=shape).astype(np.float32)

    indices = random.integers(0, N, n).astype(np.int32)
    weights = random.uniform(0.5, 2, N).astype(np.float32)
    return indptr, indices, floats(n), floats(M, K), floats(M), floats(N, K), floats(N), weights


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([8, 16, 24]))
def test_errors_and_their_sums_agree_with_the_twin(seed, M, K):
    arguments = problem(seed, M, 9, K)
    n = len(arguments[1])
    fast, slow = [(np.zeros(n, np.float32), np.zeros(M)) for _ in range(2)]
    residuals.row_errors(0, M, *arguments, *fast)
    solves.row_errors(0, M, *arguments, *slow)
    np.testing.assert_allclose(fast[0], slow[0], atol=1e-4)
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-4, atol=1e-4)


def test_squares_alone_are_those_beside_the_errors():
    arguments = problem(1, 8, 9, 8)
    errors, sums, alone, slow = np.zeros(len(arguments[1]), np.float32), *np.zeros((3, 8))
    residuals.row_errors(0, 8, *arguments, errors, sums)
    residuals.row_squares(0, 8, *arguments, alone)
    solves.row_squares(0, 8, *arguments, slow)
    np.testing.assert_allclose(alone, sums, rtol=1e-6)
    np.testing.assert_allclose(alone, slow, rtol=1e-5)


def test_squares_with_weights_and_clipped_agree_with_the_twin():
    arguments = problem(1, 8, 9, 8)
    low, high = np.float32(-0.5), np.float32(0.5)
    fast, slow = np.zeros((2, 8)), np.zeros((2, 8))
    residuals.row_scores(0, 8, *arguments, low, high, *fast)
    solves.row_scores(0, 8, *arguments, low, high, *slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-4)
    assert (fast[0] != fast[1]).any()


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_not_finite_is_not_clipped_away(broken):
    arguments = problem(1, 8, 9, 8)
    row = int(np.flatnonzero(np.diff(arguments[0]))[0])
    arguments[4][row] = broken
    sums, clipped = np.zeros((2, 8))
    residuals.row_scores(0, 8, *arguments, np.float32(-1), np.float32(1), sums, clipped)
    assert not np.isfinite(clipped[row])
    assert np.isfinite(np.delete(clipped, row)).all()


def test_predictions_of_pairs_agree_with_the_twin():
    _, _, _, P, bu, Q, bi, _ = problem(2, 8, 9, 16)
    random = np.random.default_rng(0)
    u, i = (random.integers(0, m, 50).astype(np.int32) for m in (8, 9))
    fast, slow = np.zeros(50, np.float32), np.zeros(50, np.float32)
    residuals.predict_pairs(0, 50, u, i, P, bu, Q, bi, fast)
    solves.predict_pairs(0, 50, u, i, P, bu, Q, bi, slow)
    np.testing.assert_allclose(fast, slow, atol=1e-5)


@given(st.lists(st.integers(0, 6), max_size=50))
def test_the_order_by_row_agrees_with_the_twin(rows):
    rows = np.array(rows, np.int32)
    results = []
    for module in (order, solves):
        starts, by = np.empty(8, np.int64), np.empty(len(rows), np.int32)
        module.order_by(rows, starts, by)
        results.append((starts, by))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@given(st.integers(0, 10**6), st.integers(0, 40), st.sampled_from([np.uint8, np.float32]))
def test_what_belongs_to_each_row_and_to_each_column_agrees_with_the_twin(seed, n, kind):
    random = np.random.default_rng(seed)
    rows, columns = (random.integers(0, size, n).astype(np.int32) for size in (4, 6))
    values = random.integers(0, 9, n).astype(kind)
    results = []
    for module in (order, solves):
        by_row = np.empty(5, np.int64), np.empty(n, np.int32), np.empty(n, kind)
        module.gather_by(rows, columns, values, *by_row)
        by_column = np.empty(7, np.int64), np.empty(n, np.int32), np.empty(n, kind)
        module.turn_over(*by_row, *by_column)
        results.append((*by_row, *by_column))
    for fast, slow in zip(*results, strict=True):
        np.testing.assert_array_equal(fast, slow)
    starts, there, _ = results[0][3:]
    assert all((np.diff(there[a:b]) >= 0).all() for a, b in itertools.pairwise(starts))


@pytest.mark.parametrize("kind", [np.int16, np.int32])
def test_mean_predictions_agree_with_the_twin_and_are_the_means_of_the_draws(kind):
    random = np.random.default_rng(5)
    low, high, most = np.float32(-1), np.float32(1.5), 2**15 - 1 if kind == np.int16 else 2**30
    fixed = np.array([0.25, 6 / most, most], np.float32)
    arguments = problem(1, 8, 9, 8)
    n = len(arguments[1])
    predictions, known = [], arguments[2] + np.float32(0.1)
    fast, slow = [(np.zeros(n, kind), np.zeros(8), np.zeros(8)) for _ in range(2)]
    for count in range(1, 7):
        arguments[3][:] = random.normal(size=(8, 8)) * 0.3
        for module, out in ((residuals, fast), (solves, slow)):
            module.row_means(0, 8, *arguments, known, count, low, high, fixed, *out)
        errors, sums = np.zeros(n, np.float32), np.zeros(8)
        solves.row_errors(0, 8, *arguments, errors, sums)
        np.testing.assert_allclose(fast[1], sums, rtol=1e-4)
        predictions.append(known - errors)
    means = fixed[0] + fixed[1] * fast[0].astype(np.float64)
    np.testing.assert_allclose(means, np.mean(predictions, axis=0), atol=6e-4)
    assert np.abs(fast[0].astype(np.int64) - slow[0]).max() <= (2 if kind == np.int16 else 2**8)
    squares = (known - np.clip(means, low, high)) ** 2
    by_row = np.add.reduceat(np.append(squares, 0), arguments[0][:-1])
    by_row[np.diff(arguments[0]) == 0] = 0
    np.testing.assert_allclose(fast[2], by_row, rtol=2e-3)
    np.testing.assert_allclose(fast[2], slow[2], rtol=1e-4)


def test_a_mean_prediction_that_is_not_finite_shows_in_the_sums():
    arguments = problem(1, 8, 9, 8)
    row = int(np.flatnonzero(np.diff(arguments[0]))[0])
    arguments[4][row] = np.nan
    n, fixed = len(arguments[1]), np.array([0, 1e-4, 2**15 - 1], np.float32)
    out = np.zeros(n, np.int16), np.zeros(8), np.zeros(8)
    residuals.row_means(
        0, 8, *arguments, arguments[2], 1, np.float32(-1), np.float32(1), fixed, *out
    )
    assert np.isnan(out[1][row])
    assert np.isfinite(np.delete(out[1], row)).all()
