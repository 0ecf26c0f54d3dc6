"""The output of an ordinal network: from latent values to expected ratings."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np

from penchant.networks.backend import load_keras
from penchant.stars import Stars

_LEAST = 1e-7  # of a probability: float32 holds no smaller difference from 1


@cache
def _layer() -> Any:
    keras = load_keras()
    ops = keras.ops

    class ExpectedRating(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """``v₁ + Σ_k (v_{k+1} − v_k) Φ((η − γ_k) / σ)``; see `penchant.stars`.

        Input (batch, 1), output (batch, 1). Thresholds and spread are constants, no weights.
        """

        def __init__(self, stars: Stars, **more: Any) -> None:
            super().__init__(trainable=False, **more)
            self.stars = stars
            self._first = float(stars.values[0])
            self._steps = np.diff(stars.values.astype(np.float64)).astype(np.float32)
            self._slope = float(1 / (stars.spread * np.sqrt(2)))
            self._at = (stars.thresholds * self._slope).astype(np.float32)

        def call(self, latent: Any) -> Any:
            above = 0.5 * (1.0 + ops.erf(latent * self._slope - self._at))  # (batch, S - 1)
            return self._first + ops.sum(above * self._steps, axis=-1, keepdims=True)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return ExpectedRating


def expected_rating(stars: Stars) -> Any:
    """Return the layer for these stars, named "expected_rating"."""
    return _layer()(stars, name="expected_rating")


@cache
def _probability_layer() -> Any:
    keras = load_keras()
    ops = keras.ops

    class StarProbabilities(keras.layers.Layer):  # type: ignore[misc,name-defined]
        """``P(s) = Φ(γ_{s+1} − η) − Φ(γ_s − η)``: thresholds that are learnt, a noise of 1.

        Input (batch, 1), output (batch, S). The first threshold is free, and the gaps between
        them are softplus of free numbers, so they rise whatever a step does.
        """

        def __init__(self, stars: Stars, **more: Any) -> None:
            super().__init__(**more)
            gaps = np.diff(stars.thresholds)
            free = np.append(stars.thresholds[:1], np.log(np.expm1(gaps))).astype(np.float32)
            self.free = self.add_weight(
                shape=free.shape,
                initializer=lambda shape, dtype: ops.convert_to_tensor(free, dtype=dtype),
                name="free",
            )

        def thresholds(self) -> Any:
            """Return γ as they stand, (S − 1,)."""
            free = ops.convert_to_tensor(self.free)
            return ops.cumsum(ops.concatenate([free[:1], ops.softplus(free[1:])]))

        def call(self, latent: Any) -> Any:
            below = 0.5 * (1.0 + ops.erf((self.thresholds() - latent) * float(np.sqrt(0.5))))
            edge = ops.zeros_like(below[:, :1])
            return ops.concatenate([below, edge + 1.0], axis=1) - ops.concatenate(
                [edge, below], axis=1
            )

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], self.free.shape[0] + 1)

    return StarProbabilities


def with_probabilities(network: Any, stars: Stars) -> Any:
    """Return a network from the same inputs to the probability of each star, (batch, S).

    Args:
        network: gives latent values, (batch, 1).
        stars: the ratings that there are, and where the thresholds start.
    """
    layer = _probability_layer()(stars, name="stars")
    return load_keras().Model(network.inputs, layer(network.output), name="ordinal")


def stars_of(network: Any, stars: Stars) -> Stars:
    """Read the thresholds of a network that `with_probabilities` made.

    Raises `DataError` where they are not finite, or no longer rise.
    """
    found = load_keras().ops.convert_to_numpy(network.get_layer("stars").thresholds())
    return dataclasses.replace(stars, thresholds=np.asarray(found, dtype=np.float64), spread=1.0)


def cross_entropy(truth: Any, predicted: Any) -> Any:
    """Return ``−ln P`` of the stars that were given, (batch,).

    Args:
        truth: (batch, 1), the place of the star.
        predicted: (batch, S) probabilities.
    """
    ops = load_keras().ops
    hit = ops.one_hot(ops.cast(truth[:, 0], "int32"), predicted.shape[1])
    return -ops.log(ops.maximum(ops.sum(hit * predicted, axis=1), _LEAST))
