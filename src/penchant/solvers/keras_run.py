"""The course of a training of any Keras network: epochs, measuring, keeping, stopping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from penchant.errors import DivergedError
from penchant.history import History
from penchant.solvers.base import Monitor, Predict
from penchant.solvers.keras_callbacks import Hooks
from penchant.solvers.state import StateFile
from penchant.solvers.stopping import has_waited, keeps_last

Arrays = Mapping[str, npt.NDArray[Any]]


class Kept(Protocol):
    """The numbers of a model after some epoch; later epochs leave them as they are."""

    @property
    def predict(self) -> Predict:
        """Unclipped ratings of pairs of rows by these numbers."""

    def arrays(self) -> dict[str, Any]:
        """Return them by name."""


K = TypeVar("K", bound=Kept)
K_co = TypeVar("K_co", bound=Kept, covariant=True)


class Task(Protocol[K_co]):
    """What is trained, an epoch at a time."""

    def run(self, epoch: int) -> float:
        """Train one epoch, counted from 0, and return its mean loss."""

    def numbers(self, epoch: int) -> K_co:
        """Return the numbers as they stand; raises `DivergedError` where they are not finite."""

    def restored(self, arrays: dict[str, npt.NDArray[Any]]) -> K_co:
        """Return the numbers that `arrays` gave."""

    def variables(self) -> list[Any]:
        """Return all Keras variables that the next epoch depends on."""


def epoch_order(seed: int, epoch: int, n: int) -> npt.NDArray[np.int64]:
    """Return the random order of n ratings in an epoch, keyed by seed and epoch."""
    return np.random.default_rng((seed, epoch)).permutation(n)


class Course(Generic[K]):
    """One training: its epochs, the numbers to keep, the records.

    Args:
        task: what is trained.
        monitor: measures each epoch; its history is that of the training.
        hooks: Keras' own callbacks.
        epochs: at the most.
        patience: epochs without a better validation RMSE before training stops.
        file: where the state is kept, or None.
        finish: makes the result of what is kept and the history.
    """

    def __init__(
        self,
        task: Task[K],
        monitor: Monitor,
        hooks: Hooks,
        *,
        epochs: int,
        patience: int,
        file: StateFile | None,
        finish: Callable[[K, History], Any],
    ) -> None:
        self._task = task
        self._monitor = monitor
        self._hooks = hooks
        self._epochs = epochs
        self._patience = patience
        self._file = file
        self._finish = finish
        self._kept: K | None = None

    def run(self) -> Any:
        """Train, and return what `finish` makes of it.

        A Ctrl-C ends the training, with what there is. Raises `DivergedError`, the result up to
        then in its `last_good`.
        """
        history = self._monitor.history
        self._resume()
        try:
            for epoch in range(len(history), self._epochs):
                if self._epoch(epoch) or has_waited(history, self._patience):
                    break
        except KeyboardInterrupt:
            if not len(history):
                raise
            history.interrupted = True
        except DivergedError as error:
            error.last_good = self._result() if len(history) else None
            raise
        return self._result()

    def _epoch(self, epoch: int) -> bool:
        history = self._monitor.history
        self._hooks.begin_epoch(epoch)
        loss = self._task.run(epoch)
        numbers = self._task.numbers(epoch)
        with np.errstate(over="ignore", invalid="ignore"):  # the monitor tells of it
            stop = self._monitor.measure(numbers.predict, loss=loss)
        if keeps_last(history):
            self._kept = numbers
        if self._file is not None and self._file.due(epoch + 1):
            self._file.write(self._state(), history.to_json())
        return stop

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that the next epoch depends on, and the numbers to keep."""
        variables = enumerate(self._task.variables())
        now = {f"now.{k}": np.asarray(v.value) for k, v in variables}
        kept = {} if self._kept is None else self._kept.arrays()
        return now | {f"kept.{name}": array for name, array in kept.items()}

    def _resume(self) -> None:
        state = None if self._file is None else self._file.read()
        if state is None:
            return
        for k, variable in enumerate(self._task.variables()):
            variable.assign(state.arrays[f"now.{k}"])
        kept = {n.partition(".")[2]: a for n, a in state.arrays.items() if n.startswith("kept.")}
        self._kept = self._task.restored(kept)
        self._monitor.resume(state.progress["records"], state.progress["best"])

    def _result(self) -> Any:
        return self._finish(self._kept, self._monitor.history)  # type: ignore[arg-type]
