"""Training any Keras network from rows to a rating: shuffled, masked, averaged epochs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from penchant.arrays import Rows
from penchant.history import History
from penchant.networks.layers import row_tables
from penchant.networks.weights import Arrays, named_weights, set_weights
from penchant.ratings import Ratings
from penchant.settings import require_count, require_number
from penchant.solvers.base import Predict, SolverSettings, Trained, diverged
from penchant.solvers.keras.callbacks import epoch_hooks
from penchant.solvers.keras.course import Course, epoch_order
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.forward import Forward
from penchant.solvers.keras.losses import Loss, loss_function
from penchant.solvers.keras.optimizer import described, make_optimizer, require_rate
from penchant.solvers.loop import Loop
from penchant.solvers.task import Task


class Networks(NamedTuple):
    """What is trained, and what answers.

    Attributes:
        trained: a Keras model of the inputs user and item.
        served: a model of its own, with the weights that `folded` gives.
        folded: makes the served weights of the trained ones.
    """

    trained: Any
    served: Any
    folded: Callable[[Arrays], Arrays]


class Numbers(NamedTuple):
    """The weights after an epoch; `predict` is that of the network until the next epoch."""

    weights: Arrays
    predict: Predict

    def arrays(self) -> Arrays:
        """Return the weights by name."""
        return self.weights


@dataclasses.dataclass(frozen=True)
class NetworkSettings(SolverSettings[Trained]):
    """How a network from rows to a rating is trained.

    Objective, for each batch: ``loss(r, r̂) + the network's own penalties``, ratings in units of
    their standard deviation, so that a learning rate suits any scale.

    Attributes:
        optimizer: a name that Keras knows, or an optimiser object, of which each fit takes a copy.
        learning_rate: of an optimiser given by name; None for Keras' default of it.
        decay: "cosine" lets the learning rate fall to 0 over the epochs, "none" keeps it.
        loss: "rmse" (of the batch), "mse", "mae", "huber" or a function of (truth, predicted).
        epochs: at the most; with validation rows training may stop earlier.
        batch_size: ratings in a step.
        mask: the share of users, and of items, that a training step shows as strangers, row 0: so
            the network learns what to answer of someone it knows nothing of.
        average: the share of the earlier epochs' weights in an epoch's: ``w̄ ← a w̄ + (1 − a) w``,
            at most the mean of all epochs; 0 for the last weights alone.
        patience: epochs without a better validation RMSE before training stops.
    """

    name: ClassVar[str] = "network"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"
    least_factors: ClassVar[int] = 0

    optimizer: Any = "adam"
    learning_rate: float | None = 0.003
    decay: str = "cosine"
    loss: str | Loss = "mse"
    epochs: int = 20
    batch_size: int = 512
    mask: float = 0.02
    average: float = 0.0
    patience: int = 5

    def __post_init__(self) -> None:
        require_count("epochs", self.epochs)
        require_count("batch_size", self.batch_size)
        require_count("patience", self.patience)
        require_number("mask", self.mask, 0, 0.9)
        require_number("average", self.average, 0, 0.999)
        require_rate(self.learning_rate, self.decay)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON-able values; objects and functions are described."""
        values = super().to_json()
        if not isinstance(self.optimizer, str) and hasattr(self.optimizer, "get_config"):
            values["optimizer"] = described(self.optimizer)
        return values

    @property
    def rounds(self) -> int:
        """How many epochs there are at the most."""
        return self.epochs

    def course(
        self, task: Task, networks: Networks, finish: Callable[[Arrays, History], Trained]
    ) -> Trained:
        """Train networks, and return what `finish` makes of the weights to keep and the history."""
        ratings: Ratings = task.ratings
        steps = self.epochs * -(-len(ratings) // self.batch_size)
        optimizer = make_optimizer(self.optimizer, self.learning_rate, self.decay, steps)
        spread = spread_of(ratings)
        base = loss_function(self.loss)
        loop = EpochLoop(
            networks.trained, optimizer, lambda r, p: base(r / spread, p / spread), self.batch_size
        )
        trainee = _Trainee(self, loop, networks, ratings, task.seed)
        with epoch_hooks(task.callbacks, loop, self.epochs) as hooks:
            told = dataclasses.replace(task, callbacks=hooks.callbacks)
            course = Course(
                trainee, hooks, lambda numbers, history: finish(numbers.weights, history)
            )
            return Loop(self, told, self.patience).train(course)


class _Trainee:
    """A network as it is trained; see `penchant.solvers.keras.course.Trainee`."""

    def __init__(
        self,
        settings: NetworkSettings,
        loop: EpochLoop,
        networks: Networks,
        ratings: Ratings,
        seed: int,
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._networks = networks
        self._ratings = ratings
        self._seed = seed
        self._forward = Forward(networks.served)

    def run(self, epoch: int) -> float:
        order = epoch_order(self._seed, epoch, len(self._ratings))
        rng = np.random.default_rng((self._seed, epoch, 1))
        columns = (self._ratings.user_rows[order], self._ratings.item_rows[order])
        masked = [masked_rows(rows, self._settings.mask, rng) for rows in columns]
        return self._loop.run(masked, self._ratings.values[order])

    def numbers(self, epoch: int) -> Numbers:
        weights = self._networks.folded(named_weights(self._networks.trained))
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise diverged("epoch", epoch + 1)
        old = min(self._settings.average, epoch / (epoch + 1))
        if old:
            before = named_weights(self._networks.served)
            share = np.float32(old)
            weights = {n: share * before[n] + (1 - share) * a for n, a in weights.items()}
        return self._served(weights)

    def restored(self, arrays: Arrays) -> Numbers:
        return Numbers(arrays, self._forward)

    def variables(self) -> list[Any]:
        networks = self._networks
        trained = [*networks.trained.variables, *self._loop.optimizer.variables]
        return [*trained, *networks.served.weights]

    def _served(self, weights: Arrays) -> Numbers:
        set_weights(self._networks.served, weights)
        return Numbers(weights, self._forward)


def masked_rows(rows: Rows, share: float, rng: np.random.Generator) -> Rows:
    """Return the rows, a share of them drawn at random as row 0."""
    return np.where(rng.random(len(rows)) < share, np.int32(0), rows)


def without_cold(weights: Arrays, network: Any, ratings: Ratings) -> Arrays:
    """Give the tables' rows of ids without training ratings the numbers of row 0.

    What stands there is their random start, and row 0 was trained for someone unknown. The tables
    are those that `row_tables` finds.
    """
    sides = (ratings.user_rows, ratings.item_rows)
    sizes = (ratings.user_ids.size, ratings.item_ids.size)
    filled = dict(weights)
    for layer, which in row_tables(network):
        (name,) = (n for n in weights if n.endswith(f".{layer.name}.embeddings"))
        cold = np.bincount(sides[which], minlength=sizes[which]) == 0
        filled[name] = np.where(cold[:, None], weights[name][:1], weights[name])
    return filled


def spread_of(ratings: Ratings) -> float:
    """Return the standard deviation of the ratings; 1 where they are all the same."""
    return float(ratings.values.std(dtype=np.float64)) or 1.0
