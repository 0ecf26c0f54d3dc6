"""Weights by name: out of a network, into one, and what is refused."""

import numpy as np
import pytest

from penchant.errors import DataError
from penchant.networks.backend import load_keras
from penchant.networks.mf import matrix_factorization
from penchant.networks.weights import named_weights, require_shapes, set_weights, shapes_of


def network(seed=0):
    return matrix_factorization(4, 5, 2, mean=3.0, seed=seed)


def test_names_are_the_layers_and_copies_go_into_another_network():
    one, other = network(), network(seed=1)
    named = named_weights(one)
    assert sorted(named)[:2] == ["network.item_bias.embeddings", "network.item_factors.embeddings"]
    assert {name: a.shape for name, a in named.items()} == shapes_of(one)
    set_weights(other, named)
    for name, array in named_weights(other).items():
        np.testing.assert_array_equal(array, named[name])
    named["network.user_bias.embeddings"] += 1
    assert not named_weights(one)["network.user_bias.embeddings"].max() >= 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network.user_bias.embeddings": None}, "user_bias.embeddings should be .* is missing"),
        ({"network.user_bias.embeddings": np.zeros((5, 1), np.float32)}, r"\(4, 1\), and is float"),
        ({"network.user_bias.embeddings": np.zeros((4, 1))}, "and is float64"),
        ({"network.more": np.zeros(1, np.float32)}, "has no weights network.more"),
    ],
    ids=str,
)
def test_other_names_shapes_and_types_are_refused(change, message):
    arrays = {**named_weights(network()), **change}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(DataError, match=message):
        require_shapes(arrays, shapes_of(network()))


def test_two_weights_of_one_name_are_told():
    keras = load_keras()
    twins = [keras.layers.Dense(1, name="same") for _ in range(2)]
    given = keras.Input((2,))
    first = keras.Model(given, twins[0](given), name="a")
    second = keras.Model(given, twins[1](given), name="b")
    both = keras.Model(given, keras.layers.Add(name="sum")([first(given), second(given)]))
    with pytest.raises(DataError, match=r"Two weights of the network .* have the same name"):
        named_weights(both)
