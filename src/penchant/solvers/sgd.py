"""The SGD solver: one rating at a time, in a random order, on all threads with the same bits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import numpy as np

from penchant.engine.threads import Threads
from penchant.errors import DataError, DivergedError
from penchant.factors import Factors
from penchant.ids import Rows
from penchant.kernels.coded import decoded
from penchant.kernels.rng import seed_key
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.settings import require_count, require_number
from penchant.solvers.base import (
    CHUNK,
    Callback,
    Checkpoint,
    Fitted,
    Monitor,
    SolverSettings,
    diverged,
    without_strangers,
)
from penchant.solvers.sgd_grid import Center, Epochs, Floats, Grid, Tables, predict
from penchant.solvers.state import StateFile
from penchant.solvers.stopping import has_waited, keeps_last


@dataclasses.dataclass(frozen=True)
class SGD(SolverSettings):
    """Stochastic gradient descent (Funk 2006; Koren, Bell & Volinsky 2009, section "SGD").

    With z = (r - mean) / s, s the standard deviation of the training ratings, the objective is

        ½ Σ (z - b_u - b_i - p_u · q_i)² + λ (|p_u|² + |q_i|²) + λ_b (b_u² + b_i²)

    over the ratings: λ is charged for each rating, so a row with n ratings pays n λ / 2 times its
    squared norm. For each rating in turn ``e = z - b_u - b_i - p_u · q_i`` and
    ``p_u ← p_u + η (e q_i - λ p_u)``, the others alike. The learning rate η falls in a straight
    line, from `learning_rate` in the first epoch by `decay` of it in `epochs` epochs. Since z has
    no unit, neither do the settings: they suit a scale of 0 to 100 as well as 1 to 5. The factors
    start near zero (`start`) and grow direction by direction, the strongest first, so that
    the number of epochs regularises too.

    The order of the ratings is a pure function of (seed, epoch); the bits do not depend on the
    number of threads. The stranger and cold rows get the unweighted mean of the trained rows.

    Attributes:
        epochs: at the most; with validation rows training may stop earlier.
        learning_rate: η of the first epoch.
        decay: the share of η that is gone after the last epoch, 0 for none.
        l2: λ of the factors, for each rating.
        l2_bias: λ_b of the biases, for each rating.
        start: the standard deviation of the random factors is start / √K.
        patience: epochs without a better validation RMSE before training stops; the best epoch's
            numbers are kept.

    Raises:
        SettingsError: a setting makes no sense.

    >>> from penchant.sources.synthetic import synthetic
    >>> ratings = synthetic(n_users=60, n_items=40, n_ratings=1000, factors=2, seed=0)
    >>> fitted = SGD(epochs=10).fit(ratings, factors=4, seed=0)
    >>> fitted.factors
    Factors(61 × 41, 4 factors, 510 parameters)
    """

    name: ClassVar[str] = "sgd"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"

    epochs: int = 45
    learning_rate: float = 0.03
    decay: float = 1.0
    l2: float = 0.07
    l2_bias: float = 0.05
    start: float = 0.02
    patience: int = 5

    def __post_init__(self) -> None:
        require_count("epochs", self.epochs)
        require_number("learning_rate", self.learning_rate, 0, open_low=True)
        require_number("decay", self.decay, 0, 1)
        require_number("l2", self.l2, 0)
        require_number("l2_bias", self.l2_bias, 0)
        require_number("start", self.start, 0, open_low=True)
        require_count("patience", self.patience)

    @property
    def rounds(self) -> int:
        """How many epochs `fit` makes at the most."""
        return self.epochs

    def fit(
        self,
        ratings: Ratings,
        *,
        factors: int,
        validation: Ratings | None = None,
        watch: Ratings | None = None,
        seed: int = 0,
        callbacks: Iterable[Callback] = (),
        threads: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Fitted:
        """Train on `ratings`; see `penchant.solvers.base.Solver.fit`.

        Raises:
            DataError: there are no ratings.
            DivergedError: numbers left the finite ones; `last_good` is what stood before.
            SettingsError: `factors` or `threads` makes no sense, or the checkpoint belongs to
                another training.
        """
        require_count("factors", factors)
        if not len(ratings):
            raise DataError("There are no ratings to train on. Check the filter before it.")
        file = StateFile.of(checkpoint, self, ratings, validation, factors=factors, seed=seed)
        with Threads(threads) as workers:
            run = _Run(self, ratings, validation, factors, seed, workers, file)
            return run.train(watch, callbacks)

    def rate(self, epoch: int) -> float:
        """Return η of an epoch, counted from 1."""
        return self.learning_rate * (1 - self.decay * (epoch - 1) / self.epochs)


class _Run:
    """One training: the tables as they stand, and those to keep."""

    def __init__(
        self,
        settings: SGD,
        ratings: Ratings,
        validation: Ratings | None,
        factors: int,
        seed: int,
        threads: Threads,
        file: StateFile | None,
    ) -> None:
        self._settings = settings
        self._ratings = ratings
        self._validation = validation
        self._threads = threads
        self._file = file
        key = seed_key(seed)
        self._grid = grid = Grid.of(ratings)
        self._center = Center.of(ratings)
        self._epochs = Epochs(grid, self._center, key, threads, factors)
        self._tables = Tables.start(
            ratings.user_ids.size, ratings.item_ids.size, factors, settings.start, key
        )
        self._kept = self._tables.copy()
        self._half_kept = False

    def train(self, watch: Ratings | None, callbacks: Iterable[Callback]) -> Fitted:
        name = self._settings.round_name
        monitor = Monitor(name, self._ratings, self._validation, watch, callbacks)
        self._resume(monitor)
        history = monitor.history
        try:
            for epoch in range(len(history) + 1, self._settings.epochs + 1):
                if self._run_epoch(epoch, monitor) or has_waited(history, self._settings.patience):
                    break
        except KeyboardInterrupt:
            if not len(history):
                raise
            history.interrupted = True
        except DivergedError as error:
            error.last_good = self._fitted(monitor)
            raise
        return self._fitted(monitor)

    def _run_epoch(self, epoch: int, monitor: Monitor) -> bool:
        """Train for one epoch, measure, keep; return whether a callback wants to stop."""
        s = self._settings
        rate = s.rate(epoch)
        self._epochs.run(epoch, self._tables, rate, s.l2, s.l2_bias)
        history = monitor.history
        train_rmse = self._train_rmse()
        if not math.isfinite(train_rmse):
            raise diverged(s.round_name, len(history) + 1)
        stop = monitor.measure(self._predict, learning_rate=rate, train_rmse=train_rmse)
        if keeps_last(history):
            self._keep()
        if self._file is not None and self._file.due(epoch):
            self._file.write(self._state(), history.to_json())
        return stop

    def _keep(self) -> None:
        self._half_kept = True
        self._kept.become(self._tables)
        self._half_kept = False

    def _train_rmse(self) -> float:
        """Return the RMSE of the training ratings; not finite where a prediction isn't.

        Block by block, the rows of a block's ratings are still near when they are measured.
        """
        grid, scale, squares = self._grid, self._ratings.scale, 0.0
        for start in range(0, len(grid.users), CHUNK):
            part = slice(start, start + CHUNK)
            predicted = self._predict(grid.users[part], grid.items[part])
            if not np.isfinite(predicted).all():
                return math.nan
            squares += len(predicted) * rmse(decoded(grid.values, part), scale.clip(predicted)) ** 2
        return math.sqrt(squares / len(grid.users))

    def _predict(self, users: Rows, items: Rows) -> Floats:
        return predict(self._threads, self._tables, self._center, users, items)

    def _state(self) -> dict[str, Floats]:
        now = {f"now.{name}": table for name, table in self._tables._asdict().items()}
        return now | {f"kept.{name}": table for name, table in self._kept._asdict().items()}

    def _resume(self, monitor: Monitor) -> None:
        state = None if self._file is None else self._file.read()
        if state is None:
            return
        for part, tables in (("now", self._tables), ("kept", self._kept)):
            tables.become(Tables(*(state.arrays[f"{part}.{name}"] for name in Tables._fields)))
        monitor.resume(state.progress["records"], state.progress["best"])

    def _fitted(self, monitor: Monitor) -> Fitted:
        if self._half_kept:  # Ctrl-C came while they were copied
            self._keep()
        b, c, P, Q = self._kept
        mean, deviation = self._center
        root = np.float32(math.sqrt(deviation))
        spread = np.float32(deviation)
        factors = Factors(mean, b * spread, c * spread, P * root, Q * root)
        return Fitted(without_strangers(factors, self._ratings), None, monitor.history)
