"""Stars: ratings as ordered classes, and what a latent value says of each.

An ordered probit (Albert & Chib 1993) has a latent value η for each pair of user and item, and
thresholds γ₁ < … < γ_{S−1} between the S ratings v₁ < … < v_S that there are:

    P(r ≤ v_k | η) = Φ((γ_k − η) / σ)
    E[r | η]       = v₁ + Σ_k (v_{k+1} − v_k) Φ((η − γ_k) / σ)

σ is the spread of a further rating's latent value around what the model expects of it: its own
noise, and what the model doesn't know of the pair. E[r | η] rises with η.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.errors import DataError, SettingsError

Places = npt.NDArray[np.uint8]

MOST_STARS = 20
"""So many distinct ratings at the most."""

PRIOR_ROWS = 300
"""Validation ratings to assume that say the spread needs no correction."""

_PIECE = 1 << 18  # values at once, so that many need bounded memory
_WIDEST = 16.0  # by how much a spread may be corrected

LEAST = 1e-300
"""The least probability that anything is given."""


@dataclasses.dataclass(frozen=True, eq=False)
class Stars:
    """The ratings that there are, and the thresholds between them.

    Attributes:
        values: (S,) float32, rising.
        scores: (S,) float32, rising: what a rating alone says of its latent value, the mean of a
            standard normal value within its share of all ratings.
        thresholds: (S − 1,) float64, rising, γ.
        spread: σ.

    Raises:
        DataError: shapes or types don't fit together, or numbers don't rise.

    >>> stars = Stars.of(np.array([1, 2, 2, 3], np.float32))
    >>> stars.values.tolist(), stars.thresholds.round(2).tolist()
    ([1.0, 2.0, 3.0], [-0.67, 0.67])
    >>> stars.expected(np.array([-9.0, 0.0, 9.0])).tolist()
    [1.0, 2.0, 3.0]
    """

    values: F32
    scores: F32
    thresholds: F64
    spread: float = 1.0

    def __post_init__(self) -> None:
        S = len(self.values)
        shapes = {"values": (S,), "scores": (S,), "thresholds": (S - 1,)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            kind = np.float64 if name == "thresholds" else np.float32
            rising = array.shape == shape and bool((np.diff(array) > 0).all())
            if array.dtype != kind or not rising or not np.isfinite(array).all():
                raise DataError(
                    f"The stars' {name} must be {np.dtype(kind)} of shape {shape}, finite and "
                    f"rising; received {array.dtype} of shape {array.shape}."
                )
        if not 2 <= S <= MOST_STARS:
            raise DataError(f"There are 2 to {MOST_STARS} stars, not {S}.")
        if not (np.isfinite(self.spread) and self.spread > 0):
            raise DataError(f"The stars' spread must be above 0; received {self.spread!r}.")

    @classmethod
    def of(cls, ratings: F32) -> Self:
        """Find the stars of training ratings; thresholds lie where a standard normal is so cut.

        Raises:
            DataError: all ratings are the same.
            SettingsError: there are more than `MOST_STARS` distinct ones.
        """
        from scipy.special import ndtri

        values, counts = np.unique(ratings, return_counts=True)
        if len(values) < 2:
            raise DataError(
                "likelihood='ordinal' needs at least two distinct ratings, and all of these are "
                f"{values.tolist()}. Bring others, or train with likelihood='gaussian'."
            )
        if len(values) > MOST_STARS:
            raise SettingsError(
                f"likelihood='ordinal' takes ratings of at most {MOST_STARS} distinct values, and "
                f"these have {len(values):,}. Round them (to whole or half stars), or train with "
                f"likelihood='gaussian'."
            )
        shares = np.cumsum(counts) / counts.sum()
        thresholds = ndtri(shares[:-1])
        edges = np.concatenate([[0.0], np.exp(-0.5 * thresholds**2) / np.sqrt(2 * np.pi), [0.0]])
        scores = -np.diff(edges) * counts.sum() / counts
        return cls(values.astype(np.float32), scores.astype(np.float32), thresholds)

    def __len__(self) -> int:
        """Return S."""
        return len(self.values)

    def __repr__(self) -> str:
        shown = ", ".join(f"{value:g}" for value in self.values.tolist())
        return f"Stars({shown})"

    @property
    def edges(self) -> F64:
        """The thresholds between infinities, (S + 1,) float64."""
        return np.concatenate([[-np.inf], self.thresholds, [np.inf]])

    def places(self, ratings: npt.NDArray[Any]) -> Places:
        """Return which star each rating is, (n,) uint8: the nearest, of two as near the lower."""
        return _nearest(self.values, ratings)

    def places_of(self, scores: npt.NDArray[Any]) -> Places:
        """Return which star each score is of, (n,) uint8."""
        return _nearest(self.scores, scores)

    def scored(self, ratings: npt.NDArray[Any]) -> F32:
        """Return the score of each rating, (n,) float32."""
        return self.scores[self.places(ratings)]

    def above(self, latent: npt.NDArray[Any], spread: Any = None) -> F64:
        """Return the probabilities of more than each star but the last, (n, S − 1) float64.

        Args:
            latent: (n,) η.
            spread: (n,) other spreads than the stars' own.
        """
        from scipy.special import ndtr

        own: Any = self.spread if spread is None else np.asarray(spread)[:, None]
        eta = np.asarray(latent, dtype=np.float64)[:, None]
        return np.asarray(ndtr((eta - self.thresholds) / own), dtype=np.float64)

    def expected(self, latent: npt.NDArray[Any]) -> F32:
        """Return the expected rating of each latent value, of any shape, float32; it rises."""
        flat = np.asarray(latent).reshape(-1)
        steps = np.diff(self.values.astype(np.float64))
        out = np.empty(len(flat), dtype=np.float32)
        for start in range(0, len(flat), _PIECE):
            part = slice(start, start + _PIECE)
            out[part] = self.values[0] + (self.above(flat[part]) * steps).sum(axis=1)
        return out.reshape(np.shape(latent))

    def probabilities(self, latent: npt.NDArray[Any]) -> F32:
        """Return the probability of each star, (n, S) float32."""
        above = self.above(latent)
        ends = np.ones((len(above), 1)), np.zeros((len(above), 1))
        return (-np.diff(np.hstack([ends[0], above, ends[1]]), axis=1)).astype(np.float32)

    def deviations(self, latent: npt.NDArray[Any], spread: npt.NDArray[Any]) -> F64:
        """Return the standard deviation of a rating, (n,) float64, of latent values so spread."""
        above, values = self.above(latent, spread), self.values.astype(np.float64)
        first = values[0] + (above * np.diff(values)).sum(axis=1)
        second = values[0] ** 2 + (above * np.diff(values**2)).sum(axis=1)
        out: F64 = np.sqrt(np.maximum(second - first**2, 0))
        return out

    def fitted(self, latent: npt.NDArray[Any], shares: F64, prior: float = PRIOR_ROWS) -> Self:
        """Return the stars with the spread under which ratings are most probable.

        Args:
            latent: (n,) η of pairs.
            shares: (n, S) how much of each pair's rating is each star; rows sum to 1.
            prior: rows to assume that ask for the spread as it is.
        """
        from scipy.optimize import minimize_scalar

        def loss(log: float) -> float:
            scaled = dataclasses.replace(self, spread=self.spread * float(np.exp(log)))
            likely = np.maximum(scaled.probabilities(latent).astype(np.float64), 1e-12)
            return prior * log**2 / 2 - float((shares * np.log(likely)).sum())

        widest = np.log(_WIDEST)
        found = minimize_scalar(
            loss, bounds=(-widest, widest), method="bounded", options={"xatol": 1e-6}
        )
        return dataclasses.replace(self, spread=self.spread * float(np.exp(found.x)))

    def calibrated(self, latent: npt.NDArray[Any], ratings: npt.NDArray[Any]) -> Self:
        """Return the stars with the spread that ratings kept out of the training ask for."""
        return self.fitted(latent, np.eye(len(self))[self.places(ratings)])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all numbers by name, as a bundle stores them."""
        return {
            "stars.values": self.values,
            "stars.scores": self.scores,
            "stars.thresholds": self.thresholds,
            "stars.spread": np.array([self.spread], dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, named: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """Build it from what `arrays` gave; None where there is none of it.

        Raises `DataError` where the numbers make no sense.
        """
        fields = ("values", "scores", "thresholds", "spread")
        found = [named.get(f"stars.{field}") for field in fields]
        if all(array is None for array in found):
            return None
        if any(array is None or array.ndim != 1 for array in found):
            raise DataError("The stars are not whole: a column of theirs is missing or no column.")
        values, scores, thresholds, spread = (array for array in found if array is not None)
        if len(spread) != 1:
            raise DataError(f"The stars have one spread, not {len(spread)}.")
        return cls(values, scores, thresholds, float(spread[0]))


def _nearest(levels: F32, given: npt.NDArray[Any]) -> Places:
    """Return the place of the level nearest to each number, (n,) uint8.

    >>> _nearest(np.array([1, 2], np.float32), np.array([0.0, 1.5, 1.6])).tolist()
    [0, 0, 1]
    """
    between = (levels[1:].astype(np.float64) + levels[:-1]) / 2
    return np.searchsorted(between, np.asarray(given, np.float64), side="left").astype(np.uint8)


def interval(a: F64, b: F64) -> F64:
    """Return P(a < Z < b), from the tails on the side where they are small."""
    from scipy.special import ndtr

    flip = a > 0
    low, high = np.where(flip, -b, a), np.where(flip, -a, b)
    inside: F64 = np.maximum(ndtr(high) - ndtr(low), LEAST)
    return inside


def truncated_means(a: F64, b: F64) -> F64:
    """Return E[Z | a < Z < b].

    >>> truncated_means(np.array([-np.inf, 0.0]), np.array([np.inf, np.inf])).round(4).tolist()
    [0.0, 0.7979]
    """
    drop = np.exp(-0.5 * a * a) - np.exp(-0.5 * b * b)
    z = drop / np.sqrt(2 * np.pi) / interval(a, b)
    means: F64 = np.maximum(a, np.minimum(b, z))
    return means
