"""The output of an ordinal network: from latent values to expected ratings."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from penchant.network.backend import load_keras
from penchant.stars import Stars


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
