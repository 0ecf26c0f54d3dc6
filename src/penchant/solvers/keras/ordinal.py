"""The Keras solver with stars: the network gives latent values, an output layer probabilities."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows
from penchant.errors import DataError
from penchant.factors import Factors
from penchant.networks.mf import factors_from, factors_of
from penchant.networks.ordinal import stars_of
from penchant.ratings import Ratings
from penchant.solvers.base import diverged, without_strangers
from penchant.solvers.keras.course import epoch_order
from penchant.solvers.keras.epoch import EpochLoop
from penchant.stars import Stars


class Kept(NamedTuple):
    """The numbers after some epoch: those of latent values, and the stars."""

    factors: Factors
    stars: Stars

    def predict(self, user_rows: Rows, item_rows: Rows) -> F32:
        """Return the expected rating of each pair of rows, (n,) float32."""
        return self.stars.expected(self.factors.predict(user_rows, item_rows))

    def arrays(self) -> dict[str, Any]:
        """Return them by name."""
        return {**self.factors.arrays(), **self.stars.arrays()}


class OrdinalTrainee:
    """A network with probabilities as it is trained.

    See `penchant.solvers.keras.course.Trainee`.
    """

    def __init__(self, loop: EpochLoop, ratings: Ratings, stars: Stars, seed: int) -> None:
        self.loop = loop
        self._ratings = ratings
        self._stars = stars
        self._places = stars.places(ratings.values).astype(np.float32)
        self._seed = seed

    def run(self, epoch: int) -> float:
        """Train one epoch and return its mean loss."""
        order = epoch_order(self._seed, epoch, len(self._ratings))
        inputs = [self._ratings.user_rows[order], self._ratings.item_rows[order]]
        return self.loop.run(inputs, self._places[order])

    def numbers(self, epoch: int) -> Kept:
        """Return the numbers as they stand."""
        network = self.loop.network
        try:
            factors, stars = factors_of(network), stars_of(network, self._stars)
        except DataError:
            raise diverged("epoch", epoch + 1) from None
        return Kept(without_strangers(factors, self._ratings), stars)

    def restored(self, arrays: dict[str, npt.NDArray[Any]]) -> Kept:
        """Return the numbers that `arrays` gave."""
        thresholds = arrays["stars.thresholds"]
        stars = dataclasses.replace(self._stars, thresholds=thresholds, spread=1.0)
        return Kept(factors_from(arrays, float(arrays["mean"])), stars)

    def variables(self) -> list[Any]:
        """Return all Keras variables that the next epoch depends on."""
        return [*self.loop.network.variables, *self.loop.optimizer.variables]
