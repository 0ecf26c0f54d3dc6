"""The Keras solver: what it minimises, keeps, measures, and how it ends."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import penchant as pc
from penchant.data.synthetic import synthetic
from penchant.errors import DataError, DivergedError, SettingsError
from penchant.metrics import rmse
from penchant.networks.backend import load_keras
from penchant.networks.mf import factors_of, matrix_factorization
from penchant.ratings import Ratings, Scale
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.solver import Keras

keras = load_keras()
RATINGS = synthetic(n_users=60, n_items=40, n_ratings=1500, factors=2, noise=0.3, seed=1)
ROWS = np.random.default_rng(0).permutation(1500)
TRAIN, TEST = RATINGS.take(ROWS[:1200]), RATINGS.take(ROWS[1200:])
QUICK = Keras(epochs=4, batch_size=300)
STEADY = Keras(optimizer="sgd", learning_rate=0.2, decay="none", epochs=5, batch_size=300)


def quick(**changes):
    return dataclasses.replace(QUICK, **changes)


def score(fitted, ratings=TEST):
    predicted = fitted.factors.predict(ratings.user_rows, ratings.item_rows)
    return rmse(ratings.values, ratings.scale.clip(predicted))


def assert_same_bits(one, other):
    for name, array in one.factors.arrays().items():
        np.testing.assert_array_equal(array, other.factors.arrays()[name], err_msg=name)


def with_values(values, low, high, ratings=TRAIN):
    values = np.asarray(values, np.float32)
    return dataclasses.replace(ratings, values=values, scale=Scale(low, high))


@pytest.fixture(scope="module")
def fitted():
    return QUICK.fit(TRAIN, factors=4, watch=TEST, seed=3)


class TestOptimizers:
    @pytest.mark.parametrize(
        "optimizer",
        [
            "sgd",
            "adam",
            keras.optimizers.SGD(0.1, momentum=0.9),
            keras.optimizers.Adamax(keras.optimizers.schedules.ExponentialDecay(0.02, 4, 0.9)),
        ],
        ids=["sgd", "adam", "SGD object", "Adamax object with a schedule"],
    )
    def test_any_of_them_learns(self, optimizer):
        solver = quick(optimizer=optimizer, learning_rate=0.05)
        curve = solver.fit(TRAIN, factors=4).history.column("train_rmse")
        assert curve[-1] < curve[0]

    def test_an_object_is_copied_for_each_fit(self):
        optimizer = keras.optimizers.Adamax(0.02)
        solver = quick(optimizer=optimizer)
        assert_same_bits(solver.fit(TRAIN, factors=4), solver.fit(TRAIN, factors=4))
        assert not optimizer.built
        assert int(optimizer.iterations.value) == 0

    def test_a_name_and_an_object_with_its_settings_are_one(self):
        named = quick(optimizer="sgd", learning_rate=0.1, decay="none")
        same = quick(optimizer=keras.optimizers.SGD(0.1))
        assert_same_bits(named.fit(TRAIN, factors=4), same.fit(TRAIN, factors=4))

    def test_without_a_learning_rate_it_is_keras_own(self):
        made = quick(optimizer="sgd", learning_rate=None, decay="none").make_optimizer(10)
        assert float(made.learning_rate.value) == pytest.approx(0.01)

    def test_cosine_decay_falls_to_0_at_the_last_step(self):
        rate = quick(learning_rate=0.5).make_optimizer(10).get_config()["learning_rate"]
        config = rate["config"]
        assert (config["initial_learning_rate"], config["decay_steps"]) == (0.5, 10)
        schedule = keras.optimizers.schedules.CosineDecay.from_config(config)
        assert float(keras.ops.convert_to_numpy(schedule(10))) == pytest.approx(0, abs=1e-7)

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(SettingsError, match=r"Keras knows no optimizer 'sdg'\. Choose one"):
            quick(optimizer="sdg").fit(TRAIN, factors=4)

    def test_what_is_none_is_refused(self):
        with pytest.raises(SettingsError, match="optimizer must be a name or a Keras optimiser"):
            quick(optimizer=keras.optimizers.SGD).fit(TRAIN, factors=4)


def power(truth, predicted):
    return keras.ops.abs(truth - predicted) ** 1.5


def name_of(change):
    """The setting and its value; of a function its name, as its address is another each time."""
    ((setting, value),) = change.items()
    return f"{setting}={getattr(value, '__name__', value)}"


class TestSettings:
    @pytest.mark.parametrize(
        "change",
        [
            {"optimizer": "adam"},
            {"learning_rate": 0.02},
            {"decay": "none"},
            {"loss": "mse"},
            {"loss": "mae"},
            {"loss": "huber"},
            {"loss": power},
            {"epochs": 3},
            {"batch_size": 400},
            {"l2": 0.5},
            {"l2_bias": 0.5},
            {"l2_on": "table"},
            {"standardise": False},
        ],
        ids=name_of,
    )
    def test_each_matters_and_learns(self, fitted, change):
        changed = quick(**change).fit(TRAIN, factors=4, seed=3)
        assert (changed.factors.user_factors != fitted.factors.user_factors).any()
        curve = changed.history.column("train_rmse")
        assert curve[-1] < curve[0]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
            ({"batch_size": 2.0}, "batch_size must be a whole number of at least 1, not 2.0"),
            ({"patience": 0}, "patience must be a whole number of at least 1, not 0"),
            ({"l2": -1.0}, "l2 must be a number of at least 0, not -1.0"),
            ({"l2_bias": float("nan")}, "l2_bias must be a number of at least 0, not nan"),
            ({"l2_on": "all"}, "l2_on must be one of 'rows', 'table', not 'all'"),
            ({"decay": True}, "decay must be one of 'cosine', 'none', not True"),
            ({"learning_rate": 0.0}, "learning_rate must be a number above 0, not 0.0"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, change, message):
        with pytest.raises(SettingsError, match=message):
            Keras(**change)

    def test_an_unknown_loss_is_refused(self):
        with pytest.raises(SettingsError, match=r"loss must be one of .*; received 'rsme'"):
            quick(loss="rsme").fit(TRAIN, factors=4)

    def test_no_ratings_are_told(self):
        with pytest.raises(DataError, match="There are no ratings to train on"):
            QUICK.fit(TRAIN.take([]), factors=4)

    @pytest.mark.parametrize("solver", [Keras(), Keras.chapter(), quick(epochs=7)])
    def test_they_survive_json(self, solver):
        assert Keras.from_json(json.loads(json.dumps(solver.to_json()))) == solver

    def test_objects_are_described_and_never_taken_for_a_name(self):
        def sgd(truth, predicted):
            raise AssertionError

        solver = Keras(optimizer=keras.optimizers.SGD(0.5), loss=sgd)
        told = json.loads(json.dumps(solver.to_json()))
        assert told["optimizer"].startswith("the object SGD(learning_rate=0.5,")
        assert told["loss"] == "the function sgd"
        with pytest.raises(SettingsError, match="Keras knows no optimizer 'the object SGD"):
            Keras.from_json(told).fit(TRAIN, factors=4)

    def test_the_chapters(self):
        said = Keras.chapter().to_json()
        assert said == {
            "optimizer": "sgd",
            "learning_rate": None,
            "decay": "none",
            "loss": "rmse",
            "epochs": 60,
            "batch_size": 256,
            "l2": 0.01,
            "l2_bias": 0.01,
            "l2_on": "table",
            "standardise": False,
            "patience": 5,
            "likelihood": "gaussian",
        }
        assert Keras.chapter().rounds == 60


class TestRandomness:
    def test_the_same_seed_gives_the_same_bits(self, fitted):
        assert_same_bits(fitted, QUICK.fit(TRAIN, factors=4, seed=3))  # watching changed nothing

    def test_another_seed_gives_others(self, fitted):
        other = QUICK.fit(TRAIN, factors=4, seed=4)
        assert (other.factors.user_factors != fitted.factors.user_factors).any()
        assert score(other) == pytest.approx(score(fitted), abs=0.1)

    def test_the_order_is_fresh_in_each_epoch(self, monkeypatch):
        orders = []

        def run(loop, inputs, target):
            orders.append(list(zip(*inputs, np.round(target, 4), strict=True)))
            return 0.0

        monkeypatch.setattr(EpochLoop, "run", run)
        quick(epochs=3).fit(TRAIN, factors=4, seed=3)
        quick(epochs=1).fit(TRAIN, factors=4, seed=3)
        first, second, third, again = orders
        assert first == again != second != third != first
        assert sorted(first) == sorted(second) == sorted(third)


class TestHistory:
    def test_rmses_are_true_ones_over_all_rows(self, fitted):
        last = fitted.history.records[-1]
        assert last["train_rmse"] == pytest.approx(score(fitted, TRAIN), rel=1e-6)
        assert last["watch_rmse"] == pytest.approx(score(fitted, TEST), rel=1e-6)
        assert fitted.history.column("epoch").tolist() == [1, 2, 3, 4]
        assert (np.diff(fitted.history.column("seconds")) >= 0).all()
        assert fitted.history.best is None

    def test_each_epochs_rmse_is_that_of_the_model_after_it(self, fitted):
        stopped = QUICK.fit(TRAIN, factors=4, seed=3, callbacks=[lambda r: r["epoch"] == 2])
        assert len(stopped.history) == 2
        assert fitted.history.column("train_rmse")[1] == pytest.approx(
            score(stopped, TRAIN), rel=1e-6
        )

    def test_strangers_are_measured_as_they_are_answered(self):
        users = np.where(np.arange(len(TEST)) % 3 == 0, 0, TEST.user_rows).astype(np.int32)
        test = dataclasses.replace(TEST, user_rows=users)
        fitted = QUICK.fit(TRAIN, factors=4, watch=test)
        assert fitted.history.column("watch_rmse")[-1] == pytest.approx(score(fitted, test))

    @pytest.mark.parametrize("l2_on", ["rows", "table"])
    def test_loss_includes_the_penalty(self, l2_on):
        """One batch, and a step too small to see: all is known by hand."""
        start = factors_of(matrix_factorization(61, 41, 4, 0.0, seed=3))
        P, Q = start.user_factors, start.item_factors
        b, c = start.user_bias[:, None], start.item_bias[:, None]
        if l2_on == "rows":
            n = len(TRAIN)
            P, b, Q, c = (
                table[rows] / np.sqrt(n)
                for table, rows in (
                    (P, TRAIN.user_rows),
                    (b, TRAIN.user_rows),
                    (Q, TRAIN.item_rows),
                    (c, TRAIN.item_rows),
                )
            )
        penalty = 7 * ((P**2).sum() + (Q**2).sum()) + 3 * ((b**2).sum() + (c**2).sum())
        spread = TRAIN.values.std(dtype=np.float64)
        standardised = start.predict(TRAIN.user_rows, TRAIN.item_rows) + TRAIN.mean / spread
        error = rmse(TRAIN.values / spread, standardised)
        solver = Keras("sgd", 1e-12, "none", epochs=1, batch_size=10**6, l2=7, l2_bias=3)
        fitted = dataclasses.replace(solver, l2_on=l2_on).fit(TRAIN, factors=4, seed=3)
        assert fitted.history.column("loss")[0] == pytest.approx(error + penalty, rel=1e-4)
        assert penalty > 0.05


class TestValidation:
    def test_chooses_when_to_stop_and_what_to_keep(self):
        overfits = Keras(learning_rate=0.1, decay="none", epochs=40, l2=0, patience=2)
        overfits = dataclasses.replace(overfits, batch_size=300)
        fitted = overfits.fit(TRAIN, factors=8, validation=TEST)
        curve = fitted.history.column("validation_rmse")
        best = fitted.history.best
        assert best == curve.argmin() == len(curve) - 1 - 2
        assert len(curve) < 40
        assert score(fitted) == pytest.approx(curve[best], rel=1e-6)

    def test_an_empty_part_chooses_nothing(self):
        solver = quick(epochs=8, patience=1)
        assert len(solver.fit(TRAIN, factors=4, validation=TRAIN.take([])).history) == 8


class TestStrangers:
    def test_row_0_and_cold_rows_are_the_mean_of_the_trained_rows(self):
        train = TRAIN.take(np.flatnonzero((TRAIN.user_rows != 7) & (TRAIN.item_rows > 2)))
        made = QUICK.fit(train, factors=4).factors
        for table, cold in (
            (made.user_factors, [0, 7]),
            (made.user_bias, [0, 7]),
            (made.item_factors, [0, 1, 2]),
            (made.item_bias, [0, 1, 2]),
        ):
            mean = np.delete(table, cold, axis=0).mean(axis=0, dtype=np.float64)
            for row in cold:
                np.testing.assert_allclose(table[row], mean, rtol=1e-5, atol=1e-7)


def explosive(epoch):
    return 0.2 if epoch < 2 else 1e30


class TestDivergence:
    def test_is_an_error_and_the_last_good_state_is_kept(self):
        bomb = keras.callbacks.LearningRateScheduler(explosive)
        model = pc.MatrixFactorization(4, STEADY, seed=3)
        message = r"Training diverged in epoch 3: its numbers are no longer finite\. Choose a "
        with pytest.raises(DivergedError, match=message) as caught:
            model.fit(TRAIN, callbacks=[bomb], progress=False)
        good = STEADY.fit(TRAIN, factors=4, seed=3, callbacks=[lambda r: r["epoch"] == 2])
        assert_same_bits(caught.value.last_good, good)
        assert len(model.history) == 2
        assert model.evaluate(TEST).rmse == pytest.approx(score(good), rel=1e-6)

    def test_in_the_first_epoch_there_is_nothing_to_keep(self):
        model = pc.MatrixFactorization(4, dataclasses.replace(STEADY, learning_rate=1e30))
        with pytest.raises(DivergedError, match="diverged in epoch 1") as caught:
            model.fit(TRAIN, progress=False)
        assert caught.value.last_good is None
        assert not model.is_fitted

    def test_predictions_beyond_float32_are_divergence_too(self):
        huge = dataclasses.replace(STEADY, learning_rate=3e19, loss="mae", epochs=1)
        with pytest.raises(DivergedError, match="diverged in epoch 1"):
            huge.fit(TRAIN, factors=4)


CHILD = """
import json, sys
import numpy as np, penchant as pc
ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=1500, factors=2, noise=0.3, seed=1)
model = pc.MatrixFactorization(4, pc.Keras(epochs=10**6, batch_size=300), seed=0)
model.fit(ratings, callbacks=[lambda r: print("epoch", flush=True)], progress=False)
told = {"epochs": len(model.history), "interrupted": model.history.interrupted}
rmse = model.evaluate(ratings).rmse
print(json.dumps({**told, "rmse": rmse, "last": model.history.records[-1]["train_rmse"]}))
"""


class TestControlC:
    @pytest.mark.parametrize("at", [2, 4])
    def test_keeps_the_last_whole_epoch(self, at):
        def interrupt(record):
            if record["epoch"] == at:
                raise KeyboardInterrupt

        fitted = QUICK.fit(TRAIN, factors=4, callbacks=[interrupt])
        whole = QUICK.fit(TRAIN, factors=4, callbacks=[lambda r: r["epoch"] == at - 1])
        assert fitted.history.interrupted
        assert len(fitted.history) == at - 1
        assert_same_bits(fitted, whole)

    def test_keeps_what_validation_liked_best(self):
        def interrupt(record):
            if record["epoch"] == 4:
                raise KeyboardInterrupt

        fitted = QUICK.fit(TRAIN, factors=4, validation=TEST, callbacks=[interrupt])
        best = fitted.history.column("validation_rmse").min()
        assert score(fitted) == pytest.approx(best, rel=1e-6)

    def test_in_the_first_epoch_it_goes_through_and_the_model_stays_as_it_was(self):
        def interrupt(record):
            raise KeyboardInterrupt

        model = pc.MatrixFactorization(4, QUICK)
        with pytest.raises(KeyboardInterrupt):
            model.fit(TRAIN, callbacks=[interrupt], progress=False)
        assert not model.is_fitted

    def test_a_real_one_in_a_process_of_its_own(self):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        for _ in range(3):
            assert child.stdout.readline() == "epoch\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=600)
        assert child.returncode == 0, err
        told = json.loads(out[out.index("{") :])  # it may have come in the middle of a line
        assert told["interrupted"]
        assert told["epochs"] >= 2
        assert told["rmse"] == pytest.approx(told["last"], rel=1e-6)


class TestAnyData:
    @pytest.mark.parametrize(
        ("factor", "offset"),
        [(25.0, -25.0), (5.0, -15.0), (0.5, 0.0), (1e6, 1e7), (1e-6, 0.0)],
        ids=["0 to 100", "-10 to 10", "half stars", "millions", "millionths"],
    )
    def test_the_scale_makes_no_difference(self, fitted, factor, offset):
        values = TRAIN.values.astype(np.float64) * factor + offset
        moved = with_values(values, factor + offset, 5 * factor + offset)
        other = QUICK.fit(moved, factors=4, seed=3)
        plain = fitted.factors.predict(TEST.user_rows, TEST.item_rows).astype(np.float64)
        scaled = other.factors.predict(TEST.user_rows, TEST.item_rows)
        np.testing.assert_allclose((scaled - offset) / factor, plain, atol=2e-3)

    @pytest.mark.parametrize("value", [1.0, 3.3, 5.0])
    def test_equal_ratings_are_predicted_as_such(self, value):
        alike = with_values(np.full(len(TRAIN), value), 1, 5)
        fitted = quick(epochs=10).fit(alike, factors=4)
        predicted = fitted.factors.predict(TEST.user_rows, TEST.item_rows)
        np.testing.assert_allclose(predicted, value, atol=0.1)

    @pytest.mark.parametrize(
        "columns",
        [
            ([1], [1], [4]),
            ([1] * 6, [1, 2, 3, 4, 5, 6], [1, 5, 3, 2, 4, 4]),
            ([1, 2, 3, 4, 5, 6], [1] * 6, [1, 5, 3, 2, 4, 4]),
        ],
        ids=["one rating", "one user", "one item"],
    )
    def test_little_data(self, columns):
        ratings = Ratings.from_columns(*columns, scale=(1, 5))
        fitted = Keras(epochs=40).fit(ratings, factors=200)
        assert score(fitted, ratings) <= max(float(ratings.values.std()), 0.1)
        stranger = fitted.factors.predict(np.zeros(1, np.int32), np.zeros(1, np.int32))
        assert stranger == pytest.approx(ratings.mean, abs=0.5)

    def test_accuracy_on_data_whose_truth_is_known(self):
        """Noise of 0.5: what biases alone can reach, 0.79 here, is left far behind."""
        world = synthetic(300, 200, 20_000, factors=3, noise=0.5, step=None, seed=1)
        train, test = pc.split(world, test=0.2, seed=0)
        biases = score(pc.Bias().fit(train, factors=1), test)
        reached = score(Keras().fit(train, factors=10), test)
        assert 0.5 < reached < 0.63 < 0.7 < biases


@pytest.mark.network
@pytest.mark.slow
class TestMovieLens:
    """S1: the chapter's split of MovieLens 100K."""

    @staticmethod
    def score(solver):
        train, test = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
        assert (len(train), len(test)) == (80_000, 20_000)
        model = pc.MatrixFactorization(factors=200, solver=solver, seed=0)
        return model.fit(train, progress=False).evaluate(test).rmse

    def test_the_chapter(self):
        assert 1.0905 <= self.score(Keras.chapter()) <= 1.0925

    def test_the_default(self):
        assert self.score("keras") <= 0.8975
