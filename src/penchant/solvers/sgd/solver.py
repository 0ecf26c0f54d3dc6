"""The SGD solver: one rating at a time, in a random order, on all threads with the same bits."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar, Literal

import numpy as np

from penchant.arrays import F32, Rows
from penchant.factors import Factors
from penchant.history import History
from penchant.kernels.byte_values import decoded
from penchant.kernels.rng import seed_key
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.settings import require_count, require_number
from penchant.solvers.base import CHUNK, Fitted, SolverSettings, diverged, without_strangers
from penchant.solvers.checkpoint import State
from penchant.solvers.loop import Loop, Round, Rounds
from penchant.solvers.sgd.grid import Center, Epochs, Grid, Tables, predict
from penchant.solvers.task import Task
from penchant.threads import Threads


@dataclasses.dataclass(frozen=True)
class SGD(SolverSettings[Fitted]):
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

    The order of the ratings is a pure function of (seed, epoch); on processors of one type the
    bits do not depend on the number of threads. The stranger and cold rows get the unweighted mean
    of the trained rows.

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

    >>> from penchant.data.synthetic import synthetic
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

    def train(self, task: Task) -> Fitted:
        """Make the epochs. History: `learning_rate` beside the RMSEs."""
        loop = Loop(self, task, self.patience)
        with Threads(task.threads) as threads:
            return loop.train(_Run(self, task, threads))

    def rate(self, epoch: int) -> float:
        """Return η of an epoch, counted from 1."""
        return self.learning_rate * (1 - self.decay * (epoch - 1) / self.epochs)


class _Run(Rounds[Fitted]):
    """The epochs of one training: the tables as they stand."""

    def __init__(self, settings: SGD, task: Task, threads: Threads) -> None:
        self._settings, self._threads = settings, threads
        self._ratings: Ratings = task.ratings
        key, factors = seed_key(task.seed), task.factors
        self._grid = grid = Grid.of(self._ratings)
        self._center = Center.of(self._ratings)
        self._epochs = Epochs(grid, self._center, key, threads, factors)
        sizes = self._ratings.user_ids.size, self._ratings.item_ids.size
        self._tables = Tables.start(*sizes, factors, settings.start, key)

    def run(self, number: int) -> Round:
        """Walk over the ratings once, and measure."""
        s = self._settings
        rate = s.rate(number)
        self._epochs.run(number, self._tables, rate, s.l2, s.l2_bias)
        train_rmse = self._train_rmse()
        if not math.isfinite(train_rmse):
            raise diverged(s.round_name, number)
        return Round({"learning_rate": rate, "train_rmse": train_rmse}, self._predict)

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

    def _predict(self, users: Rows, items: Rows) -> F32:
        return predict(self._threads, self._tables, self._center, users, items)

    def state(self) -> State:
        """Return the tables."""
        return State(self._tables._asdict(), {})

    def restore(self, now: State, kept: State) -> None:
        """Take the numbers of other tables."""
        self._tables.become(Tables(**now.arrays))

    def fitted(self, kept: State, history: History) -> Fitted:
        """Return the tables kept, in rating units, and without the strangers' random start."""
        b, c, P, Q = Tables(**kept.arrays)
        mean, deviation = self._center
        root = np.float32(math.sqrt(deviation))
        spread = np.float32(deviation)
        factors = Factors(mean, b * spread, c * spread, P * root, Q * root)
        return Fitted(without_strangers(factors, self._ratings), None, history)
