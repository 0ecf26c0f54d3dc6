import dataclasses
import signal
import threading

import numpy as np
import pytest

from penchant.data.synthetic import synthetic
from penchant.errors import DataError, DivergedError, SettingsError
from penchant.kernels.byte_values import decoded
from penchant.metrics import rmse
from penchant.ratings import Ratings, Scale
from penchant.solvers.checkpoint import State
from penchant.solvers.sgd import grid as sgd_grid
from penchant.solvers.sgd.grid import Grid
from penchant.solvers.sgd.solver import SGD
from penchant.solvers.task import Checkpoint
from penchant.threads import Threads

RATINGS = synthetic(n_users=300, n_items=200, n_ratings=9000, factors=3, noise=0.5, seed=1)
ROWS = np.random.default_rng(0).permutation(len(RATINGS))
TEST, TRAIN = RATINGS.take(ROWS[:1800]), RATINGS.take(ROWS[1800:])
QUICK = SGD(epochs=6)


def score(fitted, ratings=TEST):
    predicted = fitted.factors.predict(ratings.user_rows, ratings.item_rows)
    return rmse(ratings.values, ratings.scale.clip(predicted))


def arrays(fitted):
    return list(fitted.factors.arrays().values())


def assert_same_bits(one, two):
    for a, b in zip(arrays(one), arrays(two), strict=True):
        np.testing.assert_array_equal(a, b)


def with_values(ratings, values, low, high):
    scale = Scale(low, high)
    return dataclasses.replace(ratings, values=values.astype(np.float32), scale=scale)


def test_it_learns_what_the_ratings_were_made_of():
    spread = float(TEST.values.std())
    assert score(SGD().fit(TRAIN, factors=20)) < 0.75 * spread


def test_one_true_direction_is_found():
    rng = np.random.default_rng(3)
    taste, kind = np.sign(rng.normal(size=40)), np.sign(rng.normal(size=30))
    users, items = np.divmod(np.arange(1200), 30)
    values = 3 + taste[users] * kind[items]  # a checkerboard: 2 or 4
    board = Ratings.from_columns(users, items, values, scale=(1, 5))
    rows = rng.permutation(1200)
    fitted = SGD().fit(board.take(rows[300:]), factors=4)
    assert score(fitted, board.take(rows[:300])) < 0.2


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(sgd_grid, "WORTH_THREADS", 0)
    runs = [QUICK.fit(TRAIN, factors=7, seed=5, threads=n) for n in (1, 2, 3)]
    assert_same_bits(runs[0], runs[1])
    assert_same_bits(runs[0], runs[2])
    other = QUICK.fit(TRAIN, factors=7, seed=6)
    assert not np.array_equal(runs[0].factors.user_factors, other.factors.user_factors)


@pytest.mark.parametrize(("n", "bands"), [(1, 1), (4096, 2), (80_000, 8), (10**8, 128)])
def test_the_data_set_the_number_of_bands(n, bands):
    assert sgd_grid._bands(n) == bands


@pytest.mark.parametrize(("factors", "most"), [(2, 1), (5000, 8)])
def test_threads_share_only_rounds_that_are_worth_it(factors, most):
    grid = Grid.of(synthetic(n_users=300, n_items=200, n_ratings=17_000, factors=2, seed=0))
    parts = [r.parts for r in grid.rounds(Threads(2), factors)]
    assert max(map(len, parts)) == min(most, grid.bands)
    assert all(p[0][0] == 0 and p[-1][1] == grid.bands for p in parts)


def test_bands_have_about_equal_shares_and_the_grid_holds_all_ratings():
    grid = Grid.of(TRAIN)
    counts = np.diff(grid.starts).reshape(grid.bands, grid.bands)
    share = len(TRAIN) / grid.bands
    assert abs(counts.sum(0) - share).max() < 0.1 * share
    assert abs(counts.sum(1) - share).max() < 0.1 * share
    before = sorted(zip(TRAIN.user_rows, TRAIN.item_rows, TRAIN.values, strict=True))
    assert before == sorted(zip(grid.users, grid.items, decoded(grid.values), strict=True))


