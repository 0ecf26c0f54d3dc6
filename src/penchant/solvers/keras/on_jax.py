"""A compiled epoch on JAX: the steps are one `lax.scan` over Keras' stateless calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

from penchant.solvers.keras import lazy as keras_lazy
from penchant.solvers.keras.losses import Loss


def compile_steps(
    network: Any, optimizer: Any, loss: Loss, batch_size: int
) -> Callable[[list[Any]], float]:
    """Return a function that trains on batches, (steps, batch, …) arrays, and gives their loss.

    Where tables have many more rows than a batch of `batch_size` looks up, a step reads and writes
    those rows alone; see `penchant.solvers.keras.lazy`.
    """
    cut = keras_lazy.split(network, optimizer, batch_size)
    whole = _whole_step(network, optimizer, loss)

    @cache
    def scan_of(batch: int) -> Any:
        lazy = cut and keras_lazy.LazySteps(network, optimizer, loss, cut, batch)
        return _compiled_scan(lazy or whole)

    def run(batches: list[Any]) -> float:
        groups = (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
        scan = scan_of(batches[0].shape[1] if cut else 0)
        state, mean_loss = scan([[v.value for v in group] for group in groups], batches)
        mean_loss = float(mean_loss)  # waits for the device: an interrupt leaves the old state
        for variables, values in zip(groups, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return mean_loss

    return run


def _whole_step(network: Any, optimizer: Any, loss: Loss) -> Any:
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

    return step


def _compiled_scan(step: Any) -> Any:
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
