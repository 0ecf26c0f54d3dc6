import dataclasses
import signal

import numpy as np
import pyarrow as pa
import pytest

from penchant.data.synthetic import synthetic
from penchant.errors import DataError, DivergedError, SettingsError
from penchant.metrics import rmse
from penchant.ratings import Scale
from penchant.solvers.als.solver import ALS
from penchant.solvers.task import Checkpoint

RATINGS = synthetic(n_users=300, n_items=200, n_ratings=9000, factors=3, noise=0.5, seed=1)
ROWS = np.random.default_rng(0).permutation(len(RATINGS))
TEST, TRAIN = RATINGS.take(ROWS[:1800]), RATINGS.take(ROWS[1800:])
QUICK = ALS(rank=6, sweeps=4)


def score(fitted, ratings=TEST):
    predicted = fitted.factors.predict(ratings.user_rows, ratings.item_rows)
    return rmse(ratings.values, ratings.scale.clip(predicted))


def assert_same_bits(one, two):
    arrays = zip(one.factors.arrays().values(), two.factors.arrays().values(), strict=True)
    for a, b in arrays:
        np.testing.assert_array_equal(a, b)


def test_it_learns_what_the_ratings_were_made_of():
    assert score(ALS().fit(TRAIN, factors=32)) < 0.72 * float(TEST.values.std())


def test_side_information_helps():
    plain = ALS(side_information=False, bags=False).fit(TRAIN, factors=32)
    assert score(ALS().fit(TRAIN, factors=32)) < score(plain) - 0.01


@pytest.mark.parametrize("scaling", ["plain", "count"])
@pytest.mark.parametrize("weights", [False, True])
def test_the_objective_never_grows(scaling, weights):
    solver = ALS(rank=8, sweeps=12, scaling=scaling, weights=weights, l2=0.5, l2_bias=0.5)
    loss = solver.fit(TRAIN, factors=8).history.column("loss")
    assert (np.diff(loss) < 1e-5 * loss[0]).all()
    assert loss[-1] < 0.97 * loss[0]


def test_the_objective_is_the_one_that_is_stated():
    solver = ALS(rank=2, sweeps=3, bags=False, side_information=False, weights=False)
    last = solver.fit(TRAIN, factors=2)
    loss = last.history.column("loss")[-1]
    unit = float(TRAIN.values.std(dtype=np.float64))
    p = last.posterior
    assert p.heads == 1
    users, items = p.users.draws[0] / unit, p.items.draws[0] / [1, 1, unit]
    m, n = p.users.mean[0] / unit, p.items.mean[0] / [1, 1, unit]
    z = (TRAIN.values - TRAIN.mean) / unit
    f, g = users[TRAIN.user_rows], items[TRAIN.item_rows]
    e = z - f[:, 2] - g[:, 2] - (f[:, :2] * g[:, :2]).sum(1)
    l2 = [solver.l2, solver.l2, solver.l2_bias]
    away = ((users - m) ** 2 @ l2).sum() + ((items - n) ** 2 @ l2).sum()
    ours = (e**2).sum() + away + 2 * (m**2 @ l2 + n**2 @ l2)
    assert loss == pytest.approx(ours, rel=1e-4)


def test_a_users_row_is_a_pure_function_of_that_users_ratings():
    fitted = QUICK.fit(TRAIN, factors=6)
    encoder = fitted.posterior.users.encoder
    for user in (1, 17, 123):
        rows = np.flatnonzero(TRAIN.user_rows == user)
        side = encoder.row({c: TRAIN.user_table[c][user].as_py() for c in ("age", "occupation")})
        solved = fitted.posterior.row(TRAIN.item_rows[rows], TRAIN.values[rows], side)
        np.testing.assert_allclose(solved.factors, fitted.factors.user_factors[user], atol=2e-3)
        assert solved.bias == pytest.approx(fitted.factors.user_bias[user], abs=2e-3)


def test_the_width_of_the_network_may_be_any():
    narrow, exact, wide = (ALS(rank=8).fit(TRAIN, factors=K) for K in (4, 8, 20))
    assert wide.factors.user_factors.shape[1] == 20
    pairs = TEST.user_rows, TEST.item_rows
    np.testing.assert_allclose(
        wide.factors.predict(*pairs), exact.factors.predict(*pairs), atol=1e-3
    )
    assert score(narrow) < score(exact) + 0.05


