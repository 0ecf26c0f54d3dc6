"""Keras' own callbacks at the epochs of a training, and those that can't work there."""

import dataclasses

import numpy as np
import pytest

from penchant.data.synthetic import synthetic
from penchant.errors import SettingsError
from penchant.networks.backend import load_keras
from penchant.solvers.keras.solver import Keras

callbacks = load_keras().callbacks
RATINGS = synthetic(n_users=40, n_items=30, n_ratings=600, factors=2, noise=0.3, seed=1)
ROWS = np.random.default_rng(0).permutation(600)
TRAIN, HELD_OUT = RATINGS.take(ROWS[:500]), RATINGS.take(ROWS[500:])
PLAIN = Keras(optimizer="sgd", learning_rate=0.2, decay="none", epochs=4, batch_size=250)


def fit(*given, solver=PLAIN, **more):
    return solver.fit(TRAIN, factors=3, callbacks=given, **more)


class Diary(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.pages = []

    def on_train_begin(self, logs=None):
        self.pages.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.pages.append(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.pages.append((epoch, logs))

    def on_train_end(self, logs=None):
        self.pages.append("end")


def test_each_hook_is_called_in_its_turn():
    diary = Diary()
    fitted = fit(diary, watch=HELD_OUT)
    records = [dict(record) for record in fitted.history]
    pages = ["begin"]
    for epoch in range(4):
        pages += [epoch, (epoch, records[epoch])]
    assert diary.pages == [*pages, "end"]
    assert records[0].keys() >= {"epoch", "loss", "train_rmse", "watch_rmse", "seconds"}
    assert diary.params["epochs"] == 4
    assert diary.model.name == "matrix_factorization"


def test_no_epoch_begins_after_a_stop():
    diary = Diary()
    fitted = fit(diary, lambda record: record["epoch"] == 2)
    assert len(fitted.history) == 2
    assert [page for page in diary.pages if isinstance(page, int)] == [0, 1]
    assert diary.pages[-1] == "end"


def test_learning_rate_scheduler():
    rates = [0.5, 0.1, 0.05, 0.0]  # four, and there is no fifth epoch to ask for
    scheduler = callbacks.LearningRateScheduler(lambda epoch, _: rates[epoch])
    seen = []

    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate.value))

    fitted = fit(scheduler, Look())
    assert seen == pytest.approx(rates)
    curve = fitted.history.column("train_rmse")
    assert curve[3] == curve[2]  # at a rate of 0 nothing moves
    constant = fit().history.column("train_rmse")
    assert curve[0] != constant[0]


def test_early_stopping():
    stopping = callbacks.EarlyStopping(monitor="train_rmse", mode="min", min_delta=10, patience=1)
    fitted = fit(stopping)
    assert len(fitted.history) == 2
    assert stopping.stopped_epoch == 1


def test_reduce_on_plateau():
    plateau = callbacks.ReduceLROnPlateau(
        monitor="watch_rmse", factor=0.1, patience=1, min_delta=10, mode="min"
    )
    fitted = fit(plateau, watch=HELD_OUT)
    reduced, constant = (f.history.column("train_rmse") for f in (fitted, fit()))
    np.testing.assert_array_equal(reduced[:2], constant[:2])
    assert (reduced[2:] != constant[2:]).all()
    assert abs(np.diff(reduced)[-1]) < abs(np.diff(constant)[-1])


def test_csv_logger(tmp_path):
    fitted = fit(callbacks.CSVLogger(tmp_path / "log.csv"))
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == 1 + 4
    place = lines[0].split(",").index("train_rmse")
    told = [float(line.split(",")[place]) for line in lines[1:]]
    assert told == pytest.approx(fitted.history.column("train_rmse").tolist())


class BatchEnd(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise AssertionError("never called")


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (BatchEnd(), "BatchEnd has the hook on_train_batch_end, and an epoch is compiled"),
        (
            callbacks.EarlyStopping("train_rmse", mode="min", restore_best_weights=True),
            r"EarlyStopping\(restore_best_weights=True\) would change .* fit with validation=",
        ),
        (
            callbacks.EarlyStopping("validation_rmse"),
            r"EarlyStopping\(monitor='validation_rmse'\) can't tell .* Give it mode='min'",
        ),
        ("print", "A callback is a function of a record or a keras.*Callback, not 'print'"),
        (3, "A callback is a function of a record or a keras.callbacks.Callback, not 3"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(callback, message):
    with pytest.raises(SettingsError, match=message):
        fit(callback)


@pytest.mark.parametrize(
    "callback",
    [
        callbacks.LearningRateScheduler(lambda epoch: 0.1),
        callbacks.ReduceLROnPlateau("train_rmse"),
    ],
)
def test_a_rate_that_follows_a_schedule_cannot_be_changed(callback):
    with pytest.raises(SettingsError, match=r"follows a schedule. Choose decay='none'"):
        fit(callback, solver=dataclasses.replace(PLAIN, decay="cosine"))
