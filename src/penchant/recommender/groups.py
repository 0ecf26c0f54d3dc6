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


class Groups:
    """Recommendations for several users together, for every recommender."""

    @property
    @abstractmethod
    def knowledge(self) -> Knowledge:
        """Ids, scale, side tables and counts of the training data."""

    @abstractmethod
    def _score_users(self, user_rows: Rows) -> Floats:
        """Return the unclipped ratings of some users for every item row, (m, N) float32."""

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
    ) -> Answer[Shared]:
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

        Raises:
            SettingsError: no members, a member who is named twice, or another way.
            UnsupportedError: `exclude_rated` where the bundle was saved without ratings.
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
        columns = (known.item_ids.ids(best), known.titles(best), shown.tolist(), *ends, pays)
        return Answer(tuple(Shared(*one) for one in zip(*columns, strict=True)))


def _members(users: Any) -> list[Id]:
    members = list(listed(users))
    require(bool(members), "A group has at least one member; received none. Name their ids.")
    for place, member in enumerate(members):
        if member in members[:place]:
            raise SettingsError(f"The group names user {member!r} twice. Name each member once.")
    return members
