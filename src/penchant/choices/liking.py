"""How likely somebody likes what they pick."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

import numpy as np

from penchant.arrays import F32, F64
from penchant.errors import DataError
from penchant.features import Noise

MOST_LEVELS = 20
"""With more distinct ratings than these, a scale counts as continuous."""


@dataclasses.dataclass(frozen=True, eq=False)
class Liking:
    """The probability that a rating is high enough, given what is predicted for it.

    ``Φ((r̂ − threshold) / spread)``. On a scale of few levels the threshold lies halfway between
    the lowest rating that counts as liking and the level below, as for any rounded number.

    Attributes:
        levels: (L,) float64, the distinct ratings in rising order; none of a continuous scale.
        spread: how far ratings lie around what is predicted for them, in rating units.

    Raises `DataError` where these make no sense.

    >>> stars = Liking(np.arange(1.0, 6.0), spread=1.0)
    >>> stars.probabilities(np.array([3.5, 4.5], np.float32), liked=4).round(3)
    array([0.5  , 0.841], dtype=float32)
    """

    levels: F64
    spread: float

    def __post_init__(self) -> None:
        rising = self.levels.ndim == 1 and bool((np.diff(self.levels) > 0).all())
        if not rising or not np.isfinite(self.levels).all() or not 0 < self.spread < float("inf"):
            raise DataError(
                f"Liking needs rising levels and a positive spread; received "
                f"{self.levels.tolist()} and {self.spread}."
            )

    @classmethod
    def of(cls, ratings: Any) -> Self:
        """Return it for the training ratings.

        The spread is what biases alone leave of the ratings (`penchant.features.Noise`): the same
        for every model, and a little too wide for a good one, which moves lists little.
        """
        values = ratings.values.astype(np.float32)
        deviations = values - np.float32(values.mean(dtype=np.float64))
        sizes = (ratings.user_ids.size, ratings.item_ids.size)
        noise = Noise.learn(ratings.user_rows, ratings.item_rows, deviations, *sizes)
        levels = np.unique(values).astype(np.float64)
        levels = levels if len(levels) <= MOST_LEVELS else levels[:0]
        return cls(levels, float(np.sqrt(noise.variance)) or 1.0)

    def probabilities(self, ratings: F32, liked: float) -> F32:
        """Return the probability of liking, of any shape, float32.

        Args:
            ratings: unclipped predictions.
            liked: the lowest rating that counts as liking.
        """
        from scipy.special import ndtr

        threshold, spread = np.float32(self.threshold(liked)), np.float32(self.spread)
        likely: F32 = ndtr((ratings - threshold) / spread)
        return likely.astype(np.float32, copy=False)

    def threshold(self, liked: float) -> float:
        """Return where liking begins between the levels; `liked` itself on a continuous scale."""
        place = int(np.searchsorted(self.levels, np.float32(liked)))
        if place in (0, len(self.levels)):
            return liked
        return float(self.levels[place - 1 : place + 1].mean())
