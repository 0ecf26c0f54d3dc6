"""The Keras solver: the chapter's network under any Keras optimiser and loss."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from penchant.errors import DataError
from penchant.factors import Factors
from penchant.networks.mf import L2On, factors_from, factors_of, matrix_factorization
from penchant.ratings import Ratings
from penchant.settings import require, require_choice, require_count, require_number
from penchant.solvers.base import Fitted, SolverSettings, diverged, without_strangers
from penchant.solvers.keras.callbacks import epoch_hooks
from penchant.solvers.keras.course import Course, epoch_order
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.losses import Loss
from penchant.solvers.keras.optimizer import described, make_optimizer, require_rate
from penchant.solvers.keras.ordinal import OrdinalTrainee
from penchant.solvers.loop import Loop
from penchant.solvers.task import Task
from penchant.stars import Stars


@dataclasses.dataclass(frozen=True)
class Keras(SolverSettings[Fitted]):
    """Train the network by a Keras optimiser, each epoch compiled as a whole.

    Objective, for each batch: ``loss(r, r̂) + penalty``, where the penalty is the mean over the
    batch of ``λ (|p_u|² + |q_i|²) + λ_b (b_u² + b_i²)`` for ``l2_on="rows"``, and
    ``λ (|P|² + |Q|²) + λ_b (|b_U|² + |b_I|²)`` over the whole tables for "table". With the rmse
    loss a λ weighs about twice the RMSE times more than with mse.

    The stranger and cold rows get the unweighted mean of the trained rows, also where an epoch's
    RMSE is measured.

    Attributes:
        optimizer: a name that Keras knows ("adamax", "sgd", "adam" …) or an optimiser object, of
            which each fit takes a fresh copy.
        learning_rate: of an optimiser given by name; None for Keras' default of that optimiser.
        decay: "cosine" lets the learning rate fall to 0 over the epochs, "none" keeps it; for an
            optimiser given by name.
        loss: "rmse" (of the batch, as the chapter's), "mse", "mae", "huber" or a function of
            (truth, predicted).
        epochs: at the most; with validation rows training may stop earlier.
        batch_size: ratings in a step.
        l2: λ of the factors.
        l2_bias: λ_b of the biases.
        l2_on: "rows" that the batch looks up, or the whole "table" in every step.
        standardise: whether the network sees ratings in units of their standard deviation, so
            that λ and the learning rate suit any scale; the factors are scaled back at the end.
            `loss` in the history is in those units.
        patience: epochs without a better validation RMSE before training stops.
        likelihood: "gaussian", or "ordinal": then the network gives latent values, an output layer
            with learnt thresholds makes the probability of each star of them (`penchant.stars`),
            and the loss is the mean of −ln P of the stars that were given, in place of `loss`.

    >>> Keras.chapter().epochs, Keras.chapter().optimizer
    (60, 'sgd')
    """

    name: ClassVar[str] = "keras"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"

    optimizer: Any = "adamax"
    learning_rate: float | None = 0.007
    decay: Literal["cosine", "none"] = "cosine"
    loss: str | Loss = "rmse"
    epochs: int = 15
    batch_size: int = 128
    l2: float = 0.05
    l2_bias: float = 0.02
    l2_on: L2On = "rows"
    standardise: bool = True
    patience: int = 5
    likelihood: Literal["gaussian", "ordinal"] = "gaussian"

    def __post_init__(self) -> None:
        require_count("epochs", self.epochs)
        require_count("batch_size", self.batch_size)
        require_count("patience", self.patience)
        require_number("l2", self.l2, 0)
        require_number("l2_bias", self.l2_bias, 0)
        require_choice("l2_on", self.l2_on, ("rows", "table"))
        require_rate(self.learning_rate, self.decay)
        require_choice("likelihood", self.likelihood, ("gaussian", "ordinal"))
        require(
            self.likelihood == "gaussian" or self.loss == "rmse",
            f"likelihood='ordinal' has a loss of its own; received loss={self.loss!r}. Leave one "
            f"of the two out.",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON-able values.

        An optimiser object or a function is described, and can't be made from that again.
        """
        values = super().to_json()
        if not isinstance(self.optimizer, str):
            values["optimizer"] = described(self.optimizer)
        if not isinstance(self.loss, str):
            values["loss"] = f"the function {values['loss']}"
        return values

    @classmethod
    def chapter(cls) -> Self:
        """Return the chapter's settings: plain SGD, l2() = 0.01 on whole tables, 60 epochs."""
        return cls(
            optimizer="sgd",
            learning_rate=None,
            decay="none",
            loss="rmse",
            epochs=60,
            batch_size=256,
            l2=0.01,
            l2_bias=0.01,
            l2_on="table",
            standardise=False,
        )

    @property
    def rounds(self) -> int:
        """How many epochs `fit` makes at the most."""
        return self.epochs

    def train(self, task: Task) -> Fitted:
        """Make the epochs. History: `loss`, the mean over the batches, beside the RMSEs."""
        trainee, finish = self._trainee(task)
        with epoch_hooks(task.callbacks, trainee.loop, self.epochs) as hooks:
            told = dataclasses.replace(task, callbacks=hooks.callbacks)
            return Loop(self, told, self.patience).train(Course(trainee, hooks, finish))

    def _trainee(self, task: Task) -> tuple[Any, Any]:
        """Return what is trained, and what makes the result of what is kept and the history."""
        ratings: Ratings = task.ratings
        factors, seed = task.factors, task.seed
        stars = Stars.of(ratings.values) if self.likelihood == "ordinal" else None
        spread = _spread(ratings) if self.standardise else 1.0
        network = matrix_factorization(
            ratings.user_ids.size,
            ratings.item_ids.size,
            factors,
            ratings.mean / spread if stars is None else 0.0,
            l2=self.l2,
            l2_bias=self.l2_bias,
            l2_on=self.l2_on,
            seed=seed,
        )
        optimizer = self.make_optimizer(self.epochs * -(-len(ratings) // self.batch_size))
        if stars is None:
            loop = EpochLoop(network, optimizer, self.loss, self.batch_size)
            return _Trainee(loop, ratings, spread, seed), lambda kept, told: Fitted(
                kept, None, told
            )
        from penchant.networks.ordinal import cross_entropy, with_probabilities

        network = with_probabilities(network, stars)
        loop = EpochLoop(network, optimizer, cross_entropy, self.batch_size)
        trainee = OrdinalTrainee(loop, ratings, stars, seed)
        return trainee, lambda kept, told: Fitted(kept.factors, None, told, kept.stars)

    def make_optimizer(self, steps: int) -> Any:
        """Return a fresh Keras optimiser for a training of so many steps.

        Raises `SettingsError` for a name that Keras doesn't know, or what is no optimiser.
        """
        return make_optimizer(self.optimizer, self.learning_rate, self.decay, steps)


class _Trainee:
    """The factors' network as it is trained; see `penchant.solvers.keras.course.Trainee`."""

    def __init__(self, loop: EpochLoop, ratings: Ratings, spread: float, seed: int) -> None:
        self.loop = loop
        self._ratings = ratings
        self._spread = spread
        self._seed = seed

    def run(self, epoch: int) -> float:
        order = epoch_order(self._seed, epoch, len(self._ratings))
        table = self._ratings
        inputs = [table.user_rows[order], table.item_rows[order]]
        return self.loop.run(inputs, table.values[order] / np.float32(self._spread))

    def numbers(self, epoch: int) -> Factors:
        try:
            with np.errstate(over="ignore"):
                factors = factors_of(self.loop.network).scaled(self._spread)
        except DataError:
            raise diverged("epoch", epoch + 1) from None
        return without_strangers(factors, self._ratings)

    def restored(self, arrays: dict[str, npt.NDArray[Any]]) -> Factors:
        return factors_from(arrays, float(arrays["mean"]))

    def variables(self) -> list[Any]:
        return [*self.loop.network.variables, *self.loop.optimizer.variables]


def _spread(ratings: Ratings) -> float:
    """Return the standard deviation of the ratings; 1 where they are all the same."""
    return float(ratings.values.std(dtype=np.float64)) or 1.0
