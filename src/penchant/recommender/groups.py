"""Items for a group: what suits all of its members, and who pays for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.errors import SettingsError
from penchant.ids import Id, Rows
from penchant.recommender.answers import Answer
from penchant.recommender.everyone import top_rows
from penchant.recommender.group_intervals import of_average, of_extreme
from penchant.recommender.intervals import normal_factor
from penchant.recommender.knowledge import Knowledge, listed
from penchant.settings import require, require_choice, require_count

Floats = npt.NDArray[np.float32]
How = Literal["average", "least misery", "most pleasure"]

_WAYS: dict[str, Callable[..., Any]] = {
    "average": np.mean,
    "least misery": np.min,
    "most pleasure": np.max,
}


class Shared(NamedTuple):
    """One item for a group; ratings are predicted, and clipped to the scale."""

    item: Id
    title: str | None
    score: float
    """Of the group, by the chosen way, clipped to the scale."""
    lowest: float
    """The rating of the member who likes it least."""
    highest: float
    """The rating of the member who likes it most."""
    pays: Id
    """Who likes it least; of equals the one who was named first."""


class SharedBounded(NamedTuple):
    """One item for a group, with the interval of the group's score of their true ratings."""

    item: Id
    title: str | None
    score: float
    low: float
    high: float
    lowest: float
    highest: float
    pays: Id


class Groups:
    """Recommendations for several users together, for every recommender."""

    @property
    @abstractmethod
    def knowledge(self) -> Knowledge:
        """Ids, scale, side tables and counts of the training data."""

    @abstractmethod
    def _score_users(self, user_rows: Rows) -> Floats:
        """Return the unclipped ratings of some users for every item row, (m, N) float32."""

    @abstractmethod
    def _widths(
        self, level: float, user_rows: Rows, item_rows: Rows, ratings: Floats
    ) -> tuple[float, npt.NDArray[np.float64]]:
        """Return the factor of a level and what it is of, (n,), for clipped ratings."""

    def recommend_group(
        self,
        users: Any,
        n: int = 10,
        how: How = "average",
        *,
        exclude_rated: bool = True,
        among: Any = None,
        without: Any = None,
        min_ratings: int = 0,
        interval: float | None = None,
    ) -> Answer[Shared] | Answer[SharedBounded]:
        """Return the n items that suit a group of users best, best first.

        A group's score of an item is, over its members' unclipped predicted ratings, ``mean``
        ("average"), ``min`` ("least misery": nobody suffers) or ``max`` ("most pleasure": somebody
        is delighted); Masthoff (2004) compares them with people's own choices. Equal scores stand
        in the order of their rows.

        Args:
            users: the members' ids; a stranger counts as one whom the model knows nothing of.
            n: how many; fewer come back where there are fewer.
            how: the group's score.
            exclude_rated: leave out what any member has rated.
            among: only these items, ids or one id; unknown ones are left out.
            without: not these items, ids or one id.
            min_ratings: only items with at least so many ratings.
            interval: the level of intervals of the score of the members' true ratings, such as 0.9.
                Of several ratings the least is likely to be below the least prediction, so with
                "least misery" the interval lies lower than the score, the more so the larger the
                group; with "most pleasure" higher. docs/intervals.md has how often it holds.

        Raises:
            SettingsError: no members, a member who is named twice, or another way.
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings, or an
                interval of a model that knows none.
        """
        require_count("n", n)
        require_choice("how", how, tuple(_WAYS))
        members = _members(users)
        known = self.knowledge
        rows = known.user_ids.rows(members)
        allowed = known.choice(among, without, min_ratings)
        if exclude_rated:
            for row in rows[rows > 0].tolist():
                allowed[known.rated(row)] = False
        ratings = self._score_users(rows)
        scores = _WAYS[how](ratings, axis=0).astype(np.float32)
        best = top_rows(scores, np.flatnonzero(allowed), n)
        theirs, shown = ratings[:, best], known.scale.clip(scores[best])
        ends = (known.scale.clip(end(theirs, axis=0)).tolist() for end in (np.min, np.max))
        pays = [members[place] for place in theirs.argmin(axis=0).tolist()]
        columns = [known.item_ids.ids(best), known.titles(best), shown.tolist()]
        if interval is None:
            return Answer(tuple(Shared(*one) for one in zip(*columns, *ends, pays, strict=True)))
        columns += self._ends_of_group(how, interval, rows, best, theirs)
        return Answer(tuple(SharedBounded(*one) for one in zip(*columns, *ends, pays, strict=True)))

    def _ends_of_group(
        self, how: How, level: float, users: Rows, items: Rows, ratings: Floats
    ) -> list[list[float]]:
        """Return the ends of the intervals of a group's scores of some items."""
        scale = self.knowledge.scale
        clipped = scale.clip(ratings).astype(np.float32)
        pairs = np.repeat(users, len(items)), np.tile(items, len(users))
        factor, widths = self._widths(level, *pairs, clipped.ravel())
        deviations = factor / normal_factor(level) * widths.reshape(ratings.shape)
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
