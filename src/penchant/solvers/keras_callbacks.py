"""Keras' own callbacks, at the epochs of a loop that compiles each epoch as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from penchant.errors import SettingsError
from penchant.history import Record
from penchant.network.backend import load_keras
from penchant.solvers.base import Callback
from penchant.solvers.keras_loop import EpochLoop

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


@contextmanager
def epoch_hooks(callbacks: Iterable[Any], loop: EpochLoop) -> Iterator[tuple[Callback, ...]]:
    """Yield the callbacks as functions of a record; Keras' begin and end with the block.

    The logs that a Keras callback sees are the record: monitor "validation_rmse", say.

    Raises `SettingsError` for what is no callback, and for hooks at each batch.
    """
    base = load_keras().callbacks.Callback
    mine = tuple(callbacks)
    theirs = [callback for callback in mine if isinstance(callback, base)]
    for callback in mine:
        _require_callback(callback, base)
    if theirs:
        loop.network.compile(optimizer=loop.optimizer)
        loop.network.stop_training = False
    for callback in theirs:
        callback.set_model(loop.network)
        callback.on_train_begin()
        callback.on_epoch_begin(0)
    yield tuple(_as_function(c, loop.network) if c in theirs else c for c in mine)
    for callback in theirs:
        callback.on_train_end()


def _as_function(callback: Any, network: Any) -> Callback:
    def call(record: Record) -> bool:
        epoch = int(record["epoch"]) - 1
        callback.on_epoch_end(epoch, dict(record))
        if not network.stop_training:
            callback.on_epoch_begin(epoch + 1)
        return bool(network.stop_training)

    return call


def _require_callback(callback: Any, base: type) -> None:
    if not callable(callback) and not isinstance(callback, base):
        raise SettingsError(
            f"A callback is a function of a record or a keras.callbacks.Callback, not {callback!r}."
        )
    for hook in _BATCH_HOOKS if isinstance(callback, base) else ():
        if getattr(type(callback), hook) is not getattr(base, hook):
            raise SettingsError(
                f"{type(callback).__name__} has the hook {hook}, and an epoch is compiled as a "
                f"whole: only hooks of epochs and of the training are called."
            )
