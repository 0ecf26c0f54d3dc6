"""The deep graph: its shapes, the two orders of its products, bags, members, side columns."""

import dataclasses

import numpy as np
import pytest

from penchant.networks.backend import load_keras
from penchant.networks.deep import Bag, Column, DeepShape, deep_rating
from penchant.networks.weights import named_weights, shapes_of

keras = load_keras()
SMALL = DeepShape(users=6, items=5, factors=3, layers=(4, 2), mean=3.5, spread=1.1, seed=1)
ONES = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [1, 0], [0, 0]], np.uint8)
COLUMNS = [Column("user_side_0_age", ONES), Column("item_side_0_genre", ONES[:5])]
SIDES = (("user_side_0_age", 2), ("item_side_0_genre", 2))
ROWS = [np.arange(6, dtype=np.int32)[:, None] % size for size in (6, 5)]


def small(**changes):
    return dataclasses.replace(SMALL, **changes)


def answers(network, rows=ROWS):
    return np.asarray(network(rows))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layers": ()},
        {"dot": True, "activation": "gelu"},
        {"dot": True, "dropout": 0.5, "columns": SIDES},
        {"columns": SIDES, "side_factors": 3, "output": "sigmoid"},
        {"members": 3, "dot": True, "columns": SIDES, "side_factors": 2},
    ],
    ids=str,
)
def test_shapes_found_by_arithmetic_are_those_of_the_graph(changes):
    shape = small(**changes)
    network = deep_rating(shape, COLUMNS if shape.columns else ()).network
    assert shape.weight_shapes() == shapes_of(network)
    assert answers(network).shape == (6, 1)


def test_the_chapters_layers():
    shape = DeepShape(users=944, items=1683, factors=200, layers=(2048, 256))
    assert shape.weight_shapes()["network.hidden_1.kernel"] == (400, 2048)
    assert shape.weight_shapes()["network.hidden_2.kernel"] == (2048, 256)
    parameters = sum(np.prod(each) for each in shape.weight_shapes().values())
    assert parameters == 2627 * 200 + 400 * 2048 + 2048 + 2048 * 256 + 256 + 257 == 1_871_449
    occupation = dataclasses.replace(shape, columns=(("user_o", 21),), side_factors=3)
    more = sum(np.prod(each) for each in occupation.weight_shapes().values()) - parameters
    assert more == 21 * 3 + 3 * 2048


@pytest.mark.skipif(load_keras().backend.backend() != "jax", reason="gradients by JAX")
def test_products_in_the_quick_order_have_the_same_values_and_gradients():
    import jax

    graphs = deep_rating(small(dot=True))
    assert graphs.quick is not graphs.network
    np.testing.assert_allclose(answers(graphs.quick), answers(graphs.network), rtol=1e-6)

    def slopes(network):
        values = [v.value for v in graphs.network.trainable_variables]
        order = [id(v) for v in network.trainable_variables]
        mine = dict(zip(map(id, graphs.network.trainable_variables), values, strict=True))

        def loss(values):
            predicted, _ = network.stateless_call([values[k] for k in order], [], ROWS)
            return ((predicted - 1) ** 2).sum()

        return jax.grad(loss)(mine)

    one, other = slopes(graphs.network), slopes(graphs.quick)
    for key in one:
        np.testing.assert_allclose(one[key], other[key], rtol=1e-4, atol=1e-6)
    assert deep_rating(small(activation="relu")).quick.layers  # and those have no quick order
    assert not small(activation="relu").is_linear


def test_a_sigmoid_starts_at_the_mean_and_stays_near_the_scale():
    network = deep_rating(small(output="sigmoid", mean=4.0)).network
    for weight in network.get_layer("deep").weights:
        weight.assign(np.zeros(weight.shape))
    np.testing.assert_allclose(answers(network), 4.0, rtol=1e-6)
    network.get_layer("deep").bias.assign([50.0])
    np.testing.assert_allclose(answers(network), 5.4, rtol=1e-6)


@pytest.mark.parametrize("form", ["dense", "lists"])
def test_a_bag_adds_the_embeddings_of_what_was_rated(form):
    rated = np.zeros((6, 5), np.uint8)
    rated[2, [1, 4]] = 1
    lists = np.zeros((6, 2), np.int32)
    lists[2] = [4, 1]
    bag = Bag(rated, None) if form == "dense" else Bag(None, lists)
    with_bag, plain = (deep_rating(small(dot=True), (), (b, None)) for b in (bag, None))
    weights = named_weights(with_bag.network)
    (table,) = (a for name, a in weights.items() if "user_bag" in name)
    table = np.random.default_rng(0).normal(size=table.shape).astype(np.float32)
    with_bag.network.get_layer("user_bag").set_weights([table])
    for layer in plain.network.layers:
        if layer.weights:
            layer.set_weights(with_bag.network.get_layer(layer.name).get_weights())
    own = weights["network.user_factors.embeddings"].copy()
    own[2] += (table[1] + table[4]) / 2**0.5
    plain.network.get_layer("user_factors").set_weights([own])
    np.testing.assert_allclose(
        answers(with_bag.network), answers(plain.network), rtol=1e-5, atol=1e-6
    )


def test_members_answer_together_and_are_trained_apart():
    graphs = deep_rating(small(members=3, dot=True, activation="gelu"))
    each = answers(graphs.trained)
    assert each.shape == (6, 3)
    assert len(np.unique(each[1])) == 3
    np.testing.assert_allclose(answers(graphs.network)[:, 0], each.mean(axis=1), rtol=1e-6)


def test_a_side_column_moves_those_who_have_it_alone():
    network = deep_rating(small(columns=SIDES, side_factors=2), COLUMNS).network
    before = answers(network)
    network.get_layer("user_side_0_age").set_weights([np.ones((2, 2), np.float32)])
    changed = (answers(network) != before)[:, 0]
    np.testing.assert_array_equal(changed, ONES.any(axis=1))


def test_the_seed_decides_the_start():
    def start(seed):
        return named_weights(deep_rating(small(seed=seed)).network)["network.hidden_1.kernel"]

    np.testing.assert_array_equal(start(1), start(1))
    assert (start(1) != start(2)).any()
