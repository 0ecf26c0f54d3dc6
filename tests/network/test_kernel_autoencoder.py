"""The layers with kernels, beside the papers' formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d

from penchant.network.kernel_autoencoder import KernelShape, kernel_autoencoder

SHAPE = KernelShape(users=6, items=7, layers=(4, 3), l2=2.0, l2_kernel=0.5, window=3, seed=1)
RNG = np.random.default_rng(0)
TABLE = (RNG.integers(0, 6, (7, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def graphs():
    made = kernel_autoencoder(SHAPE)
    for weight in made[1].trained.weights:
        weight.assign(RNG.normal(0, 0.4, weight.shape))
    return made


def parts(network, name):
    layer = network.get_layer(name)
    return [np.asarray(w.value, np.float64) for w in (layer.kernel, layer.bias, *layer.vectors)]


def by_hand(network, x):
    """The reconstruction and the penalties."""
    penalty = 0.0
    for name in ("hidden_1", "hidden_2", "output"):
        W, b, u, v = parts(network, name)
        K = np.maximum(0, 1 - ((u[:, None] - v[None]) ** 2).sum(axis=2))
        assert 0 < (K > 0).mean() < 1  # some are far from each other, some near
        penalty += (SHAPE.l2 * (W**2).sum() + SHAPE.l2_kernel * (K**2).sum()) / 2
        x = x @ (W * K) + b
        if name != "output":
            code = x = 1 / (1 + np.exp(-x))
    return x, code, penalty


def test_a_table_as_it_is(graphs):
    plain = graphs[0]
    out, code, penalty = by_hand(plain.trained, TABLE.astype(np.float64))
    np.testing.assert_allclose(np.asarray(plain.trained([TABLE])), out, rtol=1e-4, atol=1e-5)
    assert float(sum(plain.trained.losses)) == pytest.approx(penalty, rel=1e-5)
    np.testing.assert_allclose(np.asarray(plain.encoder([TABLE])), code, rtol=1e-4)


def test_a_table_through_the_global_kernel(graphs):
    moved = graphs[1]
    layer = moved.trained.get_layer("global_kernel")
    kernel = (np.asarray(layer.averages.value) @ np.asarray(layer.weight.value)).reshape(3, 3)
    x = np.maximum(0, correlate2d(TABLE, kernel, mode="same"))
    out, code, _ = by_hand(moved.trained, x)
    np.testing.assert_allclose(np.asarray(moved.trained([TABLE])), out, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.asarray(moved.encoder([TABLE])), code, rtol=1e-4)


def test_the_two_share_all_but_the_global_kernel(graphs):
    plain, moved = ({id(w) for w in made.trained.weights} for made in graphs)
    assert plain < moved
    assert len(moved - plain) == 2


def test_the_seed_is_the_start():
    starts = [kernel_autoencoder(SHAPE)[1].trained.get_weights() for _ in range(2)]
    for one, other in zip(*starts, strict=True):
        np.testing.assert_array_equal(one, other)
    kernels = [w for w in starts[0] if w.ndim == 2]
    assert len({float(np.std(w.ravel()[:9])) for w in kernels}) == len(kernels)


def test_without_a_window_there_is_one_network():
    plain, moved = kernel_autoencoder(KernelShape(users=3, items=4, layers=(2,)))
    assert plain is moved
