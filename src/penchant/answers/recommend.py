"""What one user is recommended, and the one place that says what lists are ordered by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.answers.knobs import POOL, by_popularity, varied
from penchant.answers.lists import Answer, Recommendation, with_columns
from penchant.arrays import F32, Mask, Rows
from penchant.errors import UnsupportedError
from penchant.ids import Id
from penchant.model.known import Knowledge
from penchant.predict.intervals import LEVEL, ends, widths
from penchant.predict.predictor import Predictor
from penchant.settings import require_choice, require_count, require_number


class Terms(NamedTuple):
    """What an order may look at beside the model.

    Attributes:
        liked: the lowest rating that counts as liking.
        level: of intervals.
    """

    liked: float
    level: float = LEVEL

    @classmethod
    def of(cls, known: Knowledge, liked: float | None, level: float | None = None) -> Terms:
        """Return them; a rating is liked from a quarter below the top of the scale if None."""
        if liked is None:
            liked = known.scale.high - (known.scale.high - known.scale.low) / 4
        require_number("liked", liked, -np.inf)
        return cls(float(liked), LEVEL if level is None else level)


class Ranked(NamedTuple):
    """Items ranked for some users.

    Attributes:
        ratings: (m, N) unclipped.
        ranks: (m, N) what they are ordered by, the highest first.
        probabilities: (m, N) of being picked and liked; None where picks were not learnt.
    """

    ratings: F32
    ranks: F32
    probabilities: F32 | None


class Candidates(NamedTuple):
    """What is ranked, and for whom.

    Attributes:
        predictor: the model, or a newcomer of an interview.
        user_rows: (m,) the users.
        allowed: (m, N) which items may be shown to each.
        ratings: (m, N) unclipped, of `Predictor.scores`.
        picks: (m, N) of `Predictor.picks`, or None.
        terms: what else an order may look at.
    """

    predictor: Predictor
    user_rows: Rows
    allowed: Mask
    ratings: F32
    picks: F32 | None
    terms: Terms


Order = Callable[[Candidates], F32]
"""Returns what each item ranks by for each user, (m, N); only allowed ones count."""


def _by_liking(asked: Candidates) -> F32:
    """Rank by the probability of being picked and liked: by the expected number of liked picks.

    Where picks were not learnt each item is as likely to be picked, and ratings rank.
    """
    liking = liking_of(asked.predictor, asked.ratings, asked.picks, asked.terms)
    return asked.ratings if liking is None else liking


def _by_choice(asked: Candidates) -> F32:
    if asked.picks is None:
        raise UnsupportedError(
            "by='choice' needs a model of who picks what, and this one was trained without. Train "
            "it with choices=True."
        )
    return asked.picks


def _by_rating(asked: Candidates) -> F32:
    return asked.ratings


def _by_low(asked: Candidates) -> F32:
    """Rank by the lower ends of intervals, before the scale cuts them.

    Where a level needs more scores than there are all intervals are the scale, and ratings rank.
    """
    predictor, allowed = asked.predictor, asked.allowed
    lines, items = np.nonzero(allowed)
    shown = predictor.known.scale.clip(asked.ratings[allowed]).astype(np.float32)
    level, users = asked.terms.level, asked.user_rows[lines]
    factor, wide = widths(predictor, level, users, items.astype(np.int32), shown)
    ranks = asked.ratings.copy()
    ranks[allowed] = (shown - factor * wide).astype(np.float32) if np.isfinite(factor) else shown
    return ranks


ORDERS: dict[str, Order] = {
    "liking": _by_liking,
    "rating": _by_rating,
    "low": _by_low,
    "choice": _by_choice,
}
"""What lists can be ordered by, of one user, of many, of a group and of a newcomer."""

By = Literal["liking", "rating", "low", "choice"]


def liking_of(predictor: Predictor, ratings: F32, picks: F32 | None, terms: Terms) -> F32 | None:
    """Return ``P(picked) · P(rating ≥ liked | picked)``, of one shape, or None without picks."""
    if picks is None or predictor.known.choices is None:
        return None
    return picks * predictor.known.choices.liking.probabilities(ratings, terms.liked)


def ranked(predictor: Predictor, user_rows: Rows, allowed: Mask, by: str, terms: Terms) -> Ranked:
    """Rank items for some users: every list, whomever it is for, comes from here.

    Args:
        predictor: the model, or a newcomer of an interview.
        user_rows: (m,) the users.
        allowed: (m, N) which items may be shown to each.
        by: a name of `ORDERS`.
        terms: what an order may look at.
    """
    ratings = np.stack([predictor.scores(row) for row in user_rows.tolist()])
    picks = predictor.picks(user_rows)
    ranks = ORDERS[by](Candidates(predictor, user_rows, allowed, ratings, picks, terms))
    return Ranked(ratings, ranks, liking_of(predictor, ratings, picks, terms))


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
    liked: float | None,
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
    found = ranked(predictor, row, allowed, by, Terms.of(known, liked, level))
    best = _picked(predictor, found.ranks[0], np.flatnonzero(allowed[0]), n, diversity, popularity)
    shown = known.scale.clip(found.ratings[0, best]).astype(np.float32)
    columns = {"item": known.item_ids.ids(best), "title": known.titles(best)}
    columns["rating"] = shown.tolist()
    if found.probabilities is not None:
        columns["probability"] = found.probabilities[0, best].tolist()
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
