"""The training of a kernel autoencoder of items: full batches, L-BFGS, codes kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from penchant.errors import UnsupportedError
from penchant.history import History
from penchant.network.autoencoder import AutoencoderShape
from penchant.network.backend import load_keras
from penchant.network.kernel_autoencoder import TOP, KernelGraphs, KernelShape, kernel_autoencoder
from penchant.network.weights import PREFIX, Arrays
from penchant.ratings import Ratings, Scale
from penchant.settings import require, require_count, require_layers, require_number
from penchant.solvers.autoencoder import factors_of
from penchant.solvers.base import Checkpoint, Monitor, SolverSettings, Trained, diverged
from penchant.solvers.keras_callbacks import epoch_hooks
from penchant.solvers.keras_forward import compiled_call
from penchant.solvers.keras_lbfgs import FullBatch
from penchant.solvers.keras_rating import Numbers, require_some
from penchant.solvers.keras_run import Course
from penchant.solvers.state import StateFile

Floats = npt.NDArray[np.float32]

MOST_CELLS = 2**28
"""Of the dense table: 1 GiB, several times that while it trains."""


@dataclasses.dataclass(frozen=True)
class KernelAutoencoding(SolverSettings):
    """The settings of `penchant.SparseFC` and `penchant.GLocalK`, checked; see there."""

    name: ClassVar[str] = "kernel_autoencoder"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"

    layers: tuple[int, ...] = (500, 500)
    l2: float = 20.0
    l2_kernel: float = 0.006
    iterations: int = 5
    epochs: int = 30
    patience: int = 20
    window: int = 0
    global_epochs: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "epochs", "patience"):
            require_count(name, getattr(self, name))
        require_layers(self.layers, "(500, 500)")
        require_number("l2", self.l2, 0)
        require_number("l2_kernel", self.l2_kernel, 0)
        require_count("window", self.window, 0)
        require(
            not self.window or self.window % 2 == 1,
            f"window must be an odd number, not {self.window!r}.",
        )
        require_count("global_epochs", self.global_epochs, 1 if self.window else 0)

    @property
    def rounds(self) -> int:
        """How many epochs there are at the most."""
        return self.epochs + self.global_epochs

    def shape(self, card: dict[str, Any], sizes: tuple[int, int]) -> AutoencoderShape:
        """Return what the network that predicts is built of."""
        last = self.layers[-1:]
        return AutoencoderShape(*sizes, layers=last, mean=card["mean"], spread=card["spread"])

    def fit(
        self,
        ratings: Ratings,
        *,
        validation: Ratings | None = None,
        watch: Ratings | None = None,
        seed: int = 0,
        callbacks: Iterable[Any] = (),
        threads: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Trained:
        """Train on ratings; see `penchant.recommender.neural.Trainer.fit`.

        Raises `UnsupportedError` where the dense table of users and items would be too large.
        """
        require_some(ratings)
        sizes = ratings.user_ids.size, ratings.item_ids.size
        _require_dense(*sizes)
        if validation is not None and not len(validation):
            validation = None
        file = StateFile.of(checkpoint, self, ratings, validation, factors=0, seed=seed)
        card = units_of(ratings.scale)
        built = KernelShape(*sizes, self.layers, self.l2, self.l2_kernel, self.window, seed)
        task = _Task(self, built, self.shape(card, sizes), ratings)

        def finish(numbers: Numbers, history: History) -> Trained:
            return Trained(dict(numbers.weights), card, history)

        with epoch_hooks(callbacks, task, self.rounds) as hooks:
            result: Trained = Course(
                task,
                Monitor("epoch", ratings, validation, watch, hooks.callbacks),
                hooks,
                epochs=self.rounds,
                patience=self.patience,
                file=file,
                finish=finish,
            ).run()
        return result


def units_of(scale: Scale) -> dict[str, Any]:
    """Return mean and spread of ``r = mean + spread · x``: 1 for the lowest rating, 5 for the top.

    >>> units_of(Scale(1, 5)), units_of(Scale(0, 100))
    ({'mean': 0.0, 'spread': 1.0}, {'mean': -25.0, 'spread': 25.0})
    """
    spread = (scale.high - scale.low) / (TOP - 1) or 1.0
    return {"mean": float(scale.low - spread), "spread": float(spread)}


def half_squares(target: Any, predicted: Any) -> Any:
    """Return ``½ Σ (x − x̂)²`` over the entries of the target that aren't 0: the ratings."""
    ops = load_keras().ops
    error = ops.where(target > 0, predicted - target, 0.0)
    return ops.sum(ops.square(error)) / 2


