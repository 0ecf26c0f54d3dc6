"""L-BFGS over all of a Keras network's numbers at once, by SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.solvers.keras_loop import Loss, backend_module


class FullBatch:
    """Lowers a network's loss over the whole of its data.

    ``F = loss + the layers' penalties``; a round is a run of L-BFGS (Liu and Nocedal 1989) of so
    many iterations, from the numbers as they stand and without a memory of earlier rounds, so that
    the network's variables are all that the next round depends on.

    Args:
        network: a Keras model.
        loss: a function of (truth, predicted).
        inputs: the arrays that the network reads.
        target: what it is to give.
    """

    def __init__(
        self, network: Any, loss: Loss, inputs: Sequence[npt.NDArray[Any]], target: Any
    ) -> None:
        self._variables = network.trainable_variables
        self._slope = backend_module().compile_slope(network, loss)
        self._data = list(inputs), target
        self._sizes = np.cumsum([0, *(int(np.prod(v.shape)) for v in self._variables)])

    def run(self, iterations: int) -> float:
        """Run a round; the network's numbers change in place. Return F after it."""
        from scipy.optimize import minimize

        flat = np.concatenate([np.asarray(v.value, np.float64).ravel() for v in self._variables])
        limits = {"maxiter": iterations}
        found = minimize(self._value_and_slope, flat, jac=True, method="L-BFGS-B", options=limits)
        for variable, value in zip(self._variables, self._cut(found.x), strict=True):
            variable.assign(value)
        return float(found.fun)

    def _value_and_slope(self, flat: Any) -> tuple[float, Any]:
        value, gradients = self._slope(self._cut(flat), *self._data)
        return value, np.concatenate([g.ravel().astype(np.float64) for g in gradients])

    def _cut(self, flat: Any) -> list[npt.NDArray[np.float32]]:
        """Return the variables' values that stand in a row of all numbers."""
        spans = zip(self._sizes[:-1], self._sizes[1:], self._variables, strict=True)
        return [flat[a:b].reshape(v.shape).astype(np.float32) for a, b, v in spans]
