"""Layers of our own: each by hand, and what they hide from the weights."""

import numpy as np
import pytest

from penchant.networks.backend import load_keras
from penchant.networks.layers import layer_classes, row_tables

keras = load_keras()
made = layer_classes()


def column(*rows):
    return np.array(rows, np.int32)[:, None]


def test_rows_looks_up_a_constant_table_and_has_no_weights():
    table = np.array([[0, 0], [1, 0], [1, 1]], np.uint8)
    layer = made["Rows"](table)
    np.testing.assert_array_equal(layer(column(2, 0)), [[1, 1], [0, 0]])
    assert layer.weights == []
    assert layer.count_params() == 0
    assert not layer.trainable_variables
    assert made["Rows"](table, dtype="int32")(column(1)).dtype == "int32"


def test_bag_mean_divides_by_the_root_of_the_length():
    lists = np.array([[1, 2, 0, 0], [0, 0, 0, 0]], np.int32)
    looked_up = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    found = made["BagMean"]()(lists, looked_up)
    np.testing.assert_allclose(found, [[(0 + 2) / 2**0.5, (1 + 3) / 2**0.5], [0, 0]], rtol=1e-6)


def test_an_affine_chain_is_its_layers_one_after_the_other():
    dense = [keras.layers.Dense(units, bias_initializer="ones") for units in (7, 5, 1)]
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    one = x
    for layer in dense:
        one = layer(one)
    np.testing.assert_allclose(made["AffineChain"](dense)(x), one, rtol=1e-5)


def test_row_tables_are_those_straight_on_an_input():
    user, item = (keras.Input((1,), dtype="int32") for _ in range(2))
    lists = made["Rows"](np.zeros((4, 2), np.int32), dtype="int32")(user)
    direct = keras.layers.Embedding(5, 2, name="direct")(item)
    inner = keras.layers.Embedding(9, 2, name="inner")(lists)
    flat = [keras.layers.Flatten()(each) for each in (direct, inner)]
    network = keras.Model([user, item], keras.layers.Concatenate()(flat))
    assert [(layer.name, which) for layer, which in row_tables(network)] == [("direct", 1)]


@pytest.mark.parametrize("name", ["MemberDot", "MemberMean"])
def test_members(name):
    p = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    if name == "MemberDot":
        np.testing.assert_array_equal(made[name]()(p, p), (p * p).sum(axis=2))
    else:
        np.testing.assert_allclose(made[name]()(p[:, :, 0]), p[:, :, 0].mean(axis=1)[:, None])
