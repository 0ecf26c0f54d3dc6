"""A compiled epoch on JAX: the steps are one `lax.scan` over Keras' stateless calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from penchant.solvers.keras_loop import Loss


def compile_steps(network: Any, optimizer: Any, loss: Loss) -> Callable[[list[Any]], float]:
    """Return a function that trains on batches, (steps, batch, …) arrays, and gives their loss."""
    scan = _compiled_scan(network, optimizer, loss)

    def run(batches: list[Any]) -> float:
        groups = (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
        state, mean_loss = scan([[v.value for v in group] for group in groups], batches)
        mean_loss = float(mean_loss)  # waits for the device: an interrupt leaves the old state
        for variables, values in zip(groups, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return mean_loss

    return run


def _compiled_scan(network: Any, optimizer: Any, loss: Loss) -> Any:
    def objective(trainable: Any, non_trainable: Any, batch: Any) -> Any:
        *inputs, target = batch
        predicted, non_trainable, penalties = network.stateless_call(
            trainable, non_trainable, inputs, training=True, return_losses=True
        )
        return loss(target, predicted) + sum(penalties), non_trainable

    slope = jax.value_and_grad(objective, has_aux=True)

    def step(state: Any, batch: Any) -> Any:
        trainable, non_trainable, slots = state
        (value, non_trainable), gradients = slope(trainable, non_trainable, batch)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return [trainable, non_trainable, slots], value

    @jax.jit
    def scan(state: Any, batches: Any) -> Any:
        state, losses = jax.lax.scan(step, state, batches)
        return state, losses.mean()

    return scan


def compile_call(network: Any) -> Callable[[list[Any]], Any]:
    """Return a function from inputs to the output of the network as its weights then stand."""

    @jax.jit
    def call(trainable: Any, non_trainable: Any, inputs: Any) -> Any:
        return network.stateless_call(trainable, non_trainable, inputs, training=False)[0]

    def run(inputs: list[Any]) -> Any:
        groups = (network.trainable_variables, network.non_trainable_variables)
        return call(*([v.value for v in group] for group in groups), inputs)

    return run
