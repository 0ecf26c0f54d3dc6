"""The training of a deep residual: on factors of samplers that had not seen the ratings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.factors import Factors
from penchant.history import History
from penchant.network.residual import ResidualShape, residual
from penchant.network.weights import PREFIX, Arrays, named_weights, set_weights
from penchant.ratings import Ratings
from penchant.settings import FACTORS, require_choice, require_count, require_layers, require_number
from penchant.solvers.base import Checkpoint, Trained
from penchant.solvers.gibbs import Gibbs
from penchant.solvers.keras_deep import ACTIVATIONS
from penchant.solvers.keras_rating import Networks, NetworkSettings, spread_of
from penchant.solvers.state import StateFile
from penchant.split import fold_rows

Floats = npt.NDArray[np.float32]


class Tables(NamedTuple):
    """What the network looks up, by row: (M, K), (M,) and (M, V) of users, then of items."""

    user_factors: Floats
    user_bias: Floats
    user_view: Floats
    item_factors: Floats
    item_bias: Floats
    item_view: Floats

    def arrays(self) -> Arrays:
        """Return them by the names of the network's weights."""
        return {
            f"{PREFIX}{name}.embeddings": table.reshape(len(table), -1)
            for name, table in self._asdict().items()
        }


@dataclasses.dataclass(frozen=True)
class ResidualTraining(NetworkSettings):
    """The settings of `penchant.recommender.residual.DeepResidual`, checked; see there."""

    name: ClassVar[str] = "residual"

    factors: int = FACTORS
    rank: int = 32
    view: int = 16
    layers: tuple[int, ...] = (64, 32)
    activation: str = "gelu"
    dropout: float = 0.1
    folds: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("factors", 1), ("rank", 1), ("view", 1), ("folds", 2)):
            require_count(name, getattr(self, name), least)
        require_layers(self.layers, "(64, 32)", least=0)
        require_choice("activation", self.activation, ACTIVATIONS)
        require_number("dropout", self.dropout, 0, 0.95)

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
        """Train on ratings; see `penchant.recommender.neural.Trainer.fit`."""
        file = StateFile.of(checkpoint, self, ratings, validation, factors=self.factors, seed=seed)
        sizes = ratings.user_ids.size, ratings.item_ids.size
        tables, rows = self._cross_fitted(ratings, seed, threads)
        card = {"mean": ratings.mean, "spread": spread_of(ratings)}
        whole = self.shape(card, (len(tables.user_bias), len(tables.item_bias)), seed)
        trained, served = residual(whole), residual(whole)
        for network in (trained, served):
            set_weights(network, {**named_weights(network), **tables.arrays()})
        last = (self.folds * sizes[0], self.folds * sizes[1])  # the rows of the whole sampler
        held = [_moved(table, last) for table in (validation, watch)]

        def finish(weights: Arrays, history: History) -> Trained:
            own = {n: a[-sizes["item_" in n] :] if n in tables.arrays() else a
                   for n, a in weights.items()}  # fmt: skip
            return Trained(own, card, history)

        result: Trained = self.train(
            Networks(trained, served, lambda weights: weights),
            _moved(ratings, rows), *held,
            seed=seed, callbacks=callbacks, file=file, finish=finish,
        )  # fmt: skip
        return result

    def shape(self, card: dict[str, Any], sizes: tuple[int, int], seed: int = 0) -> ResidualShape:
        """Return what the network is built of."""
        return ResidualShape(
            *sizes,
            factors=self.factors,
            view=min(self.view, self.factors) + 1,
            layers=self.layers,
            activation=self.activation,
            dropout=self.dropout,
            mean=card["mean"],
            spread=card["spread"],
            seed=seed,
        )

    def _cross_fitted(
        self, ratings: Ratings, seed: int, threads: int | None
    ) -> tuple[Tables, tuple[Any, Any]]:
        """Return the tables of all samplers, one below the other, and the rows' shifts into them.

        Sampler f did not see fold f; the last one saw all.
        """
        n, (M, N) = len(ratings), (ratings.user_ids.size, ratings.item_ids.size)
        whole, blocks = self._sampled(ratings, seed, threads), []
        shifts = np.zeros(n, np.int32), np.zeros(n, np.int32)
        for number, fold in enumerate(fold_rows(n, self.folds, seed)):
            rest = ratings.take(fold.train)
            factors = turned(self._sampled(rest, seed, threads), whole)
            blocks.append(self._tables(factors, rest, whole, len(ratings) / len(rest)))
            for shift, size in zip(shifts, (M, N), strict=True):
                shift[fold.test] = number * size
        blocks.append(self._tables(whole, ratings, whole, 1.0))
        return Tables(*(np.concatenate(part) for part in zip(*blocks, strict=True))), shifts

    def _sampled(self, ratings: Ratings, seed: int, threads: int | None) -> Factors:
        fitted = Gibbs(rank=self.rank).fit(
            ratings, factors=self.factors, seed=seed, threads=threads
        )
        if fitted.history.interrupted:  # half a sampler is of no use here
            raise KeyboardInterrupt
        return fitted.factors

    def _tables(self, factors: Factors, seen: Ratings, whole: Factors, more: float) -> Tables:
        """Return what a sampler's rows show: its first factors, and how many ratings there are.

        Both have the spread of those of the whole sampler, 1; counts are those of all the ratings.
        """
        sides = (
            (factors.user_factors, whole.user_factors, seen.user_rows),
            (factors.item_factors, whole.item_factors, seen.item_rows),
        )
        views = []
        for table, of_all, rows in sides:
            width = min(self.view, self.factors)
            scale = of_all[:, :width].std(axis=0) + np.float32(1e-6)
            count = np.log1p(more * np.bincount(rows, minlength=len(table)))
            views.append(np.column_stack([table[:, :width] / scale, count - 3]).astype(np.float32))
        shift = np.float32(factors.mean - whole.mean)
        return Tables(
            factors.user_factors, factors.user_bias + shift, views[0],
            factors.item_factors, factors.item_bias, views[1],
        )  # fmt: skip


def turned(factors: Factors, towards: Factors) -> Factors:
    """Return the same model in the basis that is nearest to another's (orthogonal Procrustes).

    Factors are known up to a rotation, and hidden layers have to see the same axes everywhere.

    References:
        Schönemann: A Generalized Solution of the Orthogonal Procrustes Problem, Psychometrika 31,
        1966.

    >>> table, turn = np.eye(2, dtype=np.float32), np.array([[0, 1], [-1, 0]], np.float32)
    >>> zero = np.zeros(2, np.float32)
    >>> one = Factors(3.0, zero, zero, table, 2 * table)
    >>> other = Factors(3.0, zero, zero, table @ turn, 2 * table @ turn)
    >>> bool(np.allclose(turned(other, one).item_factors, one.item_factors))
    True
    """
    mine, other = (
        np.concatenate([one.user_factors, one.item_factors]).astype(np.float64)
        for one in (factors, towards)
    )
    left, _, right = np.linalg.svd(mine.T @ other)
    turn = (left @ right).astype(np.float32)
    return dataclasses.replace(
        factors,
        user_factors=factors.user_factors @ turn,
        item_factors=factors.item_factors @ turn,
    )


def _moved(ratings: Ratings | None, shifts: tuple[Any, Any]) -> Any:
    """Return the ratings with rows of the stacked tables."""
    if ratings is None:
        return None
    return dataclasses.replace(
        ratings,
        user_rows=(ratings.user_rows + shifts[0]).astype(np.int32),
        item_rows=(ratings.item_rows + shifts[1]).astype(np.int32),
    )
