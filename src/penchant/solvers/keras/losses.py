"""The losses of a batch that networks are trained by: by name, or a function of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penchant.errors import SettingsError
from penchant.networks.backend import load_keras

LOSSES = ("rmse", "mse", "mae", "huber")
Loss = Callable[[Any, Any], Any]
_TINY = 1e-12  # the slope of a square root is infinite at 0


def loss_function(loss: str | Loss) -> Loss:
    """Return the loss of a batch, ``(truth, predicted) -> ()``, both (batch, 1).

    "rmse" is ``sqrt(mean((r - r̂)²))`` of the batch, "huber" has its corner at 1 rating unit. A
    function of your own may return one number or one for each row, which are averaged.

    Raises `SettingsError` for a name that is not known.
    """
    ops = load_keras().ops
    if callable(loss):
        return lambda truth, predicted: ops.mean(loss(truth, predicted))
    named: dict[str, Loss] = {
        "rmse": lambda r, p: ops.sqrt(ops.maximum(ops.mean(ops.square(r - p)), _TINY)),
        "mse": lambda r, p: ops.mean(ops.square(r - p)),
        "mae": lambda r, p: ops.mean(ops.abs(r - p)),
        "huber": lambda r, p: ops.mean(_huber(ops, r - p)),
    }
    if loss not in named:
        raise SettingsError(
            f"loss must be one of {', '.join(named)} or a function of (truth, predicted); "
            f"received {loss!r}."
        )
    return named[loss]


def _huber(ops: Any, error: Any) -> Any:
    size = ops.abs(error)
    return ops.where(size <= 1, 0.5 * ops.square(error), size - 0.5)
