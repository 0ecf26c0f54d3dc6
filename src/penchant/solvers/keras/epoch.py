"""One epoch of any Keras network from rows to a rating, compiled as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from penchant.arrays import F32
from penchant.networks.backend import load_keras
from penchant.solvers.keras.losses import Loss, loss_function


class EpochLoop:
    """Runs whole epochs of a network under an optimiser and a loss.

    Args:
        network: a Keras model whose inputs are columns of rows, (batch, 1).
        optimizer: a Keras optimiser of its own; it is built here.
        loss: a name of `LOSSES`, or a function of (truth, predicted).
        batch_size: rows in a step; the last step of an epoch takes what is left.
    """

    def __init__(self, network: Any, optimizer: Any, loss: str | Loss, batch_size: int) -> None:
        self.network = network
        self.optimizer = optimizer
        self.batch_size = batch_size
        optimizer.build(network.trainable_variables)
        self._steps = backend_module().compile_steps(
            network, optimizer, loss_function(loss), batch_size
        )

    def run(self, inputs: Sequence[npt.NDArray[Any]], target: F32) -> float:
        """Train one epoch over rows in the order given; network and optimiser change in place.

        Args:
            inputs: one array for each input of the network, (n,) or (n, width).
            target: (n,) float32 ratings.

        Returns:
            The loss with its penalties: the mean of the batches' losses, weighted by their
            sizes, as Keras reports it.
        """
        columns = [x.reshape(len(x), -1) for x in (*inputs, target)]
        whole = len(target) // self.batch_size
        total, done = 0.0, whole * self.batch_size
        if whole:
            total += done * self._steps(
                [x[:done].reshape(whole, self.batch_size, -1) for x in columns]
            )
        if done < len(target):
            total += (len(target) - done) * self._steps([x[None, done:] for x in columns])
        return total / len(target)


def backend_module() -> Any:
    """Return our module of the backend that Keras runs on; loads Keras."""
    if load_keras().backend.backend() == "jax":
        from penchant.solvers.keras import on_jax

        return on_jax
    from penchant.solvers.keras import on_tensorflow

    return on_tensorflow