def _require_dense(users: int, items: int) -> None:
    if users * items > MOST_CELLS:
        raise UnsupportedError(
            f"This autoencoder holds the table of all users and items, which would be {users:,} × "
            f"{items:,} cells here; it takes up to {MOST_CELLS:,}. Take penchant.AutoRec, which "
            f"goes by batches, or fewer users."
        )


class _Phase(NamedTuple):
    """A network with the table as it is, or through the global kernel, and what is done with it."""

    network: Any
    batch: FullBatch
    encode: Any

    @classmethod
    def of(cls, graphs: KernelGraphs, table: Floats) -> Self:
        batch = FullBatch(graphs.trained, half_squares, [table], table)
        return cls(graphs.trained, batch, compiled_call(graphs.encoder))


class _Task:
    """A kernel autoencoder as it is trained; see `penchant.solvers.keras_run.Task`."""

    optimizer = None  # for Keras' callbacks: L-BFGS has none of its learning rates

    def __init__(
        self,
        settings: KernelAutoencoding,
        shape: KernelShape,
        serves: AutoencoderShape,
        ratings: Ratings,
    ) -> None:
        self._settings, self._serves = settings, serves
        self._table = _table(ratings, serves)
        self._phases = [_Phase.of(graphs, self._table) for graphs in kernel_autoencoder(shape)]
        self._counts = [np.bincount(rows, minlength=n) for rows, n in _sides(ratings)]

    @property
    def network(self) -> Any:
        """The network with everything that is trained."""
        return self._phases[True].network

    def run(self, epoch: int) -> float:
        moved = self._is_moved(epoch)
        if moved and epoch == self._settings.epochs:
            rebuilt = np.asarray(compiled_call(self._phases[False].network)([self._table]))
            self.network.get_layer("global_kernel").averages.assign(rebuilt.mean(axis=1))
        return self._phases[moved].batch.run(self._settings.iterations)

    def numbers(self, epoch: int) -> Numbers:
        weights = self._served(self._codes(self._is_moved(epoch)))
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise diverged("epoch", epoch + 1)
        return self.restored(weights)

    def restored(self, arrays: Arrays) -> Numbers:
        shape = self._serves
        return Numbers(arrays, factors_of(arrays, shape.mean, shape.spread).predict)

    def variables(self) -> list[Any]:
        return list(self.network.variables)

    def _is_moved(self, epoch: int) -> bool:
        """Return whether the table goes through the global kernel in an epoch."""
        return bool(self._settings.window) and epoch >= self._settings.epochs

    def _codes(self, moved: bool) -> Floats:
        """Return each item's code of all its ratings, (N, H); of none where it has none."""
        codes = np.array(self._phases[moved].encode([self._table]), dtype=np.float32)
        empty = self._phases[False].encode([np.zeros_like(self._table)])
        codes[self._counts[1] == 0] = np.asarray(empty)[0]
        return codes

    def _served(self, codes: Floats) -> Arrays:
        """Return the weights that predict; a user without ratings has the mean of the others'."""
        output = self.network.get_layer("output")
        kernel = np.array(np.asarray(output.thinned()).T, dtype=np.float32, order="C")
        bias = np.array(output.bias.value, dtype=np.float32)
        known = self._counts[0] > 0
        kernel[~known] = kernel[known].mean(axis=0, dtype=np.float64)
        bias[~known] = bias[known].mean(dtype=np.float64)
        return {
            f"{PREFIX}user_output.embeddings": kernel,
            f"{PREFIX}item_codes.embeddings": codes,
            f"{PREFIX}user_bias.embeddings": bias[:, None],
        }


def _table(ratings: Ratings, shape: AutoencoderShape) -> Floats:
    """Return the ratings as the network reads them, (N, M); 0 where there is none."""
    table = np.zeros((shape.items, shape.users), dtype=np.float32)
    table[ratings.item_rows, ratings.user_rows] = (ratings.values - shape.mean) / shape.spread
    return table


def _sides(ratings: Ratings) -> list[tuple[Any, int]]:
    return [
        (ratings.user_rows, ratings.user_ids.size),
        (ratings.item_rows, ratings.item_ids.size),
    ]
