"""The autoencoder's training: what is shown, what counts, what is kept."""

import numpy as np
import pytest

import penchant as pc
from penchant.errors import DataError, DivergedError, SettingsError
from penchant.networks.autoencoder import ENCODER, AutoencoderShape
from penchant.networks.weights import PREFIX
from penchant.solvers.keras import autoencoder, item_columns
from penchant.solvers.keras.autoencoder import (
    Autoencoding,
    dropped_loss,
    factors_of,
    served_weights,
)
from penchant.solvers.keras.item_columns import DAMPING, Columns
from penchant.solvers.task import Checkpoint

WORLD = pc.synthetic(n_users=30, n_items=20, n_ratings=260, factors=2, noise=0.3, seed=1)
COLD_USER, COLD_ITEM = 7, 9
TRAIN = WORLD.take(np.flatnonzero((WORLD.user_rows != COLD_USER) & (WORLD.item_rows != COLD_ITEM)))
SPREAD = float(TRAIN.values.std(dtype=np.float64))
COLUMNS = Columns.of(TRAIN, SPREAD)
ITEMS = np.array([3, 9, 5, 20])
QUICK = {"layers": (4,), "epochs": 3, "batch_size": 8, "learning_rate": 0.02}


def deviations():
    """The whole table of deviations and its mask by the definition, (N, M)."""
    table, mask = np.zeros((2, 21, 31))
    for user in range(31):
        mine = TRAIN.user_rows == user
        off = TRAIN.values[mine].astype(float) - TRAIN.mean
        items = TRAIN.item_rows[mine]
        table[items, user] = (off - off.sum() / (len(off) + DAMPING)) / SPREAD
        mask[items, user] = 1
    return table, mask


def test_dense_rows_are_the_deviations():
    table, mask = deviations()
    made = COLUMNS.dense(ITEMS)
    np.testing.assert_allclose(made[0], table[ITEMS], atol=1e-5)
    np.testing.assert_array_equal(made[1], mask[ITEMS])
    assert COLUMNS.rated.tolist() == sorted(set(TRAIN.item_rows.tolist()))


def test_what_is_not_shown_is_the_target_and_nothing_else():
    table, mask = deviations()
    shown = np.random.default_rng(2).random(len(TRAIN)) < 0.5
    seen, seen_mask = COLUMNS.dense(ITEMS, shown)
    target = COLUMNS.targets(ITEMS, shown, rows=6)
    assert target.shape == (6, 31)
    assert np.isnan(target[4:]).all()
    counted = ~np.isnan(target[:4])
    np.testing.assert_array_equal(seen_mask + counted, mask[ITEMS])
    np.testing.assert_allclose(np.where(counted, target[:4], seen), table[ITEMS], atol=1e-5)


def test_only_dropped_ratings_count():
    target = np.array([[1, np.nan, 3], [np.nan] * 3], np.float32)
    predicted = np.array([[[2, 9, 3], [1, -9, 1]], [[9, 9, 9], [7, 7, 7]]], np.float32)
    loss = np.asarray(dropped_loss(2.0)(target, predicted))
    assert loss.tolist() == [(1 + 4) / 2, 0]


def test_shown_and_hidden_are_drawn_anew_and_by_the_seed():
    task = autoencoder._Trainee.__new__(autoencoder._Trainee)
    task._settings, task._columns, task._seed = Autoencoding(corruption=0.3, mask=0.2), COLUMNS, 4
    first, second = task._shown(0), task._shown(1)
    np.testing.assert_array_equal(first, task._shown(0))
    assert (first != second).any()
    assert 0.4 < np.mean([task._shown(k).mean() for k in range(40)]) < 0.7  # 0.7 · 0.8 of them
    whole = [not part.any() for part in np.split(first, COLUMNS.starts[1:-1]) if len(part) > 6]
    assert any(whole)  # items as strangers


