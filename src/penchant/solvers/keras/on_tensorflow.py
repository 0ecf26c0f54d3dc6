"""A compiled epoch on TensorFlow: the steps are one loop in a `tf.function`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penchant.solvers.keras.losses import Loss


def compile_steps(
    network: Any, optimizer: Any, loss: Loss, batch_size: int
) -> Callable[[list[Any]], float]:
    """Return a function that trains on batches, (steps, batch, …) arrays, and gives their loss.

    Every step is on whole tables; `batch_size` is there for the other backend.
    """
    import tensorflow as tf  # an extra: loaded where it is the backend, not to collect doctests

    variables = [v.value for v in network.trainable_variables]

    def step(batch: list[Any]) -> Any:
        *inputs, target = batch
        with tf.GradientTape() as tape:
            value = loss(target, network(inputs, training=True)) + sum(network.losses)
        gradients = tape.gradient(value, variables)
        optimizer.apply(gradients, network.trainable_variables)
        return value

    def scan(batches: list[Any]) -> Any:
        total = tf.constant(0.0)
        for k in tf.range(tf.shape(batches[0])[0]):
            total += step([column[k] for column in batches])
        return total / tf.cast(tf.shape(batches[0])[0], tf.float32)

    compiled = tf.function(scan, reduce_retracing=True)
    return lambda batches: float(compiled([tf.convert_to_tensor(x) for x in batches]))


def compile_call(network: Any) -> Callable[[list[Any]], Any]:
    """Return a function from inputs to the output of the network as its weights then stand."""
    import tensorflow as tf

    compiled = tf.function(lambda inputs: network(inputs, training=False), reduce_retracing=True)
    return lambda inputs: compiled([tf.convert_to_tensor(x) for x in inputs])