def test_the_network_without_a_posterior_is_as_good():
    counted = ALS(rank=8, scaling="count", l2=0.4, l2_bias=0.2, l2_bags=0.4, l2_side=0.4)
    for K in (8, 12):
        fitted = counted.fit(TRAIN, factors=K)
        assert fitted.posterior is None
        assert score(fitted) < 0.75 * float(TEST.values.std())


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads():
    for solver in (QUICK, dataclasses.replace(QUICK, scaling="count")):
        runs = [solver.fit(TRAIN, factors=7, seed=5, threads=n) for n in (1, 2, 3)]
        assert_same_bits(runs[0], runs[1])
        assert_same_bits(runs[0], runs[2])
    other = QUICK.fit(TRAIN, factors=7, seed=6)
    assert not np.array_equal(runs[0].factors.user_factors, other.factors.user_factors)


@pytest.mark.parametrize(("factor", "offset"), [(25.0, -25.0), (0.5, 0.5)])
def test_the_scale_of_the_ratings_does_not_matter(factor, offset):
    moved = dataclasses.replace(
        TRAIN,
        values=(factor * TRAIN.values + offset).astype(np.float32),
        scale=Scale(factor + offset, 5 * factor + offset),
    )
    plain = QUICK.fit(TRAIN, factors=6).factors.predict(TEST.user_rows, TEST.item_rows)
    other = QUICK.fit(moved, factors=6).factors.predict(TEST.user_rows, TEST.item_rows)
    np.testing.assert_allclose(other, factor * plain + offset, rtol=1e-3, atol=3e-3 * factor)


@pytest.mark.parametrize(
    "change",
    [
        {"rank": 5},
        {"sweeps": 3},
        {"l2": 20.0},
        {"l2_bias": 1.0},
        {"scaling": "count"},
        {"l2_bags": 0.1},
        {"l2_side": 0.1},
        {"side_information": False},
        {"side_information": ("genres",)},
        {"bags": False},
        {"weights": True},
    ],
)
def test_each_setting_matters(change):
    plain = QUICK.fit(TRAIN, factors=6)
    changed = dataclasses.replace(QUICK, **change).fit(TRAIN, factors=6)
    assert abs(score(plain) - score(changed)) > 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": 0}, "rank must be a whole number of at least 1"),
        ({"sweeps": 0}, "sweeps must be a whole number of at least 1"),
        ({"patience": 0}, "patience must be a whole number of at least 1"),
        ({"l2": 0.0}, "l2 must be a number above 0"),
        ({"l2_bias": 0}, "l2_bias must be a number above 0"),
        ({"l2_bags": 0}, "l2_bags must be a number above 0"),
        ({"l2_side": -1}, "l2_side must be a number above 0"),
        ({"scaling": "none"}, "scaling must be one of 'plain', 'count'"),
        ({"side_information": "age"}, r"takes names in a tuple, such as \('age',\)"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        ALS(**change)


def test_settings_survive_json():
    solver = ALS(side_information=["age"], scaling="count")
    assert ALS.from_json(solver.to_json()) == solver


def test_a_side_column_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match="no side column 'shoe'"):
        ALS(side_information=("shoe",)).fit(TRAIN, factors=4)


def test_the_history_measures_all_rows():
    fitted = ALS(rank=6, sweeps=15).fit(TRAIN, factors=6, watch=TEST)
    history = fitted.history
    assert history.column("sweep").tolist() == list(range(1, 16))
    assert history.column("watch_rmse")[-1] == pytest.approx(score(fitted), abs=2e-3)
    assert history.column("train_rmse")[-1] == pytest.approx(score(fitted, TRAIN), abs=2e-3)


def test_watched_rows_change_nothing():
    assert_same_bits(QUICK.fit(TRAIN, factors=4), QUICK.fit(TRAIN, factors=4, watch=TEST))


def test_validation_rows_choose_the_sweep_that_is_kept():
    overfits = ALS(rank=30, sweeps=40, l2=0.7, l2_bias=0.1, l2_bags=0.1, patience=3)
    fitted = overfits.fit(TRAIN, factors=30, validation=TEST)
    scores = fitted.history.column("validation_rmse")
    assert fitted.history.best == scores.argmin() == len(scores) - 1 - 3
    assert score(fitted) < scores[-1]


