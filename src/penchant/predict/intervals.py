"""Intervals of predictions: the posterior's variance, calibrated on validation ratings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Rows
from penchant.errors import DataError, UnsupportedError
from penchant.model.known import Knowledge
from penchant.predict.conformal import kept_scores, slopes_of
from penchant.ratings import Scale
from penchant.settings import require, require_number

LEVEL = 0.9
"""The level of an interval where none is asked for."""

_LEAST_WIDTH = 1e-6  # of the scale's width: an interval is never nothing


class Prediction(NamedTuple):
    """Predicted ratings and their intervals, inside the scale.

    Attributes:
        rating: (n,) float32.
        low: (n,) float32, the lower ends.
        high: (n,) float32, the upper ends.
    """

    rating: F32
    low: F32
    high: F32


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """How wide an interval has to be: split conformal prediction.

    The score of a validation rating is ``|r − r̂| / width``, r̂ clipped to the scale. An interval of
    level p is ``r̂ ± q · width`` with q the ⌈(n + 1) p⌉-th smallest of the n scores: it holds a
    further rating of the same kind with a probability of at least p (Vovk et al. 2005; Lei et al.
    2018). Where there are fewer scores than that it is the whole scale.

    With a posterior, ``width = d · exp(a · x)``. d is the deviation that the posterior predicts,
    cut off by the ends of the scale; x = (ln(1 + n_u), ln d) less its mean, n_u the user's number
    of ratings; and the two slopes a, by least squares and shrunk, make the mean squared score the
    same whatever x is. Without a posterior every width is 1. Without validation ratings the
    interval is that of a normal distribution with the posterior's own deviation.

    Attributes:
        scores: (m,) float32, sorted; none where there were no validation ratings.
        rows: the number of validation ratings.
        by_posterior: whether widths come from a posterior.
        slopes: a.
        centre: the mean of x over the validation ratings.
        reach: the least and the largest ln(1 + n_u) among them; beyond, that correction rests.

    >>> made = Calibration(np.arange(1, 100, dtype=np.float32), 99, False)
    >>> made.factor(0.9), made.factor(0.999)
    (90.0, inf)
    >>> print(made)
    calibrated on 99 validation ratings (split conformal, one width for all)
    """

    scores: F32
    rows: int
    by_posterior: bool
    slopes: tuple[float, float] = (0.0, 0.0)
    centre: tuple[float, float] = (0.0, 0.0)
    reach: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(
        cls,
        truth: F32,
        ratings: F32,
        deviations: F64 | None,
        counts: npt.NDArray[np.integer],
        scale: Scale,
    ) -> Calibration:
        """Calibrate on validation ratings.

        Args:
            truth: (n,) the ratings.
            ratings: (n,) what was predicted, clipped.
            deviations: (n,) by the posterior, or None without one.
            counts: (n,) the number of training ratings of each rating's user.
            scale: the rating scale.
        """
        errors = np.abs(truth.astype(np.float64) - ratings)
        if deviations is None or not len(truth):
            return cls(kept_scores(errors), len(truth), deviations is not None)
        activity = np.log1p(counts.astype(np.float64))
        plain = _cut_widths(ratings, deviations, scale)
        x = np.column_stack([activity, np.log(plain)])
        slopes, centre = slopes_of((errors / plain) ** 2, x)
        reach = (float(activity.min()), float(activity.max()))
        made = cls(np.zeros(1, np.float32), len(truth), True, slopes, centre, reach)
        scores = errors / made.widths(ratings, deviations, counts, scale)
        return dataclasses.replace(made, scores=kept_scores(scores))

    @property
    def method(self) -> str:
        """Return "conformal" where validation ratings set the widths, else "posterior"."""
        return "conformal" if self.rows else "posterior"

    def __str__(self) -> str:
        if not self.rows:
            return (
                "not calibrated: the posterior's own; fit(..., validation=0.1) keeps ratings out "
                "that calibrate intervals"
            )
        widths = "" if self.by_posterior else ", one width for all"
        many = "rating" if self.rows == 1 else "ratings"
        return f"calibrated on {self.rows:,} validation {many} (split conformal{widths})"

    def factor(self, level: float) -> float:
        """Return q of a level; infinite where there are too few scores for it."""
        if not self.rows:
            return normal_factor(level)
        place = math.ceil((len(self.scores) + 1) * level - 1e-9)
        return float(self.scores[place - 1]) if place <= len(self.scores) else math.inf

    def widths(
        self,
        ratings: F32,
        deviations: F64 | None,
        counts: npt.NDArray[np.integer],
        scale: Scale,
    ) -> F64:
        """Return what a factor is of for each prediction, (n,) float64, in rating units."""
        if deviations is None:
            return np.ones(len(ratings))
        if not self.rows:
            return deviations
        activity = np.log1p(counts.astype(np.float64)).clip(*self.reach)
        plain = _cut_widths(ratings, deviations, scale)
        x = np.column_stack([activity, np.log(plain)])
        out: F64 = plain * np.exp((x - self.centre) @ np.array(self.slopes))
        return out

    def card(self) -> dict[str, Any]:
        """Return all but the scores as JSON-able values."""
        values = dataclasses.asdict(self)
        del values["scores"]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_card(cls, said: Any, scores: Any) -> Calibration:
        """Build it from what `card` gave, and the scores.

        Raises `DataError` where they make no sense.
        """
        try:
            pairs = [tuple(map(float, said[name])) for name in ("slopes", "centre", "reach")]
            rows, by_posterior = said["rows"], said["by_posterior"]
            rising = (
                scores.ndim == 1 and scores.dtype == np.float32 and (np.diff(scores) >= 0).all()
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"The calibration of intervals is damaged: {error!r}.") from None
        whole = type(rows) is int and rows >= 0 and type(by_posterior) is bool
        finite = all(len(pair) == 2 and all(map(math.isfinite, pair)) for pair in pairs)
        if not (whole and finite and rising and (len(scores) > 0) == (rows > 0)):
            raise DataError(
                f"The calibration of intervals is damaged: {len(scores)} scores, and {said!r:.200}."
            )
        return cls(scores, rows, by_posterior, *pairs)  # type: ignore[arg-type]


def normal_factor(level: float) -> float:
    """Return how many standard deviations to either side hold a share of normal values."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def require_level(level: object) -> None:
    """Raise `SettingsError` unless that is a level between 0 and 1."""
    require_number("interval", level, 0, 1, open_low=True)
    require(level != 1, "interval must be below 1: an interval of all ratings is the scale.")


