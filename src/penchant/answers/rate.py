"""What rating a user would give an item, and how well that is foretold."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.answers.scores import Scores
from penchant.arrays import F32, Rows
from penchant.errors import DataError, UnsupportedError
from penchant.model.known import listed
from penchant.predict.distribution import Distribution
from penchant.predict.intervals import Calibration, Prediction, ends
from penchant.predict.predictor import Predictor, Seconds
from penchant.ratings import Ratings, as_seconds
from penchant.settings import require


def predict(
    predictor: Predictor,
    users: Any,
    items: Any,
    *,
    timestamps: Any,
    interval: float | None,
    distribution: bool,
) -> F32 | Prediction | Distribution:
    """Return the rating of each pair of user and item; see `Recommender.predict`."""
    require(
        interval is None or not distribution,
        f"predict gives intervals or the distribution; received interval={interval!r} and "
        f"distribution=True. Ask twice.",
    )
    user_rows, item_rows = _pairs(predictor, users, items)
    seconds = seconds_of(predictor, timestamps, len(user_rows))
    if distribution:
        return _distribution(predictor, user_rows, item_rows)
    ratings = clipped(predictor, user_rows, item_rows, seconds)
    if interval is None:
        return ratings
    return Prediction(ratings, *ends(predictor, interval, user_rows, item_rows, ratings))


def _pairs(predictor: Predictor, users: Any, items: Any) -> tuple[Rows, Rows]:
    """Return the rows of pairs; one id stands for as many as there are of the other side."""
    user_rows = predictor.known.user_ids.rows(listed(users))
    item_rows = predictor.known.item_ids.rows(listed(items))
    if len(user_rows) != len(item_rows):
        if 1 not in (len(user_rows), len(item_rows)):
            raise DataError(
                f"predict needs as many users as items, or one of either; received "
                f"{len(user_rows):,} users and {len(item_rows):,} items."
            )
        user_rows, item_rows = np.broadcast_arrays(user_rows, item_rows)
    return user_rows, item_rows


def clipped(predictor: Predictor, user_rows: Rows, item_rows: Rows, seconds: Seconds) -> F32:
    """Return the rating of each pair of rows, inside the scale, (n,) float32."""
    ratings = predictor.known.scale.clip(predictor.predict(user_rows, item_rows, seconds))
    return ratings.astype(np.float32, copy=False)


def seconds_of(predictor: Predictor, timestamps: Any, n: int) -> Seconds:
    """Return the times of n pairs.

    Raises `UnsupportedError` where the model reads none, `DataError` for another number of them.
    """
    if timestamps is None:
        return None
    if not predictor.reads_time:
        raise UnsupportedError(
            "This model does not read timestamps: leave them out, or train one with "
            "solver=pc.Gibbs(contexts=('day',))."
        )
    stamps = as_seconds(np.atleast_1d(timestamps))
    if len(stamps) not in (1, n):
        raise DataError(f"predict received {len(stamps):,} timestamps for {n:,} pairs.")
    return np.broadcast_to(stamps, n)


def _distribution(predictor: Predictor, user_rows: Rows, item_rows: Rows) -> Distribution:
    found = predictor.distribution(user_rows, item_rows)
    if found is None:
        raise UnsupportedError(
            "This model gives a rating, and not how probable each star is. Train one that does: "
            "MatrixFactorization(solver=pc.Gibbs(likelihood='ordinal'))."
        )
    return found


def predict_table(predictor: Predictor, table: Ratings, rows: tuple[Rows, Rows]) -> F32:
    """Return unclipped predictions of a table's ratings, at their times where those count."""
    return predictor.predict(*rows, table.timestamps if predictor.reads_time else None)


def evaluate(predictor: Predictor, test: Ratings) -> Scores:
    """Predict ratings that are known, and score that; see `Recommender.evaluate`."""
    known, rows = predictor.known, predictor.known.rows_in(test)
    predicted = known.scale.clip(predict_table(predictor, test, rows))
    stranger = (rows[0] == 0) | (rows[1] == 0)
    return Scores.of(test.values, predicted, stranger, known.is_cold(*rows))


def calibrated(predictor: Predictor, validation: Ratings | None) -> Calibration | None:
    """Return what ratings that were kept out of the training say of the widths of intervals."""
    if validation is None or not len(validation):
        return None
    rows, known = (validation.user_rows, validation.item_rows), predictor.known
    ratings = known.scale.clip(predict_table(predictor, validation, rows)).astype(np.float32)
    deviations = predictor.deviations(*rows)
    counts = known.user_counts[rows[0]]
    return Calibration.of(validation.values, ratings, deviations, counts, known.scale)
