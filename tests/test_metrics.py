from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from penchant import metrics
from penchant.errors import DataError, SettingsError

columns = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 200))


def pair(drawn, dtype=np.float32):
    seed, n = drawn
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 5, n).astype(dtype), rng.uniform(1, 5, n).astype(dtype)


@given(columns)
def test_rmse_and_mae_are_those_of_a_second_implementation(drawn):
    truth, predicted = pair(drawn)
    exact = truth.astype(np.float64), predicted.astype(np.float64)
    assert metrics.rmse(truth, predicted) == pytest.approx(root_mean_squared_error(*exact), 1e-12)
    assert metrics.mae(truth, predicted) == pytest.approx(mean_absolute_error(*exact), 1e-12)


def test_by_hand():
    truth, predicted = np.array([1.0, 2, 3, 4]), np.array([2.0, 2, 3, 1])
    assert metrics.rmse(truth, predicted) == math.sqrt(10 / 4)
    assert metrics.mae(truth, predicted) == 1.0


def test_sums_run_in_float64():
    """In float32 the running sum of a million squares of 0.01 is off in the third place."""
    truth = np.zeros(1_000_000, dtype=np.float32)
    assert metrics.rmse(truth, truth + np.float32(0.1)) == pytest.approx(np.float32(0.1), rel=1e-12)


@given(columns)
def test_the_order_of_the_rows_and_of_the_arguments_is_no_matter(drawn):
    truth, predicted = pair(drawn)
    assert metrics.rmse(truth[::-1], predicted[::-1]) == pytest.approx(
        metrics.rmse(predicted, truth), rel=1e-12
    )


@given(columns)
def test_mae_is_at_most_rmse(drawn):
    truth, predicted = pair(drawn)
    assert metrics.mae(truth, predicted) <= metrics.rmse(truth, predicted) * (1 + 1e-12)


class TestInterval:
    @given(columns, st.floats(0.01, 0.99))
    def test_holds_the_rmse(self, drawn, level):
        truth, predicted = pair(drawn)
        low, high = metrics.rmse_interval(truth, predicted, level)
        assert 0 <= low <= metrics.rmse(truth, predicted) * (1 + 1e-12)
        assert high >= metrics.rmse(truth, predicted) * (1 - 1e-12)

    def test_by_hand(self):
        """Squared errors 0 and 2: mean 1, spread √2, half width 1.96 · √2 / √2."""
        truth, predicted = np.zeros(2), np.array([0.0, math.sqrt(2)])
        low, high = metrics.rmse_interval(truth, predicted)
        assert low == 0
        assert high == pytest.approx(math.sqrt(1 + 1.959963984540054))

    def test_of_one_row_is_a_point(self):
        assert metrics.rmse_interval(np.array([3.0]), np.array([1.0])) == (2.0, 2.0)

    def test_is_wider_for_a_higher_level(self):
        truth, predicted = pair((0, 100))
        ninety = metrics.rmse_interval(truth, predicted, 0.9)
        wide = metrics.rmse_interval(truth, predicted, 0.99)
        assert wide.low < ninety.low < ninety.high < wide.high

    def test_covers_as_often_as_it_says(self):
        """Normal errors of known spread: the true RMSE is within in 95 of 100 samples."""
        rng = np.random.default_rng(0)
        errors = rng.normal(size=(1000, 400))
        zero = np.zeros(400)
        within = [
            low <= 1 <= high for low, high in (metrics.rmse_interval(zero, e) for e in errors)
        ]
        assert 0.93 < np.mean(within) < 0.97


@pytest.mark.parametrize("measure", [metrics.rmse, metrics.mae, metrics.rmse_interval])
@pytest.mark.parametrize(
    ("truth", "predicted"),
    [((2,), (3,)), ((0,), (0,)), ((2, 1), (2, 1)), ((2,), (2, 1)), ((), ())],
)
def test_columns_that_do_not_fit(measure, truth, predicted):
    """(n,) against (n, 1) would broadcast to a table of all pairs."""
    with pytest.raises(DataError, match=r"two columns of one length above 0; received shapes \("):
        measure(np.zeros(truth), np.zeros(predicted))


@pytest.mark.parametrize("level", [0, 1, 1.5, "0.9"])
def test_a_level_is_a_share(level):
    ones = np.ones(3)
    with pytest.raises(SettingsError, match="level must be"):
        metrics.rmse_interval(ones, ones, level)
