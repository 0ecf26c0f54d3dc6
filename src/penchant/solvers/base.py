"""What a solver is: it gives a network its numbers, and knows nothing of ids.

A solver is a frozen `Settings` object with one method, `fit`. Its class docstring states its
objective and how its λ is scaled.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.errors import DivergedError, SettingsError
from penchant.factors import Factors
from penchant.history import History, Record
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.settings import Settings, require_count
from penchant.solvers.task import Callback, Checkpoint, Task
from penchant.stars import Stars

Result = TypeVar("Result")
"""What a training returns: `Fitted` or `Trained`."""

Predict = Callable[[Rows, Rows], npt.NDArray[np.floating]]
"""Unclipped ratings of pairs of rows, by the model as it stands."""


CHUNK = 1 << 18
"""Rows measured at once, so that a long table needs bounded memory."""


class Fitted(NamedTuple):
    """What a solver returns."""

    factors: Factors
    posterior: Any | None
    history: History
    stars: Stars | None = None


class Trained(NamedTuple):
    """What the training of a network other than that of `Factors` returns.

    Attributes:
        weights: the network's numbers by name; see `penchant.networks.weights`.
        card: JSON-able values that the network is built of again, beside settings and ids.
        history: what each epoch measured.
        more: further named arrays that it is built of; ``user_…`` has M rows, ``item_…`` N.
    """

    weights: dict[str, npt.NDArray[Any]]
    card: dict[str, Any]
    history: History
    more: dict[str, npt.NDArray[Any]] = {}  # noqa: RUF012 - never changed


@dataclasses.dataclass(frozen=True)
class SolverSettings(Settings, Generic[Result]):
    """The base of the solvers: settings, and the one method that trains by them."""

    name: ClassVar[str] = ""
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"
    least_factors: ClassVar[int] = 1

    @property
    def rounds(self) -> int:
        """How many epochs or sweeps `fit` will make at the most."""
        raise NotImplementedError

    def fit(
        self,
        ratings: Ratings,
        *,
        factors: int = 0,
        validation: Ratings | None = None,
        watch: Ratings | None = None,
        seed: int = 0,
        callbacks: Iterable[Any] = (),
        threads: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Result:
        """Train on `ratings`; the class says what is minimised, or drawn.

        The same seed gives the same bits on processors of one type, whatever the number of threads.

        Args:
            ratings: what to learn from.
            factors: K, the width of the network; of one whose settings say it, nothing.
            validation: rows that may choose when to stop and what to keep.
            watch: rows whose RMSE is measured for the curve alone.
            seed: of all that is random.
            callbacks: functions of a round's record; `True` as the answer stops. For what Keras
                trains also `keras.callbacks.Callback` objects with epoch hooks.
            threads: of our own kernels; as many as there are processors if None.
            checkpoint: where the state is kept, and found again.

        Returns:
            The model; after Ctrl-C, or a callback's `True`, that of the last whole round.

        Raises:
            DataError: there are no ratings, or what the settings ask of them isn't there.
            DivergedError: numbers left the finite ones; `last_good` is the model of the last whole
                round, or None where there was none.
            SettingsError: an argument makes no sense, or the checkpoint belongs to another
                training.
        """
        require_count("factors", factors, self.least_factors)
        return self.train(
            Task(ratings, factors, validation, watch, seed, callbacks, threads, checkpoint)
        )

    def train(self, task: Task) -> Result:
        """Make a training; `fit` says what comes of it."""
        raise NotImplementedError


Solver = SolverSettings[Fitted]
"""What gives the factors' network its numbers."""


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A solver as a bundle remembers it: a name and settings, not yet looked at.

    So a bundle opens without loading the solver's kernels.
    """

    name: str
    settings: Mapping[str, Any]


class Monitor:
    """Measures the model after each epoch or sweep, keeps the history, asks the callbacks.

    True RMSE over all rows of each part, predictions clipped to the scale.

    Raises `SettingsError` for a callback that can't be called.
    """

    def __init__(
        self,
        round_name: str,
        ratings: Ratings | None,
        validation: Ratings | None,
        watch: Ratings | None,
        callbacks: Iterable[Callback],
    ) -> None:
        self._parts = {"train": ratings, "validation": validation, "watch": watch}
        self._round_name = round_name
        self._callbacks = tuple(callbacks)
        for callback in self._callbacks:
            if not callable(callback):
                raise SettingsError(f"A callback is a function of a record, not {callback!r}.")
        self._began = time.perf_counter()
        self.history = History()

    @classmethod
    def of(cls, round_name: str, task: Task) -> Self:
        """Return the monitor of a training; of one from blocks, the solver measures."""
        ratings = None if task.from_blocks else task.ratings
        made = cls(round_name, ratings, task.validation, task.watch, task.callbacks)
        made._began = task.began
        return made

    def measure(self, predict: Predict | None, **more: float) -> bool:
        """Add a record of the model as it stands; return whether a callback wants to stop.

        A part whose RMSE the solver has measured itself, such as ``train_rmse=``, is not measured
        again. Raises `DivergedError` where a prediction is not finite.

        The callbacks come first: a Ctrl-C in one of them leaves no record of a round whose
        numbers are not yet kept.
        """
        record: dict[str, float] = {self._round_name: len(self.history) + 1, **more}
        for part, ratings in self._parts.items():
            name = f"{part}_rmse"
            if predict is not None and ratings is not None and len(ratings) and name not in more:
                record[name] = self._rmse(ratings, predict)
        record["seconds"] = time.perf_counter() - self._began
        answers = [callback(record) for callback in self._callbacks]  # each is to be called
        self.history.append(record)
        return any(answer is True for answer in answers)

    def _rmse(self, ratings: Ratings, predict: Predict) -> float:
        squares = 0.0
        for start in range(0, len(ratings), CHUNK):
            part = slice(start, start + CHUNK)
            with np.errstate(over="ignore", invalid="ignore"):  # that is told of here
                predicted = predict(ratings.user_rows[part], ratings.item_rows[part])
            if not np.isfinite(predicted).all():
                raise diverged(self._round_name, len(self.history) + 1)
            values = ratings.values[part]
            squares += len(values) * rmse(values, ratings.scale.clip(predicted)) ** 2
        return float(np.sqrt(squares / len(ratings)))

    def resume(self, records: Iterable[Record], best: int | None = None) -> None:
        """Take up the history of an interrupted training; its clock goes on."""
        self.history.records.extend(records)
        self.history.best = best
        if len(self.history):
            self._began -= self.history.records[-1]["seconds"]


def diverged(round_name: str, number: int) -> DivergedError:
    """Return the error of a training whose numbers are no longer finite."""
    return DivergedError(
        f"Training diverged in {round_name} {number}: its numbers are no longer finite. Choose a "
        f"smaller learning rate or a larger λ. The state before it is kept."
    )


def without_strangers(factors: Factors, ratings: Ratings) -> Factors:
    """Give the stranger and the cold rows the unweighted mean of the trained rows.

    Row 0 and the rows of known ids without training ratings were never trained by SGD or Keras:
    what stands there is their random start.
    """

    def filled(table: F32, rows: Rows) -> F32:
        trained = np.zeros(len(table), dtype=bool)
        trained[rows] = True
        full = table.copy()
        full[~trained] = table[trained].mean(axis=0, dtype=np.float64)
        return full

    return Factors(
        factors.mean,
        filled(factors.user_bias, ratings.user_rows),
        filled(factors.item_bias, ratings.item_rows),
        filled(factors.user_factors, ratings.user_rows),
        filled(factors.item_factors, ratings.item_rows),
    )
