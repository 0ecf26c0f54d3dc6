"""Distribution: how probable each star is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from penchant.arrays import F32


@dataclasses.dataclass(frozen=True, eq=False)
class Distribution:
    """The probability of each rating that there is, for pairs of users and items.

    Attributes:
        ratings: (S,) float32, the ratings, rising.
        probability: (n, S) float32, of each; rows sum to 1.

    >>> told = Distribution(np.array([1, 2], np.float32), np.array([[0.25, 0.75]], np.float32))
    >>> told.expected.tolist(), told.at_least(2).tolist()
    ([1.75], [0.75])
    >>> print(told)
    rating  probability
         1          25%
         2          75%
    """

    ratings: F32
    probability: F32

    def __len__(self) -> int:
        """Return n, the number of pairs."""
        return len(self.probability)

    @property
    def expected(self) -> F32:
        """The expected rating of each pair, (n,) float32: what `predict` gives."""
        mean: Any = self.probability.astype(np.float64) @ self.ratings.astype(np.float64)
        expected: F32 = mean.astype(np.float32)
        return expected

    def at_least(self, rating: float) -> F32:
        """Return the probability of this rating or a higher one, (n,) float32."""
        reached = self.ratings >= np.float32(rating)
        total: Any = self.probability[:, reached].sum(axis=1, dtype=np.float64)
        summed: F32 = total.astype(np.float32)
        return summed

    def to_json(self) -> list[dict[str, Any]]:
        """Return for each pair the ratings with their probabilities, as JSON-able values."""
        stars = [f"{value:g}" for value in self.ratings.tolist()]
        return [dict(zip(stars, row, strict=True)) for row in self.probability.tolist()]

    def __str__(self) -> str:
        from penchant.tables import text_table

        if len(self) != 1:
            return f"{len(self):,} distributions over {len(self.ratings)} ratings"
        rows = list(zip(self.ratings.tolist(), self.probability[0].tolist(), strict=True))
        formats = {"rating": "g", "probability": ".0%"}
        return text_table(("rating", "probability"), rows, formats=formats)