def cut_deviations(ratings: F64, deviations: F64, scale: Scale) -> F64:
    """Return the deviation from each rating of what a scale makes of a normal value around it.

    ``√E (clip(r̂ + d z) − r̂)²``, z standard normal: near an end of the scale there is little room
    beyond the prediction.

    >>> cut_deviations(np.array([3.0, 5.0]), np.array([0.1, 0.1]), Scale(1, 5)).round(3).tolist()
    [0.1, 0.071]
    """
    from scipy.special import ndtr

    d = np.maximum(deviations, 1e-12)
    low, high = (scale.low - ratings) / d, (scale.high - ratings) / d
    density = [np.exp(-0.5 * end**2) / math.sqrt(2 * math.pi) for end in (low, high)]
    inside = ndtr(high) - ndtr(low) - (high * density[1] - low * density[0])
    squares = inside + low**2 * ndtr(low) + high**2 * ndtr(-high)
    cut: F64 = d * np.sqrt(np.maximum(squares, 0))
    return cut


def _cut_widths(ratings: F32, deviations: F64, scale: Scale) -> F64:
    """Return `cut_deviations`, none so small that it is nothing."""
    least = _LEAST_WIDTH * max(scale.high - scale.low, _LEAST_WIDTH)
    widths = cut_deviations(ratings.astype(np.float64), deviations, scale)
    return np.maximum(widths, least)


class Uncertain(Protocol):
    """What intervals are asked of: a predictor, or a newcomer of an interview."""

    @property
    def known(self) -> Knowledge:
        """Scale and counts."""

    @property
    def calibration(self) -> Calibration | None:
        """Where the widths come from; None where there can be no intervals."""

    def deviations(self, user_rows: Rows, item_rows: Rows) -> F64 | None:
        """Return the posterior's standard deviation of a rating of each pair, or None."""


def widths(
    model: Uncertain, level: float, user_rows: Rows, item_rows: Rows, ratings: F32
) -> tuple[float, F64]:
    """Return the factor of a level and what it is of, (n,), for clipped ratings.

    Raises `SettingsError` for no level, `UnsupportedError` where there can be no intervals.
    """
    require_level(level)
    calibration = model.calibration
    if calibration is None:
        raise UnsupportedError(
            "This model knows no intervals: its solver keeps no posterior, and there were no "
            "validation ratings to measure its errors on. Train it with "
            "fit(..., validation=0.1), or with solver='gibbs'."
        )
    deviations = model.deviations(user_rows, item_rows)
    counts, scale = model.known.user_counts[user_rows], model.known.scale
    return calibration.factor(level), calibration.widths(ratings, deviations, counts, scale)


def ends(
    model: Uncertain, level: float, user_rows: Rows, item_rows: Rows, ratings: F32
) -> tuple[F32, F32]:
    """Return the ends of the intervals of clipped ratings, inside the scale, (n,) float32."""
    factor, wide = widths(model, level, user_rows, item_rows, ratings)
    scale, half = model.known.scale, factor * wide
    low, high = (scale.clip(ratings + half * sign).astype(np.float32) for sign in (-1, 1))
    return low, high
