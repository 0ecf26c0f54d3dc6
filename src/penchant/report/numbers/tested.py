"""The test rows with their predictions, and what all measures of them share."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.answers.scores import LEVEL, Scores
from penchant.arrays import F64, Mask, Rows
from penchant.metrics import rmse, rmse_interval
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender

Numbers = dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Tested:
    """Test rows of a model, (n,) each.

    Attributes:
        users: rows of the model, 0 for strangers.
        items: rows of the model, 0 for strangers.
        truth: the ratings.
        predicted: what the model says, clipped to the scale.
        user_counts: training ratings of each row's user.
        item_counts: training ratings of each row's item.
        stranger: whether the user or the item is unknown.
        cold: whether both are known and one has no training ratings.
    """

    users: Rows
    items: Rows
    truth: F64
    predicted: F64
    user_counts: npt.NDArray[np.int32]
    item_counts: npt.NDArray[np.int32]
    stranger: Mask
    cold: Mask

    @classmethod
    def of(cls, model: Recommender, test: Ratings) -> Tested:
        """Predict the test ratings."""
        known = model.knowledge
        users, items = known.rows_in(test)
        seconds = test.timestamps if model.reads_time else None
        predicted = known.scale.clip(model.predictor.predict(users, items, seconds))
        return cls(
            users,
            items,
            test.values.astype(np.float64),
            predicted.astype(np.float64),
            known.user_counts[users],
            known.item_counts[items],
            (users == 0) | (items == 0),
            known.is_cold(users, items),
        )

    def __len__(self) -> int:
        """Return the number of test rows."""
        return len(self.truth)

    @property
    def errors(self) -> F64:
        """The rating less the prediction, (n,)."""
        return self.truth - self.predicted

    def scores(self) -> Numbers:
        """Return the scores as JSON-able values."""
        found = Scores.of(self.truth, self.predicted, self.stranger, self.cold)
        return {**found, "interval": list(found.interval)}


def group_rmse(counts: npt.NDArray[np.int32], tested: Tested, other: F64 | None) -> list[Any]:
    """Return the RMSE of test rows by a count, in groups of about equal numbers of rows.

    Rows without a count stand alone.

    Args:
        counts: (n,) training ratings of each row's user or item.
        tested: the rows.
        other: (n,) predictions to compare with, or None.
    """
    found = []
    for rows in groups(counts):
        truth, predicted = tested.truth[rows], tested.predicted[rows]
        entry: Numbers = {
            "low": int(counts[rows].min()),
            "high": int(counts[rows].max()),
            "n": len(rows),
            "rmse": rmse(truth, predicted),
            "interval": list(rmse_interval(truth, predicted, LEVEL)),
        }
        if other is not None:
            entry["bias_rmse"] = rmse(truth, other[rows])
        found.append(entry)
    return found


def groups(counts: npt.NDArray[np.int32], most: int = 6) -> list[npt.NDArray[np.int64]]:
    """Return row numbers in up to `most` groups by rising count, and those of count 0 first.

    Equal counts stay together.

    >>> [rows.tolist() for rows in groups(np.array([5, 0, 1, 9, 1, 7], np.int32), most=2)]
    [[1], [0, 2, 4], [3, 5]]
    """
    some = counts[counts > 0]
    parts = [np.flatnonzero(counts == 0)]
    if len(some):
        edges = np.unique(np.quantile(some, np.arange(1, most) / most, method="lower"))
        place = np.searchsorted(edges, counts, side="left")
        parts += [np.flatnonzero((counts > 0) & (place == k)) for k in range(len(edges) + 1)]
    return [rows for rows in parts if len(rows)]


def spread(values: F64) -> Numbers:
    """Return number, mean and quantiles of values."""
    low, first, middle, third, high = np.quantile(values, (0.1, 0.25, 0.5, 0.75, 0.9)).tolist()
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "q10": low,
        "q25": first,
        "median": middle,
        "q75": third,
        "q90": high,
    }
