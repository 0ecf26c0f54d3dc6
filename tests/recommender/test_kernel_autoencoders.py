"""SparseFC and GLocal-K: what they learn, on any scale; what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import penchant as pc
from penchant.errors import BundleError, SettingsError, UnsupportedError
from penchant.metrics import rmse
from penchant.network.backend import load_keras
from penchant.solvers import kernel_autoencoder

RATINGS = pc.synthetic(n_users=120, n_items=60, n_ratings=3600, factors=2, noise=0.3, seed=1)
TRAIN, TEST = pc.split(RATINGS, test=0.2, seed=0)
SPARSE = {"layers": (20, 20), "l2": 1.0, "l2_kernel": 0.006, "epochs": 25}
GLOBAL = {**SPARSE, "epochs": 15, "global_epochs": 10}


@pytest.fixture(scope="module", params=["SparseFC", "GLocalK"])
def model(request):
    settings = SPARSE if request.param == "SparseFC" else GLOBAL
    return getattr(pc, request.param)(**settings).fit(TRAIN, watch=TEST, progress=False)


def test_it_learns(model):
    assert model.evaluate(TEST).rmse < 0.8 * rmse(TEST.values, np.full(len(TEST), TRAIN.mean))
    losses = model.history.column("loss")
    assert losses[14] < losses[0]
    assert model.history.column("watch_rmse")[-1] == pytest.approx(model.evaluate(TEST).rmse)


def test_what_is_kept_predicts_as_the_network_does(model):
    known = model.knowledge
    factors, network = model._factors, model.network
    users, items = np.array([1, 5, 0], np.int32), np.array([3, 4, 2], np.int32)
    asked = network([users[:, None], items[:, None]])
    np.testing.assert_allclose(
        np.asarray(asked).ravel(), factors.predict(users, items), rtol=1e-5, atol=1e-5
    )
    stranger = model.predict(known.user_ids.ids(users[:2]), -5)
    assert np.ptp(stranger) > 0  # users differ on an item without ratings


def test_the_scale_makes_no_difference():
    """0 to 100 is 1 to 5 for the network, and a rating of 0 is one."""
    values = 25 * (TRAIN.values - 1)
    other = dataclasses.replace(TRAIN, values=values, scale=pc.Scale(0, 100))
    settings = {**SPARSE, "epochs": 4}
    mine = pc.SparseFC(**settings).fit(TRAIN, progress=False).predict(TEST.users, TEST.items)
    theirs = pc.SparseFC(**settings).fit(other, progress=False).predict(TEST.users, TEST.items)
    np.testing.assert_allclose(theirs, 25 * (mine - 1), atol=0.05)


def test_validation_rows_keep_the_best_epoch():
    model = pc.GLocalK(**{**GLOBAL, "epochs": 3, "global_epochs": 3, "patience": 9})
    model.fit(TRAIN, validation=0.2, progress=False)
    scores = model.history.column("validation_rmse")
    assert len(scores) == 6
    assert model.history.best == int(np.argmin(scores))
    assert model.predict(1, 1, interval=0.9).low < model.predict(1, 1)


def test_a_table_that_is_too_large(monkeypatch):
    monkeypatch.setattr(kernel_autoencoder, "MOST_CELLS", 121 * 60)
    with pytest.raises(UnsupportedError, match=r"would be 121 × 61 cells here; it takes up to"):
        pc.SparseFC(**SPARSE).fit(TRAIN, progress=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": ()}, r"layers must be widths such as \(500, 500\), not \(\)"),
        ({"layers": (0,)}, "layers must be widths"),
        ({"l2": -1}, "l2 must be a number of at least 0"),
        ({"l2_kernel": None}, "l2_kernel must be a number"),
        ({"iterations": 0}, "iterations must be a whole number of at least 1"),
        ({"window": 4}, "window must be an odd number, not 4"),
        ({"global_epochs": 0}, "global_epochs must be a whole number of at least 1"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(SettingsError, match=message):
        pc.GLocalK(**settings).fit(TRAIN, progress=False)


def test_there_is_no_learning_rate_to_change():
    keras = load_keras()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)
    with pytest.raises(SettingsError, match="L-BFGS has none"):
        pc.SparseFC(**SPARSE).fit(TRAIN, callbacks=[schedule], progress=False)


def test_a_callback_of_keras_stops_it():
    stop = load_keras().callbacks.EarlyStopping("loss", patience=1, min_delta=1e9)
    model = pc.SparseFC(**SPARSE).fit(TRAIN, callbacks=[stop], progress=False)
    assert len(model.history) == 2


def test_a_bundle_with_what_it_has_no_use_for(model, tmp_path):
    trained = model._known_fit()
    model._trained = trained._replace(more={"nonsense": np.zeros(3, np.float32)})
    try:
        model.save(tmp_path / "m.penchant")
    finally:
        model._trained = trained
    with pytest.raises(BundleError, match="no weights nonsense"):
        pc.open(tmp_path / "m.penchant")
