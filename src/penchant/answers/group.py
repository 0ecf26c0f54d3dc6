"""Items for a group: what suits all of its members, and who pays for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from penchant.answers.group_intervals import of_average, of_extreme
from penchant.answers.lists import Answer, Shared, with_columns
from penchant.answers.recommend import ORDERS, Filter, Terms, allowed_to, ranked, top_rows
from penchant.arrays import F32, Rows
from penchant.errors import SettingsError
from penchant.ids import Id
from penchant.model.known import listed
from penchant.predict.intervals import normal_factor, widths
from penchant.predict.predictor import Predictor
from penchant.settings import require, require_choice, require_count

How = Literal["average", "least misery", "most pleasure"]

_WAYS: dict[str, Callable[..., Any]] = {
    "average": np.mean,
    "least misery": np.min,
    "most pleasure": np.max,
}


def recommend_group(
    predictor: Predictor,
    users: Any,
    n: int,
    how: How,
    only: Filter,
    *,
    interval: float | None,
    by: str,
    liked: float | None,
) -> Answer[Shared]:
    """Return the n items that suit a group best; see `Recommender.recommend_group`.

    What each item ranks by for the group is ``how`` of what it ranks by for the members.
    """
    require_count("n", n)
    require_choice("how", how, tuple(_WAYS))
    members = _members(users)
    known = predictor.known
    rows = known.user_ids.rows(members)
    choice = allowed_to(known, rows, only.choice(known), only.exclude_rated).all(axis=0)
    require_choice("by", by, tuple(ORDERS))
    terms = Terms.of(known, liked, interval)
    found = ranked(predictor, rows, np.tile(choice, (len(rows), 1)), by, terms)
    ranks = _WAYS[how](found.ranks, axis=0).astype(np.float32)
    best = top_rows(ranks, np.flatnonzero(choice), n)
    scores = _WAYS[how](found.ratings, axis=0).astype(np.float32)[best]
    ratings = found.ratings[:, best]
    columns: dict[str, list[Any]] = {"item": known.item_ids.ids(best), "title": known.titles(best)}
    columns["score"] = known.scale.clip(scores).tolist()
    if interval is not None:
        low, high = _ends(predictor, how, interval, rows, best, ratings)
        columns |= {"low": low, "high": high}
    columns["lowest"] = known.scale.clip(ratings.min(axis=0)).tolist()
    columns["highest"] = known.scale.clip(ratings.max(axis=0)).tolist()
    columns["pays"] = [members[place] for place in ratings.argmin(axis=0).tolist()]
    entry = with_columns(Shared, tuple(columns))
    return Answer(tuple(map(entry._make, zip(*columns.values(), strict=True))))


def _ends(
    predictor: Predictor, how: How, level: float, users: Rows, items: Rows, ratings: F32
) -> list[list[float]]:
    """Return the ends of the intervals of a group's scores of some items."""
    scale = predictor.known.scale
    clipped = scale.clip(ratings).astype(np.float32)
    pairs = np.repeat(users, len(items)), np.tile(items, len(users))
    factor, wide = widths(predictor, level, *pairs, clipped.ravel())
    deviations = factor / normal_factor(level) * wide.reshape(ratings.shape)
    if how == "average":
        found = of_average(clipped, deviations, level)
    else:
        found = of_extreme(clipped, deviations, level, least=how == "least misery")
    return [scale.clip(end).astype(np.float32).tolist() for end in found]


def _members(users: Any) -> list[Id]:
    members = list(listed(users))
    require(bool(members), "A group has at least one member; received none. Name their ids.")
    for place, member in enumerate(members):
        if member in members[:place]:
            raise SettingsError(f"The group names user {member!r} twice. Name each member once.")
    return members
