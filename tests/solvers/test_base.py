from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.errors import DivergedError
from penchant.factors import Factors
from penchant.ratings import Ratings
from penchant.solvers.base import Monitor, without_strangers

TABLE = Ratings.from_columns([1, 1, 2, 3], [7, 8, 7, 9], [1, 2, 4, 5])


def constant(value: float):
    return lambda users, items: np.full(len(users), value, np.float32)


def monitor(validation=None, watch=None, callbacks=()) -> Monitor:
    return Monitor("epoch", TABLE.take([0, 1, 2]), validation, watch, callbacks)


class TestMonitor:
    def test_measures_each_part(self):
        made = monitor(TABLE.take([3]), TABLE.take([0]))
        assert made.measure(constant(2.0), loss=0.5) is False
        (record,) = made.history
        assert list(record) == [
            "epoch", "loss", "train_rmse", "validation_rmse", "watch_rmse", "seconds",
        ]  # fmt: skip
        assert record["epoch"] == 1
        assert record["loss"] == 0.5
        assert record["train_rmse"] == pytest.approx(np.sqrt((1 + 0 + 4) / 3))
        assert record["validation_rmse"] == 3
        assert record["watch_rmse"] == 1

    def test_predictions_are_clipped_to_the_scale(self):
        made = monitor()
        made.measure(constant(100.0))
        assert made.history.column("train_rmse")[0] == pytest.approx(np.sqrt((16 + 9 + 1) / 3))

    def test_parts_that_are_missing_or_empty_are_left_out(self):
        made = monitor(validation=TABLE.take([]))
        made.measure(constant(2.0))
        assert made.history.names == ["epoch", "train_rmse", "seconds"]

    def test_the_round_has_its_name(self):
        made = Monitor("sweep", TABLE, None, None, ())
        made.measure(constant(2.0))
        made.measure(constant(2.0))
        assert made.history.column("sweep").tolist() == [1, 2]

    def test_rows_are_those_of_the_part(self):
        seen = []

        def predict(users, items):
            seen.append((users.tolist(), items.tolist()))
            return np.zeros(len(users), np.float32)

        monitor(watch=TABLE.take([3])).measure(predict)
        assert seen == [([1, 1, 2], [1, 2, 1]), ([3], [3])]

    @given(st.lists(st.sampled_from([None, False, True, 1, "stop"]), max_size=5))
    def test_only_true_stops_and_each_callback_is_asked(self, answers):
        asked = []

        def callback(answer):
            return lambda record: (asked.append(record), answer)[1]

        made = monitor(callbacks=[callback(answer) for answer in answers])
        assert made.measure(constant(2.0)) is any(answer is True for answer in answers)
        assert len(asked) == len(answers)
        assert all(record is made.history.records[0] for record in asked)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_divergence_is_an_error_and_leaves_the_records_before_it(self, value):
        made = monitor()
        made.measure(constant(2.0))
        with pytest.raises(DivergedError, match=r"diverged in epoch 2: .* a smaller learning rate"):
            made.measure(constant(value))
        assert len(made.history) == 1

    def test_goes_on_after_an_interruption(self):
        made = monitor()
        made.resume([{"epoch": 1, "seconds": 1000.0}])
        made.measure(constant(2.0))
        assert made.history.column("epoch").tolist() == [1, 2]
        assert 1000 <= made.history.column("seconds")[1] < 1100

    def test_goes_on_after_nothing(self):
        made = monitor()
        made.resume([])
        made.measure(constant(2.0))
        assert made.history.column("seconds")[0] < 100


@pytest.fixture
def factors() -> Factors:
    rng = np.random.default_rng(0)
    shapes = ((4,), (4,), (4, 2), (4, 2))
    return Factors(3.0, *(rng.normal(size=shape).astype(np.float32) for shape in shapes))


class TestWithoutStrangers:
    def test_the_stranger_and_cold_rows_take_the_mean_of_the_trained(self, factors):
        made = without_strangers(factors, TABLE.take([0, 1, 2]))  # user 3, item 9 are cold
        for name in ("user_bias", "user_factors", "item_bias", "item_factors"):
            old, new = getattr(factors, name), getattr(made, name)
            assert new[1:3].tolist() == old[1:3].tolist()
            for row in (0, 3):
                np.testing.assert_allclose(new[row], old[1:3].mean(axis=0), rtol=1e-6)
        assert made.mean == factors.mean

    def test_the_mean_counts_each_row_once(self, factors):
        """User 1 has two ratings and user 2 one; both weigh the same."""
        made = without_strangers(factors, TABLE.take([0, 1, 2]))
        wanted = (factors.user_bias[1] + factors.user_bias[2]) / 2
        assert made.user_bias[0] == pytest.approx(wanted)

    def test_nothing_is_changed_in_place(self, factors):
        before = {name: array.copy() for name, array in factors.arrays().items()}
        without_strangers(factors, TABLE)
        for name, array in factors.arrays().items():
            assert array.tolist() == before[name].tolist()


def test_settings_of_solvers_are_frozen():
    from penchant.solvers.base import SolverSettings

    with pytest.raises(dataclasses.FrozenInstanceError):
        SolverSettings().name = "other"


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_a_long_part_is_measured_in_pieces(monkeypatch, rows):
    monkeypatch.setattr("penchant.solvers.base.CHUNK", rows)
    made = Monitor("epoch", TABLE, None, None, ())
    made.measure(constant(2.0))
    assert made.history.column("train_rmse")[0] == pytest.approx(np.sqrt((1 + 0 + 4 + 9) / 4))
