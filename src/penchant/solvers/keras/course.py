"""What any Keras network gives the loop of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from penchant.history import History
from penchant.solvers.base import Predict
from penchant.solvers.checkpoint import State
from penchant.solvers.keras.callbacks import Hooks
from penchant.solvers.loop import Round, Rounds


class Kept(Protocol):
    """The numbers of a model after some epoch; later epochs leave them as they are."""

    @property
    def predict(self) -> Predict:
        """Unclipped ratings of pairs of rows by these numbers."""

    def arrays(self) -> dict[str, Any]:
        """Return them by name."""


Result = TypeVar("Result")
K_co = TypeVar("K_co", bound=Kept, covariant=True)


class Trainee(Protocol[K_co]):
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


class Course(Rounds[Result], Generic[Result]):
    """The epochs of one training.

    Args:
        trainee: what is trained.
        hooks: Keras' own callbacks.
        finish: makes the result of the numbers to keep and the history.
    """

    def __init__(
        self, trainee: Trainee[Any], hooks: Hooks, finish: Callable[[Any, History], Result]
    ) -> None:
        self._trainee, self._hooks, self._finish = trainee, hooks, finish
        self._numbers: Kept | None = None

    def run(self, number: int) -> Round:
        """Train an epoch."""
        self._hooks.begin_epoch(number - 1)
        loss = self._trainee.run(number - 1)
        self._numbers = self._trainee.numbers(number - 1)
        return Round({"loss": loss}, self._numbers.predict)

    def state(self) -> State:
        """Return all Keras variables that the next epoch depends on."""
        variables = enumerate(self._trainee.variables())
        return State({str(k): np.asarray(v.value, order="C") for k, v in variables}, {})

    def kept(self) -> State:
        """Return the numbers of the last epoch."""
        return State({} if self._numbers is None else self._numbers.arrays(), {})

    def restore(self, now: State, kept: State) -> None:
        """Go on from what `state` gave."""
        for k, variable in enumerate(self._trainee.variables()):
            variable.assign(now.arrays[str(k)])

    def fitted(self, kept: State, history: History) -> Result:
        """Return what `finish` makes of the numbers kept."""
        return self._finish(self._trainee.restored(dict(kept.arrays)), history)
