"""What one user is recommended, and the one place that says what lists are ordered by."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from penchant.ids import Id, Rows
from penchant.recommender.answers import Answer, Recommendation, with_columns
from penchant.recommender.intervals import LEVEL, ends, widths
from penchant.recommender.knobs import POOL, by_popularity, varied
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.predictor import F32, Mask, Predictor
from penchant.settings import require_choice, require_count, require_number


class Order(Protocol):
    """What lists are ordered by."""

    def __call__(
        self, predictor: Predictor, user_rows: Rows, allowed: Mask, ratings: F32, level: float
    ) -> F32:
        """Return what each item ranks by for each user, (m, N); only allowed ones count.

        Args:
            predictor: the model, or a newcomer of an interview.
            user_rows: (m,) the users.
            allowed: (m, N) which items may be shown to each.
            ratings: (m, N) unclipped.
            level: of intervals.
        """


def _by_rating(
    predictor: Predictor, user_rows: Rows, allowed: Mask, ratings: F32, level: float
) -> F32:
    return ratings


def _by_low(
    predictor: Predictor, user_rows: Rows, allowed: Mask, ratings: F32, level: float
) -> F32:
    """Rank by the lower ends of intervals, before the scale cuts them.

    Where a level needs more scores than there are all intervals are the scale, and ratings rank.
    """
    lines, items = np.nonzero(allowed)
    shown = predictor.known.scale.clip(ratings[allowed]).astype(np.float32)
    factor, wide = widths(predictor, level, user_rows[lines], items.astype(np.int32), shown)
    ranks = ratings.copy()
    ranks[allowed] = (shown - factor * wide).astype(np.float32) if np.isfinite(factor) else shown
    return ranks


ORDERS: dict[str, Order] = {"rating": _by_rating, "low": _by_low}
"""What lists can be ordered by, of one user, of many, of a group and of a newcomer."""


class Ranked(NamedTuple):
    """Items ranked for some users.

    Attributes:
        ratings: (m, N) unclipped.
        ranks: (m, N) what they are ordered by, the highest first.
    """

    ratings: F32
    ranks: F32


def ranked(
    predictor: Predictor, user_rows: Rows, allowed: Mask, by: str = "rating", level: float = LEVEL
) -> Ranked:
    """Rank items for some users: every list, whomever it is for, comes from here.

    Args:
        predictor: the model, or a newcomer of an interview.
        user_rows: (m,) the users.
        allowed: (m, N) which items may be shown to each.
        by: a name of `ORDERS`.
        level: of the intervals that an order may look at.
    """
    ratings = np.stack([predictor.scores(row) for row in user_rows.tolist()])
    return Ranked(ratings, ORDERS[by](predictor, user_rows, allowed, ratings, level))


class Filter(NamedTuple):
    """Which items may be shown; see `Recommender.recommend`."""

    exclude_rated: bool
    among: Any
    without: Any
    min_ratings: int

    def choice(self, known: Knowledge) -> Mask:
        """Return which items may be shown to whoever hasn't rated them, (N,)."""
        return known.choice(self.among, self.without, self.min_ratings)


def allowed_to(known: Knowledge, user_rows: Rows, choice: Mask, exclude_rated: bool) -> Mask:
    """Return which items of a choice may be shown to each user, (m, N)."""
    allowed = np.tile(choice, (len(user_rows), 1))
    for line, row in enumerate(user_rows.tolist() if exclude_rated else ()):
        if row:
            allowed[line, known.rated(row)] = False
    return allowed


def recommend(
    predictor: Predictor,
    user: Id,
    n: int,
    only: Filter,
    *,
    by: str,
    interval: float | None,
    diversity: float,
    popularity: float,
) -> Answer[Recommendation]:
    """Return the n best items for a user; see `Recommender.recommend`."""
    require_count("n", n)
    require_choice("by", by, tuple(ORDERS))
    require_number("diversity", diversity, 0, 1)
    require_number("popularity", popularity, -1, 1)
    level = LEVEL if interval is None and by == "low" else interval
    known = predictor.known
    row = known.user_ids.rows([user])
    allowed = allowed_to(known, row, only.choice(known), only.exclude_rated)
    ratings, ranks = ranked(predictor, row, allowed, by, LEVEL if level is None else level)
    best = _picked(predictor, ranks[0], np.flatnonzero(allowed[0]), n, diversity, popularity)
    shown = known.scale.clip(ratings[0, best]).astype(np.float32)
    columns = {"item": known.item_ids.ids(best), "title": known.titles(best)}
    columns["rating"] = shown.tolist()
    if level is not None:
        low, high = ends(predictor, level, np.repeat(row, len(best)), best, shown)
        columns |= {"low": low.tolist(), "high": high.tolist()}
    entry = with_columns(Recommendation, tuple(columns))
    return Answer(tuple(map(entry._make, zip(*columns.values(), strict=True))))


def _picked(
    predictor: Predictor,
    ranks: F32,
    left: npt.NDArray[np.integer],
    n: int,
    diversity: float,
    popularity: float,
) -> Rows:
    """Return the rows to show, of those that are left, by what they rank by."""
    if popularity:
        ranks = by_popularity(ranks, left, predictor.known.item_counts, popularity)
    if not diversity:
        return top_rows(ranks, left, n)
    pool = top_rows(ranks, left, max(POOL, 10 * n))
    return varied(ranks, pool, n, lambda row: predictor.correlations("item", row), diversity)


def top_rows(scores: F32, among: npt.NDArray[np.integer], n: int) -> Rows:
    """Return the rows, of those given in rising order, with the n highest scores, best first.

    Equal scores stand in the order of their rows.

    >>> top_rows(np.array([9, 1, 3, 3, 2], np.float32), np.array([1, 2, 3, 4]), 2).tolist()
    [2, 3]
    """
    values = scores[among]
    if n < len(values):
        least = np.partition(values, len(values) - n)[len(values) - n]
        among = among[values >= least]
        values = scores[among]
    order = np.argsort(-values, kind="stable")[:n]
    return among[order].astype(np.int32)
