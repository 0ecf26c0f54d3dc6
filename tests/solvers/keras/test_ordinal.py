"""The Keras solver with stars: its output layer, its loss, what it keeps, and new rows by ridge."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

import penchant as pc
from penchant.errors import DivergedError, SettingsError
from penchant.fold_in.by_ridge import Penalty, solved
from penchant.metrics import rmse
from penchant.model.ledger import Rated
from penchant.networks.backend import load_keras
from penchant.networks.mf import matrix_factorization
from penchant.networks.ordinal import cross_entropy, expected_rating, stars_of, with_probabilities
from penchant.solvers.keras.solver import Keras
from penchant.solvers.task import Checkpoint
from penchant.stars import Stars

keras = load_keras()
WORLD = pc.synthetic(n_users=60, n_items=40, n_ratings=1800, factors=2, noise=0.4, seed=1)
TRAIN, TEST = pc.split(WORLD, test=0.2, seed=1)
QUICK = Keras(epochs=8, batch_size=200, learning_rate=0.05, l2=0.02, likelihood="ordinal")
STARS = Stars.of(TRAIN.values)


def expected(fitted, part):
    return fitted.stars.expected(fitted.factors.predict(part.user_rows, part.item_rows))


@pytest.fixture(scope="module")
def fitted():
    return QUICK.fit(TRAIN, factors=4, watch=TEST, seed=3)


def test_probabilities_and_loss_by_hand():
    network = with_probabilities(matrix_factorization(5, 6, 2, 0.0), STARS)
    rows = np.array([[1], [2]], np.int32), np.array([[3], [4]], np.int32)
    inner = keras.Model(network.inputs, network.get_layer("rating").output)
    latent = keras.ops.convert_to_numpy(inner(list(rows)))
    found = keras.ops.convert_to_numpy(network(list(rows)))
    edges = np.concatenate([[-np.inf], STARS.thresholds, [np.inf]])
    wanted = np.diff(stats.norm.cdf(edges - latent), axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    given = np.array([[0.0], [3.0]], np.float32)
    loss = keras.ops.convert_to_numpy(cross_entropy(given, keras.ops.convert_to_tensor(found)))
    np.testing.assert_allclose(loss, -np.log(wanted[[0, 1], [0, 3]]), rtol=1e-4)
    np.testing.assert_allclose(stars_of(network, STARS).thresholds, STARS.thresholds, atol=1e-5)
    assert network.count_params() == (5 + 6) * 3 + len(STARS) - 1


def test_the_expected_rating_is_a_layer_without_weights():
    stars = dataclasses.replace(STARS, spread=1.3)
    layer = expected_rating(stars)
    latent = np.linspace(-4, 4, 30, dtype=np.float32)[:, None]
    found = keras.ops.convert_to_numpy(layer(latent))
    np.testing.assert_allclose(found[:, 0], stars.expected(latent[:, 0]), atol=1e-5)
    assert layer.count_params() == 0


def test_learns_ratings_and_thresholds(fitted):
    assert rmse(TEST.values, expected(fitted, TEST)) < 0.9 * TEST.values.std()
    assert np.abs(fitted.stars.thresholds - STARS.thresholds).max() > 0.05
    last = fitted.history.records[-1]
    assert last["watch_rmse"] == pytest.approx(rmse(TEST.values, expected(fitted, TEST)), abs=1e-6)
    assert last["loss"] < fitted.history.records[0]["loss"]
    assert fitted.posterior is None


def test_resumed_it_ends_with_the_same_bits(fitted, tmp_path):
    def stop(record):
        return record["epoch"] == 4

    checkpoint = Checkpoint(tmp_path, 2)
    QUICK.fit(TRAIN, factors=4, watch=TEST, seed=3, callbacks=[stop], checkpoint=checkpoint)
    resumed = QUICK.fit(TRAIN, factors=4, watch=TEST, seed=3, checkpoint=checkpoint)
    np.testing.assert_array_equal(resumed.stars.thresholds, fitted.stars.thresholds)
    np.testing.assert_array_equal(resumed.factors.user_factors, fitted.factors.user_factors)


def test_divergence_is_told():
    wild = dataclasses.replace(QUICK, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(DivergedError, match="Training diverged in epoch"):
        wild.fit(TRAIN, factors=4)


def test_a_loss_beside_it_is_refused():
    with pytest.raises(SettingsError, match="a loss of its own; received loss='mse'"):
        Keras(likelihood="ordinal", loss="mse")
    with pytest.raises(SettingsError, match="likelihood"):
        Keras(likelihood="poisson")


def test_a_new_row_is_the_most_probable_one():
    """EM by ridge ends where the penalised likelihood has no slope."""
    random = np.random.default_rng(0)
    Q, bias = random.normal(size=(12, 2)).astype(np.float32), np.zeros(12, np.float32)
    rated = Rated(np.arange(12, dtype=np.int32), STARS.values[random.integers(0, 5, 12)], None)
    penalty = Penalty(l2=0.1, l2_bias=0.1, stars=STARS)
    p, b = solved(rated, Q, bias, 0.0, penalty, np.zeros(3, np.float32))
    places = STARS.places(rated.values).astype(int)

    def loss(x):
        eta = Q @ x[:2] + x[2]
        inside = stats.norm.cdf(STARS.edges[places + 1] - eta)
        inside -= stats.norm.cdf(STARS.edges[places] - eta)
        return -np.log(inside).sum() + 12 * 0.1 * (x**2).sum() / 2

    from scipy.optimize import minimize

    best = minimize(loss, np.zeros(3)).x
    np.testing.assert_allclose([*p, b], best, atol=2e-3)


def test_a_recommender_of_it_lives(tmp_path):
    model = pc.MatrixFactorization(factors=4, solver=QUICK, seed=3)
    model.fit(TRAIN, validation=0.1, progress=False)
    assert model.stars.spread != 1  # calibrated
    model.save(tmp_path / "own.penchant")
    again = pc.open(tmp_path / "own.penchant")
    users, items = TEST.users, TEST.items
    told = model.predict(users, items, distribution=True)
    found = again.predict(users, items, distribution=True)
    np.testing.assert_array_equal(found.probability, told.probability)
    before = again.trained.user_factors.copy()
    again.add_ratings([900] * 3, [1, 2, 3], [5, 5, 5])
    high = again.predict([900], [4])
    again.add_ratings([900] * 3, [1, 2, 3], [1, 1, 1])
    assert again.predict([900], [4]) < high
    again.remove_ratings([900] * 3, [1, 2, 3])
    np.testing.assert_array_equal(again.trained.user_factors, before)
    rows = model.knowledge.rows_in(TEST)
    shown = model.network.predict([r[:, None] for r in rows], verbose=0)[:, 0]
    np.testing.assert_allclose(shown, model.predictor.predict(*rows, None), atol=1e-5)
