"""The one loop of all trainings: rounds, the best state, Ctrl-C, divergence, checkpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, TypeVar

from penchant.errors import DivergedError
from penchant.history import History, Record
from penchant.solvers.base import Monitor, Predict, SolverSettings
from penchant.solvers.checkpoint import State, StateFile
from penchant.solvers.stopping import has_waited, keeps_last
from penchant.solvers.task import Task

Result = TypeVar("Result")


class Round(NamedTuple):
    """What a round has measured.

    Attributes:
        record: its numbers by name.
        predict: what the RMSEs that the record lacks are measured by; None where it has all.
    """

    record: Record
    predict: Predict | None = None


class Rounds(ABC, Generic[Result]):
    """What a solver gives the loop: the steps of a round, and what is to be kept of them.

    All arrays of `state` and `kept` lie in memory row after row, as a checkpoint gives them back:
    in another layout BLAS may take another way, and a resumed training end elsewhere.
    """

    @abstractmethod
    def run(self, number: int) -> Round:
        """Make a round, counted from 1.

        Raises `DivergedError` where its numbers are not finite.
        """

    @abstractmethod
    def state(self) -> State:
        """Return all that the next round depends on, as it stands: no copies."""

    def kept(self) -> State:
        """Return the model after the last round, in arrays that later rounds leave alone."""
        return self.state().copied()

    @abstractmethod
    def restore(self, now: State, kept: State) -> None:
        """Go on from what `state` and `kept` gave."""

    @abstractmethod
    def fitted(self, kept: State, history: History) -> Result:
        """Return the result of the training, from what `kept` gave."""


class Loop(Generic[Result]):
    """One training: made before its rounds, so that what makes no sense is told at once.

    Args:
        solver: the settings; says how many rounds there are at the most.
        task: what is trained on.
        patience: rounds without a better validation RMSE before the training stops, and the best
            round's model is the result; None where the last one always is.

    Raises:
        SettingsError: a callback that can't be called, or a checkpoint that makes no sense.
    """

    def __init__(
        self, solver: SolverSettings[Result], task: Task, patience: int | None = None
    ) -> None:
        self._most, self._patience = solver.rounds, patience
        self._file = StateFile.of(solver, task)
        self._monitor = Monitor.of(solver.round_name, task)
        self._kept: State | None = None
        self._looked_at = 0  # the number of the round whose model was last kept, or passed over

    @property
    def history(self) -> History:
        """What the rounds have measured so far."""
        return self._monitor.history

    def train(self, rounds: Rounds[Result]) -> Result:
        """Make the rounds, from the start or the checkpoint, and return what they have fitted.

        Ctrl-C ends the training with the model of the last whole round. Raises `DivergedError`
        with that in its `last_good`; before the first whole round there is none.
        """
        history = self.history
        self._resume(rounds)
        try:
            while len(history) < self._most and not self._has_waited():
                if self._round(rounds, len(history) + 1):
                    break
        except KeyboardInterrupt:
            if not len(history):
                raise
            history.interrupted = True
        except DivergedError as error:
            error.last_good = self._fitted(rounds) if len(history) else None
            raise
        return self._fitted(rounds)

    def _has_waited(self) -> bool:
        return self._patience is not None and has_waited(self.history, self._patience)

    def _round(self, rounds: Rounds[Result], number: int) -> bool:
        """Make a round, measure, keep; return whether a callback wants to stop."""
        record, predict = rounds.run(number)
        stop = self._monitor.measure(predict, **record)
        kept = self._keep(rounds)
        if self._file is not None and self._file.due(number):
            self._file.write_both(rounds.state(), kept, self.history)
        return stop

    def _keep(self, rounds: Rounds[Result]) -> State:
        """Keep the last whole round's model where that is due, and return what is kept.

        Ctrl-C may come between any two of these lines: done again they end the same.
        """
        number = len(self.history)
        due = number > self._looked_at and (self._patience is None or keeps_last(self.history))
        if due or self._kept is None:
            self._kept = rounds.kept()
        self._looked_at = number
        return self._kept

    def _resume(self, rounds: Rounds[Result]) -> None:
        found = None if self._file is None else self._file.read_both()
        if found is None:
            return
        now, self._kept, progress = found
        rounds.restore(now, self._kept)
        self._monitor.resume(progress["records"], progress["best"])
        self._looked_at = len(self.history)

    def _fitted(self, rounds: Rounds[Result]) -> Result:
        return rounds.fitted(self._keep(rounds), self.history)  # Ctrl-C may have come in between
