import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.kernels import residuals, rowstep
from penchant.kernels.byte_values import MOST, Coded, coded, decoded, divided, moved
from penchant.kernels.rng import seed_key

FLOATS = st.floats(width=32, allow_nan=False)


@given(st.lists(FLOATS, max_size=30))
def test_coded_numbers_are_the_numbers_to_the_bit(numbers):
    values = np.array(numbers * 3, np.float32)
    kept = coded(values)
    assert isinstance(kept, Coded)
    assert kept.codes.nbytes == len(values)
    assert len(np.unique(kept.levels.view(np.uint32))) == len(kept.levels)
    np.testing.assert_array_equal(decoded(kept).view(np.uint32), values.view(np.uint32))
    np.testing.assert_array_equal(decoded(kept, slice(2, 5)), values[2:5])


@pytest.mark.parametrize("distinct", [MOST, MOST + 1])
def test_more_than_a_byte_holds_stay_numbers(distinct):
    values = np.arange(distinct, dtype=np.float32)[::-1].repeat(2) / 7
    assert isinstance(coded(values), Coded) == (distinct == MOST)
    np.testing.assert_array_equal(decoded(coded(values)), values)


@pytest.mark.parametrize("distinct", [5, 300])
def test_shifting_and_scaling_are_those_of_the_numbers(distinct):
    values = np.random.default_rng(0).integers(0, distinct, 2000).astype(np.float32)
    by = np.float32(3.3)
    there = divided(moved(coded(values), by), by)
    np.testing.assert_array_equal(decoded(there), (values - by) / by)


def problem(random, M=20, N=9, k=5):
    indptr = np.concatenate([[0], np.cumsum(random.integers(0, 40, M))]).astype(np.int64)
    n, K = int(indptr[-1]), 8

    def table(rows):
        full = np.zeros((rows, K), np.float32)
        full[:, :k] = random.normal(size=(rows, k))
        return full

    values = random.integers(1, 6, n).astype(np.float32) / np.float32(1.1)
    indices = random.integers(0, N, n).astype(np.int32)
    return indptr, indices, values, table(M), table(N), random.normal(size=N).astype(np.float32)


def test_the_row_step_takes_codes_as_it_takes_the_numbers():
    indptr, indices, values, _, Q, biases = problem(np.random.default_rng(1))
    M, D = len(indptr) - 1, 6
    drawn = []
    for given_values in (values, coded(values)):
        factors, bias = np.zeros((M, 8), np.float32), np.zeros(M, np.float32)
        rowstep.solve_rows(
            0, M, indptr, indices, given_values, Q, biases, np.ones(len(Q), np.float32),
            np.full(M, 2, np.float32), np.eye(D, dtype=np.float32), np.ones(M, np.float32),
            np.zeros((M, D), np.float32), True, 1, 0, seed_key(3), factors, bias,
        )  # fmt: skip
        drawn.append((factors, bias))
    np.testing.assert_array_equal(*(one[0] for one in drawn))
    np.testing.assert_array_equal(*(one[1] for one in drawn))
    assert np.abs(drawn[0][0]).sum() > 1


@pytest.mark.parametrize("name", ["row_squares", "row_scores", "row_errors"])
def test_the_residuals_take_codes_as_they_take_the_numbers(name):
    indptr, indices, values, P, Q, biases = problem(np.random.default_rng(2))
    M, weights = len(P), np.full(len(Q), 0.5, np.float32)
    found = []
    for given_values in (values, coded(values)):
        out = [np.zeros(M), np.zeros(M)]
        if name == "row_errors":
            out[0] = np.zeros(len(values), np.float32)
        ends = (np.float32(0), np.float32(4)) if name == "row_scores" else ()
        getattr(residuals, name)(
            0, M, indptr, indices, given_values, P, np.zeros(M, np.float32), Q, biases, weights,
            *ends, *out[: 1 if name == "row_squares" else 2],
        )  # fmt: skip
        found.append(out)
    for plain, fast in zip(*found, strict=True):
        np.testing.assert_array_equal(plain, fast)
    assert found[0][0].any()
