"""What a recommender can say of how sure its predictions are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import UnsupportedError
from penchant.ids import Rows
from penchant.ratings import Ratings
from penchant.recommender.intervals import Calibration, require_level
from penchant.recommender.knowledge import Knowledge

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_OWN = Calibration(np.zeros(0, np.float32), 0, True)


class Uncertain(ABC):
    """Intervals of predictions, for every recommender that can have them."""

    _calibration: Calibration | None = None

    @property
    @abstractmethod
    def knowledge(self) -> Knowledge:
        """What is known of the training data."""

    @abstractmethod
    def _predict_rows(self, user_rows: Rows, item_rows: Rows, seconds: Any) -> Floats:
        """Return the unclipped rating of each pair of rows, (n,) float32."""

    @property
    def reads_time(self) -> bool:
        """Whether the time of a rating makes a difference to its prediction."""
        return False

    def _has_deviations(self) -> bool:
        """Return whether the model has a posterior, and so `_deviations`."""
        return False

    def _deviations(self, user_rows: Rows, item_rows: Rows) -> Doubles | None:
        """Return the posterior's standard deviation of a rating of each pair; None without one."""
        return None

    @property
    def calibration(self) -> Calibration | None:
        """Where the widths of intervals come from; None where the model can give no intervals.

        With validation ratings in `fit` they are calibrated by split conformal prediction. Without,
        a model with a posterior gives its own intervals, and ``calibration.method`` says so. Prints
        as a line. Raises `NotFittedError` before `fit`.
        """
        if self.knowledge and self._calibration is None and self._has_deviations():
            return _OWN
        return self._calibration

    def _calibrate(self, validation: Ratings | None) -> None:
        """Learn the widths of intervals from ratings that were kept out of the training."""
        self._calibration = None
        if validation is None or not len(validation):
            return
        users, items, known = validation.user_rows, validation.item_rows, self.knowledge
        seconds = validation.timestamps if self.reads_time else None
        ratings = known.scale.clip(self._predict_rows(users, items, seconds)).astype(np.float32)
        self._calibration = Calibration.of(
            validation.values,
            ratings,
            self._deviations(users, items),
            known.user_counts[users],
            known.scale,
        )

    def _widths(
        self, level: float, user_rows: Rows, item_rows: Rows, ratings: Floats
    ) -> tuple[float, Doubles]:
        """Return the factor of a level and what it is of, (n,), for clipped ratings.

        Raises `SettingsError` for no level, `UnsupportedError` where there can be no intervals.
        """
        require_level(level)
        known, calibration = self.knowledge, self.calibration
        if calibration is None:
            raise UnsupportedError(
                "This model knows no intervals: its solver keeps no posterior, and there were no "
                "validation ratings to measure its errors on. Train it with "
                "fit(..., validation=0.1), or with solver='gibbs'."
            )
        deviations = self._deviations(user_rows, item_rows)
        counts = known.user_counts[user_rows]
        widths = calibration.widths(ratings, deviations, counts, known.scale)
        return calibration.factor(level), widths

    def _ends(
        self, level: float, user_rows: Rows, item_rows: Rows, ratings: Floats
    ) -> tuple[Floats, Floats]:
        """Return the ends of the intervals of clipped ratings, inside the scale, (n,) float32."""
        factor, widths = self._widths(level, user_rows, item_rows, ratings)
        scale, half = self.knowledge.scale, factor * widths
        low, high = (scale.clip(ratings + half * sign).astype(np.float32) for sign in (-1, 1))
        return low, high

    def _floors(self, level: float, user_row: int, item_rows: Any, ratings: Floats) -> Floats:
        """Return what to rank one user's items by: the lower ends, before the scale cuts them.

        Where a level needs more scores than there are all intervals are the scale, and the ratings
        rank.
        """
        users = np.full(len(item_rows), user_row, dtype=np.int32)
        factor, widths = self._widths(level, users, item_rows, ratings)
        if not np.isfinite(factor):
            return ratings
        return (ratings - factor * widths).astype(np.float32)
