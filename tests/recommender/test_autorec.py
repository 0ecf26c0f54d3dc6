"""AutoRec: what it learns, its autoencoder, its bundle."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

import penchant as pc
from penchant.errors import BundleError, NotFittedError
from penchant.networks.backend import load_keras
from penchant.recommender.autorec import AutoRec
from penchant.solvers.keras.autoencoder import Autoencoding
from penchant.solvers.keras.item_columns import Columns
from penchant.storage import bundle

WORLD = pc.synthetic(n_users=150, n_items=90, n_ratings=6000, factors=2, noise=0.3, seed=1)
TRAIN, TEST = pc.split(WORLD, test=0.2, seed=1)
QUICK = {"layers": [6], "members": 2, "epochs": 3, "batch_size": 16, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def model():
    return AutoRec(**QUICK, seed=3).fit(TRAIN, progress=False)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("auto") / "m.penchant"
    model.save(path)
    return path


def test_settings_stand_the_same_in_both_places():
    mine = AutoRec().get_params()
    theirs = {f.name: f.default for f in dataclasses.fields(Autoencoding)}
    assert {k: v for k, v in mine.items() if k not in ("seed", "choices")} == theirs


def test_it_learns_what_biases_cannot():
    settings = {"layers": (60,), "dropout": 0.3, "l2": 1e-5, "batch_size": 16, "epochs": 60}
    made = AutoRec(**settings, seed=3).fit(TRAIN, progress=False)
    bias = pc.MatrixFactorization(1, "bias").fit(TRAIN, progress=False)
    assert made.evaluate(TEST).rmse < 0.9 * bias.evaluate(TEST).rmse


def test_the_autoencoder_reconstructs_the_predictions(model, saved):
    spread = float(TRAIN.values.std(dtype=np.float64))
    columns = Columns.of(TRAIN, spread)
    items = np.arange(0, 91)
    for made in (model, pc.open(saved)):
        rows = np.asarray(made.autoencoder(list(columns.dense(items))))
        users = np.flatnonzero(made.knowledge.user_counts)
        grid = np.repeat(users, 91), np.tile(items, len(users))
        raw = made.predictor.predict(*(rows.astype(np.int32) for rows in grid), None)
        expected = TRAIN.mean + spread * (rows + columns.centre)[:, users].T
        np.testing.assert_allclose(raw.reshape(len(users), 91), expected, atol=1e-4)


def test_the_autoencoder_of_an_unfitted_one(model):
    with pytest.raises(NotFittedError, match="has not been trained"):
        AutoRec().autoencoder  # noqa: B018
    before = model.autoencoder
    again = AutoRec(**QUICK, seed=3).fit(TRAIN, progress=False)
    assert again.autoencoder is again.autoencoder
    old = again.autoencoder
    again.fit(TEST, progress=False)
    assert again.autoencoder is not old
    assert model.autoencoder is before


def test_a_bundle_opens_and_predicts_without_keras(model, saved):
    code = (
        f"import penchant as pc, sys; m = pc.open({str(saved)!r}); m.recommend(3); "
        "print(m.predict(1, 2).tobytes().hex(), m.n_parameters, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bits = model.predict(1, 2).tobytes().hex()
    assert done.stdout.split() == [bits, str(model.n_parameters), "False"]
    assert model.n_parameters == (151 + 91) * 12 + 151


def changed(saved, folder, change):
    """Write the bundle again with other contents, hashes and sizes right."""
    opened = bundle.read(saved)
    card, weights = json.loads(json.dumps(opened.card)), dict(opened.weights)
    change(card, weights)
    contents = bundle.Contents(
        kind=opened.kind, card=card, weights=weights, users=opened.users, items=opened.items,
        user_table=opened.user_table, item_table=opened.item_table, posterior=None, ratings=None,
    )  # fmt: skip
    bundle.write(folder, contents, overwrite=True)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, w: c["settings"].update(layers=[10**9]), "layers must be widths"),
        (lambda c, w: c["settings"].update(layers=[7]), "should be float32 of shape"),
        (lambda c, w: c["settings"].update(members=3), "should be float32 of shape"),
        (lambda c, w: c["network"].update(mean="3"), "network.mean should be a finite number"),
        (lambda c, w: c["network"].pop("spread"), "network.spread should be a finite number"),
        (lambda c, w: w.pop("user_centre"), "user_centre should be .* missing"),
        (lambda c, w: w.pop("encoder.hidden_2_1.bias"), "hidden_2_1.bias should be .* missing"),
        (lambda c, w: w.update(more=np.zeros(1, np.float32)), "has no weights more"),
        (lambda c, w: w.pop("network.user_bias.embeddings"), "user_bias.embeddings should be"),
    ],
)
def test_bundles_that_lie_are_refused(saved, tmp_path, change, message):
    with pytest.raises(BundleError, match=message):
        pc.open(changed(saved, tmp_path / "m", change))


def test_another_optimiser_object():
    keras = load_keras()
    made = AutoRec(**{**QUICK, "optimizer": keras.optimizers.Adam(0.02)})
    made = made.fit(TRAIN, validation=0.1, progress=False)
    assert made._saved(ratings=False).card["settings"]["optimizer"].startswith("the object Adam(")
    assert 1 <= made.predict(1, 1) <= 5
    assert made.predict(1, 1, interval=0.9).low <= made.predict(1, 1)
