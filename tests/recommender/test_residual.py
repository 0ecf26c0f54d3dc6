"""The deep residual: it begins as the sampler, learns on unseen errors, and stays one network."""

import hashlib
import json

import numpy as np
import pytest

import penchant as pc
from penchant.errors import BundleError, SettingsError
from penchant.factors import Factors
from penchant.network.residual import ResidualShape, residual
from penchant.network.weights import named_weights, shapes_of
from penchant.recommender.residual import DeepResidual
from penchant.solvers import keras_residual
from penchant.solvers.keras_residual import ResidualTraining, turned

WORLD = pc.synthetic(n_users=60, n_items=40, n_ratings=1500, factors=2, noise=0.4, seed=3)
TRAIN, TEST = pc.split(WORLD, test=0.2, seed=0)
TINY = {"factors": 6, "rank": 2, "view": 3, "layers": (8,), "folds": 3, "epochs": 2, "seed": 1}


@pytest.fixture(scope="module")
def model():
    return DeepResidual(**TINY).fit(TRAIN, watch=TEST, progress=False)


def test_the_shapes_are_those_of_the_network():
    shape = ResidualShape(users=7, items=5, factors=4, view=2, layers=(6, 3), dropout=0.2)
    assert shape.weight_shapes() == shapes_of(residual(shape))


def test_what_does_not_train_is_the_tables():
    network = residual(ResidualShape(users=7, items=5, factors=4, view=2, layers=(6,)))
    names = {weight.path.split("/")[0] for weight in network.trainable_weights}
    assert names == {"hidden_1", "correction"}


def test_untrained_it_is_the_matrix_factorisation():
    rng = np.random.default_rng(0)
    shape = ResidualShape(7, 5, 4, 2, (6,), mean=3.5, spread=1.1)
    network = residual(shape)
    for weight in network.weights:
        if not weight.path.startswith("correction"):
            weight.assign(rng.normal(size=weight.shape))
    arrays = {name.split(".")[1]: a for name, a in named_weights(network).items()
              if name.endswith("embeddings")}  # fmt: skip
    users, items = (grid.ravel() for grid in np.mgrid[0:7, 0:5])
    biases = arrays["user_bias"][users, 0] + arrays["item_bias"][items, 0]
    dots = (arrays["user_factors"][users] * arrays["item_factors"][items]).sum(axis=1)
    found = network.predict([users[:, None], items[:, None]], verbose=0)[:, 0]
    np.testing.assert_allclose(found, 3.5 + biases + dots, rtol=1e-5)


def test_the_tables_are_the_samplers(model):
    whole = pc.Gibbs(rank=2).fit(TRAIN, factors=6, seed=1).factors
    weights = named_weights(model.network)
    for name in ("user_factors", "item_factors"):
        np.testing.assert_array_equal(weights[f"network.{name}.embeddings"], getattr(whole, name))


def test_each_rating_is_shown_with_a_sampler_that_had_not_seen_it(monkeypatch):
    seen = []
    whole = pc.Gibbs.fit

    def watched(self, ratings, **more):
        seen.append(ratings)
        return whole(self, ratings, **more)

    monkeypatch.setattr(pc.Gibbs, "fit", watched)
    made = ResidualTraining(**{k: v for k, v in TINY.items() if k != "seed"})
    tables, shifts = made._cross_fitted(TRAIN, 1, None)
    M = TRAIN.user_ids.size
    assert [len(ratings) for ratings in seen] == [1200, 800, 800, 800]
    assert len(tables.user_bias) == 4 * M
    pairs = {(u, i) for u, i in zip(TRAIN.user_rows, TRAIN.item_rows, strict=True)}
    for number, rest in enumerate(seen[1:]):
        shown = shifts[0] == number * M
        mine = set(zip(TRAIN.user_rows[shown], TRAIN.item_rows[shown], strict=True))
        trained = set(zip(rest.user_rows, rest.item_rows, strict=True))
        assert mine == pairs - trained


