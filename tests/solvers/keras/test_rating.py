"""Training a network of rows: as Keras' fit does it; strangers, cold rows, averages, resuming."""

import dataclasses

import numpy as np
import pytest

import penchant as pc
from penchant.errors import DataError, DivergedError, SettingsError
from penchant.networks.backend import load_keras
from penchant.networks.deep import DeepShape, deep_rating
from penchant.networks.weights import named_weights
from penchant.solvers.keras.course import epoch_order
from penchant.solvers.keras.deep import DeepTraining, bags_of
from penchant.solvers.keras.rating import Networks, NetworkSettings, masked_rows, spread_of
from penchant.solvers.task import Checkpoint, Task

keras = load_keras()
RATINGS = pc.synthetic(n_users=50, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
PLAIN = NetworkSettings(
    optimizer="sgd", learning_rate=0.1, decay="none", epochs=2, batch_size=300, mask=0.0
)
SHAPE = DeepShape(51, 41, 3, (4,), activation="relu", dot=True, mean=RATINGS.mean, seed=2)
DEEP = DeepTraining(
    factors=3,
    layers=(4,),
    members=1,
    learning_rate=0.02,
    epochs=3,
    batch_size=300,
    average=0.0,
    side_information=False,
)


def trained(settings):
    networks = Networks(deep_rating(SHAPE).trained, deep_rating(SHAPE).quick, lambda w: w)
    return settings.course(Task(RATINGS, seed=7), networks, lambda w, h: (w, h))


def test_an_epoch_is_that_of_keras_own_fit():
    mine, history = trained(PLAIN)
    theirs = deep_rating(SHAPE).network
    spread = spread_of(RATINGS)
    theirs.compile(keras.optimizers.SGD(0.1), lambda r, p: keras.ops.mean(((r - p) / spread) ** 2))
    for epoch in range(2):
        order = epoch_order(7, epoch, len(RATINGS))
        rows = [r[order][:, None] for r in (RATINGS.user_rows, RATINGS.item_rows)]
        values = RATINGS.values[order][:, None]
        kept = theirs.fit(rows, values, batch_size=300, shuffle=False, verbose=0)
        loss = kept.history["loss"][0]
        assert history.records[epoch]["loss"] == pytest.approx(loss, rel=1e-4)
    for name, array in named_weights(theirs).items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-4, atol=1e-6, err_msg=name)


def test_masking_trains_the_strangers_row():
    def rows_0(mask):
        weights, _ = trained(dataclasses.replace(PLAIN, mask=mask))
        return [weights[f"network.{side}_bias.embeddings"][0] for side in ("user", "item")]

    start = named_weights(deep_rating(SHAPE).network)
    for side, still, moved in zip(("user", "item"), rows_0(0.0), rows_0(0.3), strict=True):
        np.testing.assert_array_equal(still, start[f"network.{side}_bias.embeddings"][0])
        assert (moved != still).all()


def test_masked_rows_are_about_the_share():
    rows = np.arange(1, 10_001, dtype=np.int32)
    masked = masked_rows(rows, 0.1, np.random.default_rng(0))
    assert masked.dtype == np.int32
    assert 900 < (masked == 0).sum() < 1100
    assert (masked[masked > 0] == rows[masked > 0]).all()


def test_a_cold_row_has_the_strangers_numbers():
    warm = RATINGS.take(np.flatnonzero(RATINGS.user_rows != 7))
    weights = DEEP.fit(warm, seed=1).weights
    table = weights["network.user_factors.embeddings"]
    np.testing.assert_array_equal(table[7], table[0])
    assert (table[8] != table[0]).any()


def test_an_average_lies_between_the_epochs():
    epochs = [trained(dataclasses.replace(PLAIN, epochs=n))[0] for n in (1, 2)]
    averaged, _ = trained(dataclasses.replace(PLAIN, average=0.25))
    for name, array in averaged.items():
        wanted = 0.25 * epochs[0][name] + 0.75 * epochs[1][name]
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-6)


def test_a_resumed_training_ends_with_the_bits_of_one_that_was_not_interrupted(tmp_path):
    settings = dataclasses.replace(DEEP, average=0.5, dropout=0.2)
    whole = settings.fit(RATINGS, seed=3)
    checkpoint = Checkpoint(tmp_path, every=1)
    settings.fit(RATINGS, seed=3, checkpoint=checkpoint, callbacks=[lambda r: r["epoch"] == 2])
    resumed = settings.fit(RATINGS, seed=3, checkpoint=checkpoint)
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array)
    assert len(resumed.history) == 3


def test_divergence_keeps_what_there_was():
    wild = dataclasses.replace(PLAIN, learning_rate=1e12, epochs=9)
    with pytest.raises(DivergedError, match=r"Training diverged in epoch \d"):
        trained(wild)


def test_long_bags_become_lists_of_some(monkeypatch):
    monkeypatch.setattr("penchant.solvers.keras.deep.DENSE_CELLS", 10)
    monkeypatch.setattr("penchant.solvers.keras.deep.LONGEST", 6)
    by_user, by_item = bags_of(RATINGS, seed=0)
    assert by_user.lists.shape == (51, 6)
    assert by_item.lists.shape == (41, 6)
    for user in (1, 5, 50):
        rated = set(RATINGS.item_rows[RATINGS.user_rows == user].tolist())
        listed = [item for item in by_user.lists[user].tolist() if item]
        assert len(listed) == min(6, len(rated)) == len(set(listed))
        assert set(listed) <= rated
    assert not by_user.lists[0].any()
    fitted = DEEP.fit(RATINGS, seed=1)  # and they train
    assert fitted.history.records[-1]["train_rmse"] < RATINGS.values.std()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"patience": 0}, "patience must be"),
        ({"mask": 1.0}, "mask must be a number of at least 0 and at most 0.9"),
        ({"average": 1.0}, "average must be"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"decay": "steps"}, "decay must be one of 'cosine', 'none'"),
        ({"factors": 0}, "factors must be"),
        ({"members": 0}, "members must be"),
        ({"layers": (0,)}, r"layers must be widths such as \(64, 32\), not \(0,\)"),
        ({"layers": 64}, "layers must be widths"),
        ({"layers": (10**9,)}, "layers must be widths"),
        ({"activation": "exec"}, "activation must be one of 'elu', "),
        ({"output": "softmax"}, "output must be one of 'linear', 'sigmoid'"),
        ({"dropout": 1}, "dropout must be"),
        ({"l2": -1}, "l2 must be"),
        ({"l2_bias": "x"}, "l2_bias must be"),
        ({"side_factors": -1}, "side_factors must be"),
        ({"dot": 1}, "dot must be True or False, not 1"),
        ({"bags": None}, "bags must be True or False"),
        ({"side_information": "age"}, "side_information must be True, False or names"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_told(changes, message):
    with pytest.raises(SettingsError, match=message):
        dataclasses.replace(DEEP, **changes)


def test_no_ratings_and_no_such_column_are_told():
    with pytest.raises(DataError, match="There are no ratings to train on"):
        DEEP.fit(RATINGS.take([]))
    with pytest.raises(DataError, match="There is no side column 'shoe size'"):
        dataclasses.replace(DEEP, side_information=("shoe size",)).fit(RATINGS)


def test_settings_are_json():
    assert (
        dataclasses.replace(DEEP, optimizer=keras.optimizers.SGD(0.5))
        .to_json()["optimizer"]
        .startswith("the object SGD(")
    )
    assert DeepTraining.from_json(DEEP.to_json()) == DEEP
