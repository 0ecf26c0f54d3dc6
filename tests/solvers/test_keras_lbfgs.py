"""L-BFGS over a network's numbers: the slope, the minimum, rounds that hang on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from penchant.network.backend import load_keras
from penchant.solvers.keras_lbfgs import FullBatch
from penchant.solvers.keras_loop import backend_module
from penchant.solvers.kernel_autoencoder import half_squares

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X @ [[1.0], [-2.0], [0.5]] + 3).astype(np.float32)
L2 = 0.5


def network(seed=0):
    keras = load_keras()
    start = keras.initializers.RandomNormal(seed=seed)
    inputs = keras.Input((3,), name="x")
    dense = keras.layers.Dense(
        1, kernel_initializer=start, kernel_regularizer=keras.regularizers.L2(L2), name="dense"
    )
    return keras.Model([inputs], dense(inputs))


def squares(target, predicted):
    return load_keras().ops.sum(load_keras().ops.square(predicted - target))


def solution():
    """The minimum of |X w + b − y|² + λ |w|²."""
    A = np.hstack([X, np.ones((len(X), 1))]).astype(np.float64)
    return np.linalg.solve(A.T @ A + np.diag([L2] * 3 + [0]), A.T @ Y)


def test_a_round_finds_the_minimum_of_a_quadratic():
    made = network()
    loss = FullBatch(made, squares, [X], Y).run(30)
    kernel, bias = (np.asarray(weight.value).ravel() for weight in made.weights)
    expected = solution().ravel()
    np.testing.assert_allclose([*kernel, *bias], expected, rtol=2e-4)
    left = ((X @ expected[:3] + expected[3] - Y.ravel()) ** 2).sum() + L2 * (
        expected[:3] ** 2
    ).sum()
    assert loss == pytest.approx(left, rel=1e-3)


def test_the_slope_is_that_of_finite_differences():
    made = network(5)
    slope = backend_module().compile_slope(made, squares)
    values = [np.asarray(v.value) for v in made.trainable_variables]
    value, gradients = slope(values, [X], Y)
    assert value == pytest.approx(
        float(((X @ values[0] + values[1] - Y) ** 2).sum() + L2 * (values[0] ** 2).sum()), rel=1e-5
    )
    for k, gradient in enumerate(gradients):
        for place in np.ndindex(gradient.shape):
            moved = [v.copy() for v in values]
            moved[k][place] += 0.01
            above = slope(moved, [X], Y)[0]
            moved[k][place] -= 0.02
            below = slope(moved, [X], Y)[0]
            assert gradient[place] == pytest.approx((above - below) / 0.02, rel=0.01, abs=0.05)


def test_a_round_hangs_on_the_numbers_alone():
    first, second = network(), network(9)
    batch = FullBatch(first, squares, [X], Y)
    batch.run(2)
    second.set_weights(first.get_weights())
    batch.run(2)
    FullBatch(second, squares, [X], Y).run(2)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_ratings_count():
    ops = load_keras().ops
    target, predicted = np.array([[1.0, 0.0]]), np.array([[3.0, 7.0]])
    found = half_squares(ops.convert_to_tensor(target), ops.convert_to_tensor(predicted))
    assert float(found) == 2.0
