"""What one trained model does on one table of test ratings, user by user."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penchant.answers.recommend import Terms
from penchant.answers.recommend_all import best_rows
from penchant.arrays import F32, F64, Rows
from penchant.ranking import (
    coverage,
    gains_at,
    hits_in,
    ndcg,
    novelty,
    places,
    precision,
    recall,
)
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender


class Measured(NamedTuple):
    """Sums of errors and measures of lists; (U,) is by user row of the test table.

    Attributes:
        trained: how many ratings the model was trained on.
        rows: (U,) how many test ratings each user has.
        squared: (U,) sum of squared errors.
        absolute: (U,) sum of absolute errors.
        unseen: how many test ratings have a user or item without training ratings.
        unseen_squared: their sum of squared errors.
        mean_squared: the same sum had they been answered with the training mean.
        ndcg: (U,) of the lists; NaN for a user who is left out, here and below.
        precision: (U,)
        recall: (U,)
        coverage: of all lists.
        novelty: of all lists.
        order: (U,) NDCG of the user's own test items.
        seconds: wall time of the training.
        cpu_seconds: processor time of the training, on all threads.
    """

    trained: int
    rows: F64
    squared: F64
    absolute: F64
    unseen: int
    unseen_squared: float
    mean_squared: float
    ndcg: F64
    precision: F64
    recall: F64
    coverage: float
    novelty: float
    order: F64
    seconds: float
    cpu_seconds: float


def measure(
    model: Recommender, test: Ratings, n: int, relevant: float, seconds: float, cpu_seconds: float
) -> Measured:
    """Measure a trained model on test ratings; see `penchant.comparison.compare` for each."""
    known = model.knowledge
    user_rows, item_rows = known.rows_in(test)
    times = test.timestamps if model.reads_time else None
    predicted = model.predictor.predict(user_rows, item_rows, times)
    truth = test.values.astype(np.float64)
    errors = truth - known.scale.clip(predicted)
    strange = (user_rows == 0) | (item_rows == 0)
    unseen = strange | known.is_cold(user_rows, item_rows)
    mean = float(known.ratings.values.mean(dtype=np.float64))

    def by_user(values: Any = None) -> F64:
        sums = np.bincount(test.user_rows, values, minlength=test.user_ids.size)
        return sums.astype(np.float64)

    return Measured(
        len(known.ratings),
        by_user(),
        by_user(errors**2),
        by_user(np.abs(errors)),
        int(unseen.sum()),
        float((errors[unseen] ** 2).sum()),
        float(((truth[unseen] - mean) ** 2).sum()),
        *_lists(model, test, (user_rows, item_rows), n, relevant),
        _order(test, item_rows, predicted, n),
        seconds,
        cpu_seconds,
    )


def _lists(
    model: Recommender, test: Ratings, rows: tuple[Rows, Rows], n: int, relevant: float
) -> tuple[F64, F64, F64, float, float]:
    """Return NDCG, precision, recall, (U,) each, coverage and novelty of the users' lists."""
    known = model.knowledge
    tested, first, line = np.unique(test.user_rows, return_index=True, return_inverse=True)
    lists = _best(model, rows[0][first], n, relevant)
    liked = test.values >= np.float32(relevant)  # as the ratings are stored
    hits = hits_in(lists, line[liked], rows[1][liked])
    counts = np.bincount(line[liked], minlength=len(tested))
    ideal = (np.arange(n) < counts[:, None]).astype(np.float64)

    def spread(values: F64) -> F64:
        wide = np.full(test.user_ids.size, np.nan)
        wide[tested] = values
        return wide

    return (
        spread(ndcg(hits.astype(np.float64), ideal)),
        spread(precision(hits, counts)),
        spread(recall(hits, counts)),
        coverage(lists, len(known.item_ids)),
        novelty(lists, known.item_counts, int((known.user_counts > 0).sum())),
    )


def _best(model: Recommender, user_rows: Rows, n: int, relevant: float) -> Rows:
    """Return the n best items that each user has not rated in training, (m, n) rows."""
    every = model.knowledge.choice()
    return best_rows(model.predictor, user_rows, n, every, terms=Terms(relevant)).items


def _order(test: Ratings, item_rows: Rows, predicted: F32, n: int) -> F64:
    """Return NDCG at n of each user's own test items, (U,), ordered by their predictions."""
    by_row = np.argsort(item_rows, kind="stable")  # equal predictions stand in this order
    users, gains = test.user_rows[by_row], test.values[by_row].astype(np.float64) - test.scale.low
    U = test.user_ids.size
    got = gains_at(places(users, predicted[by_row].astype(np.float64), U, n), gains)
    found = ndcg(got, gains_at(places(users, gains, U, n), gains))
    highest, lowest = np.full(U, -np.inf), np.full(U, np.inf)
    np.maximum.at(highest, users, gains)
    np.minimum.at(lowest, users, gains)
    found[highest <= lowest] = np.nan  # any order is right
    return found
