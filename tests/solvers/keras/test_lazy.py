"""Steps on looked-up rows: the very steps of whole tables where the optimiser allows that."""

import numpy as np
import pytest

from penchant.networks.backend import load_keras
from penchant.networks.deep import Bag, DeepShape, deep_rating
from penchant.networks.mf import matrix_factorization
from penchant.networks.weights import named_weights
from penchant.solvers.keras import lazy
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.solver import Keras

keras = load_keras()
M, N, BATCH = 400, 300, 8


def rows(n=45):
    rng = np.random.default_rng(0)
    users = rng.integers(0, M, n, dtype=np.int32)
    items = rng.integers(0, 6, n, dtype=np.int32)  # the same item several times in a batch
    return [users, items], rng.normal(3, 1, n).astype(np.float32)


def network():
    rng = np.random.default_rng(1)
    lists = rng.integers(0, N, (M, 4)).astype(np.int32)
    shape = DeepShape(
        M, N, 4, (8,), activation="gelu", dropout=0.2, dot=True, mean=3, l2=0.1, l2_bias=0.2
    )
    return deep_rating(shape, (), (Bag(None, lists), None)).trained


def trained(optimizer, large, monkeypatch, epochs=2):
    monkeypatch.setattr(lazy, "LARGE", large)
    loop = EpochLoop(network(), optimizer, "mse", BATCH)
    inputs, target = rows()
    losses = [loop.run(inputs, target) for _ in range(epochs)]
    return losses, named_weights(loop.network), loop.network


def test_sgd_on_rows_is_sgd_on_tables(monkeypatch):
    """With repeated rows, a last batch of another size, dropout, penalties, lists of rows."""
    one, mine, _ = trained(keras.optimizers.SGD(0.1), 1, monkeypatch)
    other, theirs, _ = trained(keras.optimizers.SGD(0.1), 10**9, monkeypatch)
    assert one == pytest.approx(other, rel=1e-5)
    for name, array in mine.items():
        np.testing.assert_allclose(array, theirs[name], rtol=1e-5, atol=1e-7, err_msg=name)


def test_adam_moves_the_rows_of_the_batch_alone(monkeypatch):
    start = named_weights(network())["network.user_factors.embeddings"]
    _, mine, _ = trained(keras.optimizers.Adam(0.01), 1, monkeypatch)
    moved = (mine["network.user_factors.embeddings"] != start).any(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(moved), np.unique(rows()[0][0]))
    losses, _, _ = trained(keras.optimizers.Adam(0.01), 1, monkeypatch, epochs=6)
    assert losses[-1] < losses[0]


def test_only_large_tables_are_split_off():
    large = matrix_factorization(10_000, 100, 2, 3.0)
    optimizer = keras.optimizers.Adam()
    optimizer.build(large.trainable_variables)
    cut = lazy.split(large, optimizer, 64)
    assert {table.name for table in cut.tables} == {"user_factors", "user_bias"}
    small = matrix_factorization(200, 100, 2, 3.0)
    assert lazy.split(small, optimizer, 64) is None


def test_the_default_solver_steps_on_the_whole_tables_of_the_chapter():
    """There rows alone are hardly quicker, and Adamax answers a little worse for them."""
    network, optimizer = matrix_factorization(944, 1683, 2, 3.0), keras.optimizers.Adamax()
    optimizer.build(network.trainable_variables)
    assert lazy.split(network, optimizer, Keras().batch_size) is None


@pytest.mark.parametrize("why", ["regulariser of the table", "average of the optimiser"])
def test_what_needs_whole_tables_gets_them(why):
    whole = {"l2": 0.1, "l2_bias": 0.1, "l2_on": "table"} if "table" in why else {}
    large = matrix_factorization(10_000, 10_000, 2, 3.0, **whole)
    optimizer = keras.optimizers.Adam(use_ema="average" in why)
    optimizer.build(large.trainable_variables)
    assert lazy.split(large, optimizer, 64) is None