def test_served_weights_are_the_mean_of_the_members():
    shape = AutoencoderShape(users=31, items=21, layers=(3,), members=2, mean=3.0, spread=2.0)
    rng = np.random.default_rng(0)
    trained = {
        PREFIX + name: rng.normal(size=size).astype(np.float32)
        for m in (1, 2)
        for name, size in (
            (f"hidden_{m}_1.kernel", (62, 3)), (f"hidden_{m}_1.bias", (3,)),
            (f"output_{m}.kernel", (3, 31)), (f"output_{m}.bias", (31,)),
        )
    }  # fmt: skip
    codes = rng.normal(size=(21, 6)).astype(np.float32)
    made = served_weights(trained, codes, shape, COLUMNS)
    assert {n for n in made if n.startswith(ENCODER)} == set(shape.encoder_shapes())
    factors = factors_of(made, 3.0, 2.0)
    users, items = (grid.ravel().astype(np.int32) for grid in np.mgrid[:31, :21])
    each = [
        codes[:, 3 * k : 3 * k + 3] @ trained[f"{PREFIX}output_{k + 1}.kernel"]
        + trained[f"{PREFIX}output_{k + 1}.bias"]
        for k in (0, 1)
    ]
    table = 3.0 + 2.0 * ((each[0] + each[1]) / 2 + COLUMNS.centre).T  # (M, N)
    known = np.bincount(TRAIN.user_rows, minlength=31) > 0
    assert not known[[0, COLD_USER]].any()
    table[~known] = table[known].mean(axis=0)
    np.testing.assert_allclose(factors.predict(users, items), table.ravel(), rtol=1e-4, atol=1e-4)


def test_batches_in_parts_are_the_same_training(monkeypatch):
    whole = Autoencoding(**QUICK).fit(TRAIN, seed=1)
    monkeypatch.setattr(item_columns, "BATCH_CELLS", 1)
    parted = Autoencoding(**QUICK).fit(TRAIN, seed=1)
    for name, array in whole.weights.items():
        np.testing.assert_allclose(parted.weights[name], array, rtol=1e-4, atol=1e-5)


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    settings, ends = Autoencoding(**QUICK, dropout=0.3), []
    for callbacks in ([lambda record: record["epoch"] == 2], []):
        place = Checkpoint(tmp_path, every=1)
        ends.append(settings.fit(TRAIN, seed=1, callbacks=callbacks, checkpoint=place))
    whole = Autoencoding(**QUICK, dropout=0.3).fit(TRAIN, seed=1)
    assert [len(end.history) for end in ends] == [2, 3]
    for name, array in {**whole.weights, **whole.more}.items():
        np.testing.assert_array_equal({**ends[1].weights, **ends[1].more}[name], array)


def test_cold_items_have_the_code_of_an_empty_input():
    codes = Autoencoding(**QUICK).fit(TRAIN, seed=1).weights[f"{PREFIX}item_codes.embeddings"]
    np.testing.assert_array_equal(codes[COLD_ITEM], codes[0])
    assert (codes[3] != codes[0]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": ()}, r"layers must be widths such as \(500,\), not \(\)"),
        ({"layers": (0,)}, "layers must be widths"),
        ({"layers": 500}, "layers must be widths"),
        ({"activation": "sin"}, "activation must be one of"),
        ({"gain": 0}, "gain must be a number above 0"),
        ({"corruption": 0}, "corruption must be a number of at least 0.01"),
        ({"dropout": 1}, "dropout must be"),
        ({"members": 0}, "members must be a whole number"),
        ({"mask": 2}, "mask must be"),
        ({"learning_rate": -1}, "learning_rate must be"),
    ],
)
def test_settings_that_make_no_sense_are_told(settings, message):
    with pytest.raises(SettingsError, match=message):
        Autoencoding(**settings)


def test_no_ratings_are_told():
    with pytest.raises(DataError, match="There are no ratings to train on"):
        Autoencoding(**QUICK).fit(TRAIN.take([]))


def test_divergence_is_told():
    wild = {**QUICK, "activation": "linear", "optimizer": "sgd", "learning_rate": 1e30}
    with pytest.raises(DivergedError, match="Training diverged in epoch"):
        Autoencoding(**wild).fit(TRAIN)