def test_its_train_rmse_is_out_of_fold(model):
    sampler = pc.MatrixFactorization(6, pc.Gibbs(rank=2), seed=1).fit(TRAIN, progress=False)
    first = model.history.records[0]
    assert first["train_rmse"] > sampler.evaluate(TRAIN).rmse + 0.01
    assert first["watch_rmse"] == pytest.approx(sampler.evaluate(TEST).rmse, abs=0.03)


def test_it_corrects_what_a_product_cannot_say():
    """Ratings of a saturated dot product: a curve of s mends what s itself gets wrong."""
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(80, 2)), rng.normal(size=(60, 2))
    users, items = (grid.ravel() for grid in np.mgrid[0:80, 0:60])
    kept = rng.random(len(users)) < 0.6
    users, items = users[kept], items[kept]
    values = 3 + 2 * np.sign(np.einsum("nk,nk->n", p[users], q[items]))
    ratings = pc.Ratings.from_columns(users + 1, items + 1, values, scale=(-9, 15))
    train, test = pc.split(ratings, test=0.25, seed=0)
    settings = {**TINY, "layers": (32,), "epochs": 60, "learning_rate": 0.01}
    made = DeepResidual(**settings).fit(train, progress=False)
    sampler = pc.MatrixFactorization(6, pc.Gibbs(rank=2), seed=1).fit(train, progress=False)
    assert made.evaluate(test).rmse < 0.93 * sampler.evaluate(test).rmse


def test_axes_are_turned_without_changing_the_model():
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=shape).astype(np.float32) for shape in ((6,), (5,), (6, 3), (5, 3))]
    one = Factors(3.0, *tables)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    other = Factors(3.0, *tables[:2], tables[2] @ turn, tables[3] @ turn)
    found = turned(other, one)
    np.testing.assert_allclose(found.user_factors, one.user_factors, atol=1e-5)
    rows = np.array([1, 2]), np.array([3, 4])
    np.testing.assert_allclose(found.predict(*rows), one.predict(*rows), atol=1e-5)


def test_half_a_sampler_is_no_use(monkeypatch):
    whole = pc.Gibbs.fit

    def interrupted(self, ratings, **more):
        fitted = whole(self, ratings, **more)
        fitted.history.interrupted = True
        return fitted

    monkeypatch.setattr(keras_residual.Gibbs, "fit", interrupted)
    made = DeepResidual(**TINY)
    with pytest.raises(KeyboardInterrupt):
        made.fit(TRAIN, progress=False)
    assert not made.is_fitted


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"rank": 0}, "rank must be a whole number of at least 1, not 0"),
        ({"view": 0}, "view must be a whole number of at least 1, not 0"),
        ({"folds": 1}, "folds must be a whole number of at least 2, not 1"),
        ({"layers": 3}, r"layers must be widths such as \(64, 32\), not 3"),
        ({"layers": (0,)}, r"layers must be widths such as \(64, 32\), not \(0,\)"),
        ({"activation": "x"}, "activation must be one of 'elu', "),
        ({"dropout": 1}, r"dropout must be a number of at least 0 and at most 0.95, not 1"),
    ],
)
def test_settings_that_make_no_sense_are_told(setting, message):
    with pytest.raises(SettingsError, match=message):
        DeepResidual(**{**TINY, **setting}).fit(TRAIN, progress=False)


@pytest.mark.parametrize("value", [0, None, "1", float("1e999"), True])
def test_a_card_of_nonsense_is_refused(model, tmp_path, value):
    model.save(tmp_path / "m")
    file = tmp_path / "m" / "card.json"
    card = json.loads(file.read_bytes())
    card["network"]["spread"] = value
    card["sha256"] = "0" * 64
    raw = json.dumps(card, indent=1, ensure_ascii=False).encode()
    file.write_bytes(raw.replace(b"0" * 64, hashlib.sha256(raw).hexdigest().encode(), 1))
    with pytest.raises(BundleError, match=r"spread should be a finite number|no strict JSON"):
        pc.open(tmp_path / "m")
