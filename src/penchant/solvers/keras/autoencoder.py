"""The training of a denoising autoencoder of items: batches made dense, codes kept."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Literal

import numpy as np

from penchant.arrays import F32, Mask
from penchant.factors import Factors
from penchant.history import History
from penchant.networks.autoencoder import (
    ENCODER,
    Autoencoders,
    AutoencoderShape,
    autoencoders,
    output_name,
)
from penchant.networks.backend import load_keras
from penchant.networks.weights import PREFIX, Arrays, named_weights
from penchant.ratings import Ratings
from penchant.settings import require_choice, require_count, require_layers, require_number
from penchant.solvers.base import SolverSettings, Trained, diverged
from penchant.solvers.keras.callbacks import epoch_hooks
from penchant.solvers.keras.course import Course, epoch_order
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.forward import compiled_call
from penchant.solvers.keras.item_columns import Columns, filled_up, parts
from penchant.solvers.keras.optimizer import described, make_optimizer, require_rate
from penchant.solvers.keras.rating import Numbers, spread_of
from penchant.solvers.loop import Loop
from penchant.solvers.task import Task

ACTIVATIONS = ("elu", "gelu", "linear", "relu", "selu", "sigmoid", "silu", "softplus", "tanh")


@dataclasses.dataclass(frozen=True)
class Autoencoding(SolverSettings[Trained]):
    """The settings of `penchant.AutoRec`, checked; see there."""

    name: ClassVar[str] = "autorec"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"
    least_factors: ClassVar[int] = 0

    layers: tuple[int, ...] = (500,)
    members: int = 1
    activation: str = "sigmoid"
    gain: float = 20.0
    corruption: float = 0.5
    dropout: float = 0.7
    l2: float = 0.0002
    optimizer: Any = "adam"
    learning_rate: float | None = 0.003
    decay: str = "cosine"
    epochs: int = 60
    batch_size: int = 64
    mask: float = 0.02
    patience: int = 10

    def __post_init__(self) -> None:
        for name in ("members", "epochs", "batch_size", "patience"):
            require_count(name, getattr(self, name))
        require_layers(self.layers, "(500,)")
        require_choice("activation", self.activation, ACTIVATIONS)
        require_number("gain", self.gain, 0, open_low=True)
        require_number("corruption", self.corruption, 0.01, 0.99)
        require_number("dropout", self.dropout, 0, 0.95)
        require_number("l2", self.l2, 0)
        require_number("mask", self.mask, 0, 0.9)
        require_rate(self.learning_rate, self.decay)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON-able values; an optimiser object is described."""
        values = super().to_json()
        if hasattr(self.optimizer, "get_config"):
            values["optimizer"] = described(self.optimizer)
        return values

    @property
    def rounds(self) -> int:
        """How many epochs there are at the most."""
        return self.epochs

    def shape(
        self, card: dict[str, Any], sizes: tuple[int, int], seed: int = 0
    ) -> AutoencoderShape:
        """Return what the network is built of."""
        return AutoencoderShape(
            *sizes,
            layers=self.layers,
            members=self.members,
            activation=self.activation,
            gain=self.gain,
            dropout=self.dropout,
            l2=self.l2,
            mean=card["mean"],
            spread=card["spread"],
            seed=seed,
        )

    def train(self, task: Task) -> Trained:
        """Make the epochs; see `penchant.AutoRec`."""
        ratings: Ratings = task.ratings
        seed = task.seed
        card = {"mean": ratings.mean, "spread": spread_of(ratings)}
        shape = self.shape(card, (ratings.user_ids.size, ratings.item_ids.size), seed)
        columns = Columns.of(ratings, card["spread"])
        graphs = autoencoders(shape)
        steps = self.epochs * -(-len(columns.rated) // self.batch_size)
        optimizer = make_optimizer(self.optimizer, self.learning_rate, self.decay, steps)
        mean_count = len(ratings) / len(columns.rated)
        loop = EpochLoop(graphs.trained, optimizer, dropped_loss(mean_count), self.batch_size)

        def finish(numbers: Numbers, history: History) -> Trained:
            serves = {n: a for n, a in numbers.weights.items() if n.startswith(PREFIX)}
            more = {n: a for n, a in numbers.weights.items() if n not in serves}
            return Trained(serves, card, history, {**more, "user_centre": columns.centre})

        trainee = _Trainee(self, loop, graphs, shape, columns, seed)
        with epoch_hooks(task.callbacks, loop, self.epochs) as hooks:
            told = dataclasses.replace(task, callbacks=hooks.callbacks)
            return Loop(self, told, self.patience).train(Course(trainee, hooks, finish))


def dropped_loss(mean_count: float) -> Any:
    """Return the loss of a batch: the squared errors of the dropped ratings, summed over members.

    It is the sum over the batch's items divided by their number and by `mean_count`, how many
    ratings an item has on average; entries of the target that are NaN count nothing.
    """
    ops = load_keras().ops

    def loss(target: Any, predicted: Any) -> Any:
        truth = ops.expand_dims(target, 1)  # (batch, 1, M) beside (batch, members, M)
        error = ops.where(ops.isnan(truth), 0.0, predicted - truth)
        return ops.sum(ops.square(error), axis=(1, 2)) / mean_count

    return loss


class _Trainee:
    """An autoencoder as it is trained; see `penchant.solvers.keras.course.Trainee`."""

    def __init__(
        self,
        settings: Autoencoding,
        loop: EpochLoop,
        graphs: Autoencoders,
        shape: AutoencoderShape,
        columns: Columns,
        seed: int,
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._graphs = graphs
        self._shape = shape
        self._columns = columns
        self._seed = seed
        self._encode = compiled_call(graphs.encoder)

    def run(self, epoch: int) -> float:
        columns, batch = self._columns, self._settings.batch_size
        items = columns.rated[epoch_order(self._seed, epoch, len(columns.rated))]
        shown = self._shown(epoch)
        total = 0.0
        for part in parts(items, batch, self._shape.users):
            rows = -(-len(part) // batch) * batch  # the last batch is filled up with empty rows
            inputs = [filled_up(x, rows) for x in columns.dense(part, shown)]
            total += len(part) * self._loop.run(inputs, columns.targets(part, shown, rows))
        return total / len(items)

    def _shown(self, epoch: int) -> Mask:
        """Draw which ratings the network sees in an epoch: the others it is to find."""
        rng = np.random.default_rng((self._seed, epoch, 1))
        shown = rng.random(len(self._columns.users)) >= self._settings.corruption
        stranger = rng.random(len(self._columns.starts) - 1) < self._settings.mask
        return shown & ~np.repeat(stranger, np.diff(self._columns.starts))

    def numbers(self, epoch: int) -> Numbers:
        with np.errstate(over="ignore", invalid="ignore"):  # that is told of here
            weights = served_weights(
                named_weights(self._graphs.trained), self._codes(), self._shape, self._columns
            )
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise diverged("epoch", epoch + 1)
        return self.restored(weights)

    def restored(self, arrays: Arrays) -> Numbers:
        return Numbers(arrays, factors_of(arrays, self._shape.mean, self._shape.spread).predict)

    def variables(self) -> list[Any]:
        return [*self._graphs.trained.variables, *self._loop.optimizer.variables]

    def _codes(self) -> F32:
        """Return each item's code of all its ratings, (N, H); of none where it has none."""
        columns, batch = self._columns, self._settings.batch_size
        rows = np.zeros(1, dtype=np.int64)  # the stranger, who has no ratings
        made = np.empty((self._shape.items, self._shape.code), dtype=np.float32)
        for part in parts(np.concatenate([rows, columns.rated]), batch, self._shape.users):
            filled = -(-len(part) // batch) * batch
            inputs = [filled_up(x, filled) for x in columns.dense(part)]
            made[part] = np.asarray(self._encode(inputs))[: len(part)]
        cold = np.diff(columns.starts) == 0
        made[cold] = made[0]
        return made


def served_weights(
    trained: Arrays, codes: F32, shape: AutoencoderShape, columns: Columns
) -> Arrays:
    """Return the weights that predict, and those of the encoder, of a network as it is trained.

    Codes stand side by side, so the members' output kernels under each other, each divided by
    their number, give the mean of the members. Users without ratings, the stranger among them,
    get the mean of the others' output columns.
    """
    names = [f"{PREFIX}{output_name(m)}" for m in range(1, shape.members + 1)]
    kernel = np.concatenate([trained[f"{name}.kernel"] for name in names]) / shape.members
    bias = np.mean([trained[f"{name}.bias"] for name in names], axis=0) + columns.centre
    known = np.zeros(shape.users, dtype=bool)
    known[columns.users] = True
    output = np.ascontiguousarray(kernel.T, dtype=np.float32)
    output[~known] = output[known].mean(axis=0, dtype=np.float64)
    bias[~known] = bias[known].mean(dtype=np.float64)
    made = {
        f"{PREFIX}user_output.embeddings": output,
        f"{PREFIX}item_codes.embeddings": codes,
        f"{PREFIX}user_bias.embeddings": bias[:, None].astype(np.float32),
    }
    for name in shape.encoder_shapes():
        made[name] = trained[PREFIX + name.removeprefix(ENCODER)]
    return made


def factors_of(weights: Arrays, mean: float, spread: float) -> Factors:
    """Return the numbers that predict as `Factors` in rating units; items have no bias.

    Raises `DataError` where a number is not finite.
    """
    unit = np.float32(spread)
    codes = weights[f"{PREFIX}item_codes.embeddings"]
    return Factors(
        mean,
        weights[f"{PREFIX}user_bias.embeddings"][:, 0] * unit,
        np.zeros(len(codes), dtype=np.float32),
        weights[f"{PREFIX}user_output.embeddings"] * unit,
        codes,
    )
