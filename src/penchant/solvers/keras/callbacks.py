"""Keras' own callbacks, at the epochs of a loop that compiles each epoch as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from penchant.errors import SettingsError
from penchant.history import Record
from penchant.networks.backend import load_keras
from penchant.solvers.task import Callback

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class Loop(Protocol):
    """What trains a network."""

    @property
    def network(self) -> Any:
        """The Keras model that is trained."""

    @property
    def optimizer(self) -> Any:
        """The Keras optimiser that trains it."""


class Hooks(NamedTuple):
    """What a training calls: the callbacks after an epoch, and Keras' own before it."""

    callbacks: tuple[Callback, ...]
    keras_callbacks: tuple[Any, ...]

    def begin_epoch(self, epoch: int) -> None:
        """Tell Keras' callbacks that an epoch begins, counted from 0."""
        for callback in self.keras_callbacks:
            callback.on_epoch_begin(epoch)


@contextmanager
def epoch_hooks(callbacks: Iterable[Any], loop: Loop, epochs: int) -> Iterator[Hooks]:
    """Yield the callbacks as functions of a record; Keras' begin and end with the block.

    The logs that a Keras callback sees are the record: monitor "validation_rmse", say.

    Raises `SettingsError` for what is no callback, and for one that can't work here.
    """
    kinds = load_keras().callbacks
    mine = tuple(callbacks)
    theirs = tuple(callback for callback in mine if isinstance(callback, kinds.Callback))
    for callback in mine:
        if not callable(callback) and callback not in theirs:
            raise SettingsError(
                f"A callback is a function of a record or a keras.callbacks.Callback, not "
                f"{callback!r}."
            )
    for callback in theirs:
        _require_epochs_only(callback, kinds.Callback)
        _require_own_weights(callback)
        _require_direction(callback)
    if any(isinstance(c, (kinds.LearningRateScheduler, kinds.ReduceLROnPlateau)) for c in theirs):
        _require_free_rate(loop.optimizer)
    if theirs:
        loop.network.compile(optimizer=loop.optimizer)
        loop.network.stop_training = False
    for callback in theirs:
        callback.set_params({"epochs": epochs, "verbose": 0})
        callback.set_model(loop.network)
        callback.on_train_begin()
    yield Hooks(tuple(_as_function(c, loop.network) if c in theirs else c for c in mine), theirs)
    for callback in theirs:
        callback.on_train_end()


def _as_function(callback: Any, network: Any) -> Callback:
    def call(record: Record) -> bool:
        callback.on_epoch_end(int(record["epoch"]) - 1, dict(record))
        return bool(network.stop_training)

    return call


def _require_epochs_only(callback: Any, base: type) -> None:
    for hook in _BATCH_HOOKS:
        if getattr(type(callback), hook) is not getattr(base, hook):
            raise SettingsError(
                f"{type(callback).__name__} has the hook {hook}, and an epoch is compiled as a "
                f"whole: only hooks of epochs and of the training are called."
            )


def _require_own_weights(callback: Any) -> None:
    if getattr(callback, "restore_best_weights", False):
        raise SettingsError(
            f"{type(callback).__name__}(restore_best_weights=True) would change the network after "
            f"its numbers were read. Leave it out and fit with validation=: that keeps the best."
        )


def _require_direction(callback: Any) -> None:
    watched = getattr(callback, "monitor", "loss")
    stops = isinstance(callback, load_keras().callbacks.EarlyStopping)
    if stops and callback.mode == "auto" and watched != "loss":
        raise SettingsError(
            f"EarlyStopping(monitor={watched!r}) can't tell whether more is better. Give it "
            f"mode='min'."
        )


def _require_free_rate(optimizer: Any) -> None:
    if isinstance(optimizer.get_config()["learning_rate"], dict):  # a schedule, written out
        raise SettingsError(
            "A callback that changes the learning rate needs one that is free to change, and this "
            "optimizer's follows a schedule. Choose decay='none'."
        )
