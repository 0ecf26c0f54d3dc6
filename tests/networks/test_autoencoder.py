"""The autoencoder's graphs: the formula, its names and shapes, the members' mean."""

import numpy as np
import pytest

from penchant.networks.autoencoder import (
    ENCODER,
    AutoencoderShape,
    autoencoders,
    averaged,
    from_codes,
)
from penchant.networks.weights import PREFIX, named_weights, shapes_of

SHAPE = AutoencoderShape(
    users=7, items=5, layers=(4, 3), members=2, gain=3.0, dropout=0.5, l2=0.01, mean=3.5, spread=1.5
)
RNG = np.random.default_rng(0)
MASK = (RNG.random((6, 7)) < 0.5).astype(np.float32)
MASK[2] = 0  # an item without ratings
X = RNG.normal(size=(6, 7)).astype(np.float32) * MASK


def by_hand(weights, member):
    """The member's code and reconstruction, in NumPy."""
    z = SHAPE.gain * np.c_[X, MASK] / np.sqrt(np.maximum(MASK.sum(1, keepdims=True), 1))
    for k in (1, 2):
        name = f"{PREFIX}hidden_{member}_{k}"
        z = 1 / (1 + np.exp(-(z @ weights[f"{name}.kernel"] + weights[f"{name}.bias"])))
    name = f"{PREFIX}output_{member}"
    return z, z @ weights[f"{name}.kernel"] + weights[f"{name}.bias"]


@pytest.fixture(scope="module")
def graphs():
    made = autoencoders(SHAPE)
    for weight in made.trained.weights:  # biases too
        weight.assign(RNG.normal(size=weight.shape))
    return made


def test_each_member_is_its_formula(graphs):
    weights = named_weights(graphs.trained)
    outputs = np.asarray(graphs.trained([X, MASK]))
    codes = np.asarray(graphs.encoder([X, MASK]))
    for member in (1, 2):
        code, output = by_hand(weights, member)
        np.testing.assert_allclose(outputs[:, member - 1], output, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(codes[:, 3 * member - 3 : 3 * member], code, rtol=1e-4)


def test_penalty_is_on_all_kernels_and_no_bias(graphs):
    graphs.trained([X, MASK])
    kernels = (a for n, a in named_weights(graphs.trained).items() if n.endswith("kernel"))
    expected = 0.01 * sum((kernel.astype(float) ** 2).sum() for kernel in kernels)
    assert sum(map(float, graphs.trained.losses)) == pytest.approx(expected, rel=1e-5)


def test_dropout_is_for_training_alone(graphs):
    calm = [np.asarray(graphs.trained([X, MASK])) for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    assert (np.asarray(graphs.trained([X, MASK], training=True)) != calm[0]).any()


def test_members_start_differently():
    weights = named_weights(autoencoders(SHAPE).trained)
    one, other = (weights[f"{PREFIX}hidden_{member}_1.kernel"] for member in (1, 2))
    assert (one != other).mean() > 0.9
    again = named_weights(autoencoders(SHAPE).trained)
    np.testing.assert_array_equal(one, again[f"{PREFIX}hidden_1_1.kernel"])


def test_shapes_are_known_without_keras(graphs):
    assert shapes_of(from_codes(SHAPE)) == SHAPE.weight_shapes()
    hidden = {n: s for n, s in shapes_of(graphs.encoder).items() if "hidden" in n}
    assert {n.replace(PREFIX, ENCODER): s for n, s in hidden.items()} == SHAPE.encoder_shapes()


def test_codes_give_ratings():
    network = from_codes(SHAPE)
    v, h, b = (RNG.normal(size=w.shape).astype(np.float32) for w in network.weights)
    network.set_weights([v, h, b])
    users, items = np.array([[0], [6], [3]]), np.array([[4], [0], [2]])
    expected = 3.5 + 1.5 * ((v[users] * h[items]).sum(2) + b[users][:, :, 0])
    np.testing.assert_allclose(np.asarray(network([users, items])), expected, rtol=1e-4, atol=1e-5)


def test_the_mean_of_members_is_one_output_layer(graphs):
    weights, network = named_weights(graphs.trained), averaged(SHAPE)
    for layer in network.layers:
        if layer.name.startswith("hidden"):
            layer.set_weights(graphs.trained.get_layer(layer.name).get_weights())
    kernels = [weights[f"{PREFIX}output_{m}.kernel"] / 2 for m in (1, 2)]
    bias = (weights[f"{PREFIX}output_1.bias"] + weights[f"{PREFIX}output_2.bias"]) / 2
    network.get_layer("output").set_weights([np.concatenate(kernels), bias])
    expected = np.asarray(graphs.trained([X, MASK])).mean(axis=1)
    np.testing.assert_allclose(np.asarray(network([X, MASK])), expected, rtol=1e-4, atol=1e-4)