def test_cold_rows_are_answered_from_their_side_columns():
    part = TRAIN.take(np.flatnonzero((TRAIN.item_rows != 9) & (TRAIN.item_rows != 11)))
    genres = part.item_table["genres"].to_pylist()
    genres[9], genres[11] = genres[1], None
    table = part.item_table.set_column(
        part.item_table.column_names.index("genres"), "genres", pa.array(genres)
    )
    factors = ALS(rank=4).fit(dataclasses.replace(part, item_table=table), factors=4).factors
    assert np.abs(factors.item_factors[11] - factors.item_factors[0]).max() < 1e-5
    assert np.abs(factors.item_factors[9] - factors.item_factors[0]).max() > 1e-3


def test_a_callback_stops_the_training():
    fitted = QUICK.fit(TRAIN, factors=4, callbacks=[lambda record: record["sweep"] == 2])
    assert len(fitted.history) == 2


def test_control_c_keeps_the_last_whole_sweep():
    def interrupt(record):
        if record["sweep"] == 3:
            signal.raise_signal(signal.SIGINT)

    fitted = QUICK.fit(TRAIN, factors=4, callbacks=[interrupt], threads=2)
    assert fitted.history.interrupted
    whole = QUICK.fit(TRAIN, factors=4, callbacks=[lambda record: record["sweep"] == 2])
    assert_same_bits(fitted, whole)


def test_control_c_before_the_first_sweep_ends_it_all():
    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        QUICK.fit(TRAIN, factors=4, callbacks=[Once(interrupt)])


class Once:
    """A callback that comes before the history has its record."""

    def __init__(self, call):
        self.call = call

    def __call__(self, record):
        self.call(record)


def test_divergence_is_told():
    tiny = ALS(rank=30, l2=1e-30, l2_bias=1e-30, bags=False, side_information=False)
    with pytest.raises(DivergedError, match=r"no longer finite.*larger λ") as caught:
        tiny.fit(TRAIN.take(range(300)), factors=8)
    assert caught.value.last_good is None


class Stop(Exception):
    pass


@pytest.mark.parametrize("validation", [None, TEST])
def test_resuming_gives_the_bits_of_an_uninterrupted_run(tmp_path, validation):
    def stop(record):
        if record["sweep"] == 5:
            raise Stop

    solver = ALS(rank=20, sweeps=9, l2=0.3, l2_bias=0.3, patience=9)
    checkpoint = Checkpoint(tmp_path, every=2)
    again = {"factors": 5, "validation": validation, "seed": 2}
    whole = solver.fit(TRAIN, **again)
    with pytest.raises(Stop):
        solver.fit(TRAIN, **again, checkpoint=checkpoint, callbacks=[stop])
    seen = []
    resumed = solver.fit(TRAIN, **again, checkpoint=checkpoint, callbacks=[seen.append], threads=2)
    assert seen[0]["sweep"] == 5
    assert_same_bits(whole, resumed)
    for name in ("sweep", "train_rmse", "loss"):
        np.testing.assert_array_equal(whole.history.column(name), resumed.history.column(name))
    assert resumed.history.best == whole.history.best


def test_nothing_to_train_on_is_refused():
    with pytest.raises(DataError, match="no ratings to train on"):
        QUICK.fit(TRAIN.take([]), factors=4)


def test_an_impossible_width_is_refused():
    with pytest.raises(SettingsError, match="factors must be a whole number"):
        QUICK.fit(TRAIN, factors=0)


def test_resuming_remembers_the_best_sweep(tmp_path):
    def stop(record):
        if record["sweep"] == 6:
            raise Stop

    solver = ALS(rank=60, sweeps=7, l2=1.0, l2_bias=1.0, l2_bags=0.01, patience=7)
    again = {"factors": 20, "validation": TEST}
    whole = solver.fit(TRAIN, **again)
    assert 0 < whole.history.best < 4  # before the checkpoint
    checkpoint = Checkpoint(tmp_path, every=4)
    with pytest.raises(Stop):
        solver.fit(TRAIN, **again, checkpoint=checkpoint, callbacks=[stop])
    resumed = solver.fit(TRAIN, **again, checkpoint=checkpoint)
    assert resumed.history.best == whole.history.best
    assert_same_bits(whole, resumed)
