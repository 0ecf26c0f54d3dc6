"""The compiled epoch: its losses by hand, and step for step what Keras' own fit does."""

import numpy as np
import pytest

from penchant.errors import SettingsError
from penchant.networks.backend import load_keras
from penchant.networks.mf import TABLES, matrix_factorization
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.losses import LOSSES, loss_function

keras = load_keras()
CosineDecay = keras.optimizers.schedules.CosineDecay
RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(1, 5, (40, 1)).astype(np.float32)
PREDICTED = RNG.uniform(-3, 9, (40, 1)).astype(np.float32)
ERROR = np.abs(TRUTH - PREDICTED).astype(np.float64)

M, N, K, ROWS, BATCH = 12, 15, 4, 200, 64  # three batches and a tail of 8
USERS = RNG.integers(1, M, ROWS).astype(np.int32)
ITEMS = RNG.integers(1, N, ROWS).astype(np.int32)
VALUES = RNG.integers(1, 6, ROWS).astype(np.float32)


def number(value):
    return float(keras.ops.convert_to_numpy(value))


class TestLosses:
    @pytest.mark.parametrize(
        ("name", "by_hand"),
        [
            ("rmse", np.sqrt((ERROR**2).mean())),
            ("mse", (ERROR**2).mean()),
            ("mae", ERROR.mean()),
            ("huber", np.where(ERROR <= 1, ERROR**2 / 2, ERROR - 0.5).mean()),
        ],
    )
    def test_by_hand(self, name, by_hand):
        assert name in LOSSES
        assert number(loss_function(name)(TRUTH, PREDICTED)) == pytest.approx(by_hand, rel=1e-5)

    def test_a_function_may_return_a_number_or_one_for_each_row(self):
        rows = loss_function(lambda r, p: keras.ops.abs(r - p) ** 3)
        whole = loss_function(lambda r, p: keras.ops.mean(keras.ops.abs(r - p) ** 3))
        by_hand = (ERROR**3).mean()
        assert number(rows(TRUTH, PREDICTED)) == pytest.approx(by_hand, rel=1e-5)
        assert number(whole(TRUTH, PREDICTED)) == pytest.approx(by_hand, rel=1e-5)

    @pytest.mark.parametrize("name", ["RMSE", "", 3, None])
    def test_an_unknown_name_is_refused(self, name):
        message = r"loss must be one of rmse, mse, mae, huber or a function of \(truth, predicted\)"
        with pytest.raises(SettingsError, match=f"{message}; received {name!r}"):
            loss_function(name)


def networks(l2_on="rows"):
    """Two networks with equal numbers."""
    settings = {"l2": 0.02, "l2_bias": 0.03, "l2_on": l2_on, "seed": 4}
    return [matrix_factorization(M, N, K, 3.0, **settings) for _ in range(2)]


def tables(network):
    return {name: np.asarray(network.get_layer(name).weights[0].value) for name in TABLES}


@pytest.mark.parametrize(
    ("optimizer", "loss", "l2_on"),
    [
        (lambda: keras.optimizers.SGD(0.5), "rmse", "table"),
        (lambda: keras.optimizers.SGD(0.1, momentum=0.9), "mse", "rows"),
        (lambda: keras.optimizers.Adamax(0.02), "rmse", "rows"),
        (lambda: keras.optimizers.Adam(CosineDecay(0.1, 8)), "mae", "rows"),
    ],
)  # fmt: skip
def test_an_epoch_is_that_of_keras_own_fit_tail_and_all(optimizer, loss, l2_on):
    ours, theirs = networks(l2_on)
    loop = EpochLoop(ours, optimizer(), loss, BATCH)
    losses = [loop.run([USERS, ITEMS], VALUES) for _ in range(2)]
    theirs.compile(optimizer=optimizer(), loss=loss_function(loss))
    told = theirs.fit(
        [USERS[:, None], ITEMS[:, None]],
        VALUES[:, None],
        batch_size=BATCH,
        epochs=2,
        shuffle=False,
        verbose=0,
    )
    start = tables(networks(l2_on)[0])
    for name, table in tables(ours).items():
        assert np.abs(table - start[name]).max() > 1e-3  # it has learnt
        np.testing.assert_allclose(table, tables(theirs)[name], rtol=1e-4, atol=1e-6)
    assert losses == pytest.approx(told.history["loss"], rel=1e-5)


def test_the_order_of_the_rows_is_kept():
    one, other = networks()
    order = np.arange(ROWS)[::-1]
    EpochLoop(one, keras.optimizers.SGD(0.5), "mse", BATCH).run([USERS, ITEMS], VALUES)
    EpochLoop(other, keras.optimizers.SGD(0.5), "mse", BATCH).run(
        [USERS[order], ITEMS[order]], VALUES[order]
    )
    assert (tables(one)["user_factors"] != tables(other)["user_factors"]).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_perfect_prediction_has_a_finite_slope(loss):
    """The slope of a square root is infinite at 0."""
    network = matrix_factorization(M, N, K, 3.0)
    for name in TABLES:
        layer = network.get_layer(name)
        layer.set_weights([np.zeros_like(tables(network)[name])])
    loop = EpochLoop(network, keras.optimizers.SGD(0.1), loss, BATCH)
    assert loop.run([USERS, ITEMS], np.full(ROWS, 3.0, np.float32)) < 0.1
    for table in tables(network).values():
        assert np.abs(table).max() < 0.5  # and so is no NaN
