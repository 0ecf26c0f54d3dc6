"""Optimisers by name or object: each training takes a fresh one."""

from __future__ import annotations

from typing import Any

from penchant.errors import SettingsError
from penchant.networks.backend import load_keras
from penchant.settings import require, require_choice, require_number


def make_optimizer(optimizer: Any, learning_rate: float | None, decay: str, steps: int) -> Any:
    """Return a fresh Keras optimiser for a training of so many steps.

    Args:
        optimizer: a name that Keras knows, or an optimiser, which is copied as it is.
        learning_rate: of an optimiser given by name; Keras' default of it if None.
        decay: "cosine" lets the learning rate fall to 0 over the steps, "none" keeps it.
        steps: how many there will be.

    Raises `SettingsError` for a name that Keras doesn't know, or what is no optimiser.
    """
    keras = load_keras()
    if isinstance(optimizer, keras.optimizers.Optimizer):
        return type(optimizer).from_config(optimizer.get_config())
    require(
        isinstance(optimizer, str),
        f"optimizer must be a name or a Keras optimiser, not {optimizer!r}.",
    )
    try:
        made = keras.optimizers.get(optimizer)
    except ValueError:
        raise SettingsError(
            f"Keras knows no optimizer {optimizer!r}. Choose one such as 'sgd', "
            f"'adam', 'adamax', or pass an optimiser object."
        ) from None
    rate = float(made.learning_rate) if learning_rate is None else learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    return type(made)(learning_rate=schedule if decay == "cosine" else rate)


def require_rate(learning_rate: object, decay: object) -> None:
    """Raise `SettingsError` unless these are a learning rate, or None, and a kind of decay."""
    require_choice("decay", decay, ("cosine", "none"))
    if learning_rate is not None:
        require_number("learning_rate", learning_rate, 0, open_low=True)


def described(optimizer: Any) -> str:
    """Return an optimiser object in words, with its settings."""
    config = dict(optimizer.get_config())
    config.pop("name")  # Keras numbers them
    told = ", ".join(f"{name}={value!r}" for name, value in config.items())
    return f"the object {type(optimizer).__name__}({told})"