@pytest.mark.parametrize("bands", [16, 32, 128])
def test_rounds_visit_each_block_once_and_threads_never_share_a_band(bands):
    none = np.zeros(0, np.int32)
    grid = Grid(bands, np.arange(bands**2 + 1), none, none, none)
    rounds = grid.rounds(Threads(4), 10**6)
    assert sorted(np.concatenate([r.blocks for r in rounds])) == list(range(bands**2))
    for blocks, parts in rounds:
        assert len(parts) > 1
        for band in (blocks // bands, blocks % bands):
            at = [set(band[start:stop]) for start, stop in parts]
            assert sum(map(len, at)) == len(set().union(*at))


def test_codes_and_values_train_to_the_same_bits(monkeypatch):
    coded = QUICK.fit(TRAIN, factors=5)
    monkeypatch.setattr(sgd_grid, "coded", lambda values: values)
    assert_same_bits(coded, QUICK.fit(TRAIN, factors=5))


@pytest.mark.parametrize(("factor", "offset"), [(25.0, -25.0), (0.5, 0.5)])
def test_the_scale_of_the_ratings_does_not_matter(factor, offset):
    moved = with_values(TRAIN, factor * TRAIN.values + offset, offset, 5 * factor + offset)
    plain = QUICK.fit(TRAIN, factors=6).factors.predict(TEST.user_rows, TEST.item_rows)
    other = QUICK.fit(moved, factors=6).factors.predict(TEST.user_rows, TEST.item_rows)
    np.testing.assert_allclose(other, factor * plain + offset, rtol=1e-3, atol=1e-3 * factor)


def test_equal_ratings_are_predicted_as_such():
    alike = with_values(TRAIN, np.full(len(TRAIN), 4.0), 1, 5)
    predicted = QUICK.fit(alike, factors=3).factors.predict(TEST.user_rows, TEST.item_rows)
    np.testing.assert_allclose(predicted, 4, atol=0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 5},
        {"learning_rate": 0.011},
        {"decay": 0.5},
        {"l2": 0.2},
        {"l2_bias": 0.2},
        {"start": 0.5},
    ],
)
def test_each_setting_matters(change):
    plain = QUICK.fit(TRAIN, factors=4)
    changed = dataclasses.replace(QUICK, **change).fit(TRAIN, factors=4)
    assert not np.array_equal(plain.factors.user_factors, changed.factors.user_factors)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"decay": 1.5}, "decay must be a number of at least 0 and at most 1"),
        ({"l2": -1.0}, "l2 must be a number of at least 0"),
        ({"l2_bias": float("nan")}, "l2_bias must be a number of at least 0"),
        ({"start": 0.0}, "start must be a number above 0"),
        ({"patience": 0}, "patience must be a whole number of at least 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        SGD(**change)


def test_the_history_measures_all_rows():
    fitted = QUICK.fit(TRAIN, factors=4, watch=TEST)
    history = fitted.history
    assert history.column("epoch").tolist() == [1, 2, 3, 4, 5, 6]
    assert history.column("watch_rmse")[-1] == pytest.approx(score(fitted), abs=1e-5)
    assert history.column("train_rmse")[-1] == pytest.approx(score(fitted, TRAIN), abs=1e-5)
    assert history.best is None


def test_watched_rows_change_nothing():
    assert_same_bits(QUICK.fit(TRAIN, factors=4), QUICK.fit(TRAIN, factors=4, watch=TEST))


def test_validation_rows_choose_the_epoch_that_is_kept():
    overfits = SGD(epochs=60, l2=0.0, decay=0.0, start=0.3, patience=3)
    fitted = overfits.fit(TRAIN, factors=20, validation=TEST)
    scores = fitted.history.column("validation_rmse")
    assert fitted.history.best == scores.argmin() == len(scores) - 1 - 3
    assert score(fitted) == pytest.approx(scores.min(), abs=1e-5)


def test_a_callback_stops_the_training():
    seen = []
    fitted = QUICK.fit(TRAIN, factors=4, callbacks=[seen.append, lambda r: r["epoch"] == 3])
    assert len(fitted.history) == len(seen) == 3
    assert_same_bits(
        fitted,
        dataclasses.replace(SGD(epochs=6)).fit(
            TRAIN, factors=4, callbacks=[lambda r: r["epoch"] == 3]
        ),
    )


def test_control_c_keeps_the_last_whole_epoch():
    def interrupt(record):
        if record["epoch"] == 4:
            signal.raise_signal(signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    fitted = QUICK.fit(TRAIN, factors=4, callbacks=[interrupt], threads=2)
    assert fitted.history.interrupted
    assert np.isfinite(fitted.factors.user_factors).all()
    whole = QUICK.fit(TRAIN, factors=4, callbacks=[lambda r: r["epoch"] == 3])
    assert_same_bits(fitted, whole)


def test_control_c_while_an_epoch_is_kept_keeps_it_whole(monkeypatch):
    copied, calls = State.copied, []

    def interrupted(state):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return copied(state)

    monkeypatch.setattr(State, "copied", interrupted)
    fitted = QUICK.fit(TRAIN, factors=4)
    monkeypatch.undo()
    whole = QUICK.fit(TRAIN, factors=4, callbacks=[lambda r: r["epoch"] == 3])
    assert_same_bits(fitted, whole)


def test_control_c_before_the_first_epoch_ends_it_all(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sgd_grid.Epochs, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        QUICK.fit(TRAIN, factors=4)


def test_divergence_is_told():
    with pytest.raises(DivergedError, match=r"no longer finite.*smaller learning rate") as caught:
        SGD(epochs=60, learning_rate=3.0, decay=0.0, l2=0.0).fit(TRAIN, factors=8)
    assert caught.value.last_good is None  # it was in the first epoch


class Stop(Exception):
    pass


@pytest.mark.parametrize("validation", [None, TEST])
def test_resuming_gives_the_bits_of_an_uninterrupted_run(tmp_path, validation):
    def stop(record):
        if record["epoch"] == 5:
            raise Stop

    solver = SGD(epochs=9, learning_rate=0.1, l2=0.0, patience=3)
    checkpoint = Checkpoint(tmp_path, every=2)
    again = {"factors": 5, "validation": validation, "seed": 2}
    whole = solver.fit(TRAIN, **again)
    with pytest.raises(Stop):
        solver.fit(TRAIN, **again, checkpoint=checkpoint, callbacks=[stop])
    seen = []
    resumed = solver.fit(TRAIN, **again, checkpoint=checkpoint, callbacks=[seen.append], threads=2)
    assert seen[0]["epoch"] == 5
    assert_same_bits(whole, resumed)
    for name in ("epoch", "train_rmse"):
        np.testing.assert_array_equal(whole.history.column(name), resumed.history.column(name))
    assert resumed.history.best == whole.history.best
    assert (np.diff(resumed.history.column("seconds")) > 0).all()


def test_a_finished_training_resumes_to_what_it_was(tmp_path):
    again = {"factors": 5, "checkpoint": Checkpoint(tmp_path, every=1)}
    assert_same_bits(QUICK.fit(TRAIN, **again), QUICK.fit(TRAIN, **again))


def test_strangers_and_cold_rows_get_the_mean_of_the_trained_rows():
    part = TRAIN.take(np.flatnonzero(TRAIN.user_rows != 9))
    factors = QUICK.fit(part, factors=4).factors
    trained = np.unique(part.user_rows)
    for row in (0, 9):
        np.testing.assert_allclose(
            factors.user_factors[row], factors.user_factors[trained].mean(0), atol=1e-6
        )


def test_nothing_to_train_on_is_refused():
    with pytest.raises(DataError, match="no ratings to train on"):
        QUICK.fit(TRAIN.take([]), factors=4)


def test_an_impossible_width_is_refused():
    with pytest.raises(SettingsError, match="factors must be a whole number"):
        QUICK.fit(TRAIN, factors=0)


def test_a_single_rating_is_enough():
    one = Ratings.from_columns([1], [1], [4.0], scale=(1, 5))
    predicted = QUICK.fit(one, factors=2).factors.predict(one.user_rows, one.item_rows)
    np.testing.assert_allclose(predicted, [4], atol=1e-3)


def test_long_columns_are_read_in_pieces(monkeypatch):
    whole, center = Grid.of(TRAIN), sgd_grid.Center.of(TRAIN)
    monkeypatch.setattr("penchant.solvers.by_row._PIECE", 100)
    for one, two in zip(whole[:-1], Grid.of(TRAIN)[:-1], strict=True):
        np.testing.assert_array_equal(one, two)
    assert sgd_grid.Center.of(TRAIN).deviation == pytest.approx(center.deviation)
    assert center.deviation == pytest.approx(float(TRAIN.values.std(dtype=np.float64)))


def test_resuming_remembers_the_best_epoch(tmp_path):
    def stop(record):
        if record["epoch"] == 5:
            raise Stop

    solver = SGD(epochs=8, learning_rate=0.15, decay=0.0, l2=0.0, start=0.5, patience=9)
    again = {"factors": 20, "validation": TEST}
    whole = solver.fit(TRAIN, **again)
    assert whole.history.best < 4  # before the checkpoint
    checkpoint = Checkpoint(tmp_path, every=4)
    with pytest.raises(Stop):
        solver.fit(TRAIN, **again, checkpoint=checkpoint, callbacks=[stop])
    resumed = solver.fit(TRAIN, **again, checkpoint=checkpoint)
    assert resumed.history.best == whole.history.best
    assert_same_bits(whole, resumed)
