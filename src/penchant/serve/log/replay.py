"""What events come to in the end, and a model with that put in."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from penchant.errors import DataError, UnsupportedError
from penchant.fold_in.change import Added
from penchant.ids import Id
from penchant.predict.predictor import KEEPS_NONE

Pair = tuple[Id, Id]


class Said(NamedTuple):
    """A rating and its time, or None where it has none."""

    value: float
    seconds: int | None


Effect = Mapping[Pair, Said | None]
"""By user and item the last word on their rating, None for none; in the order of the first word."""


def takes_ratings(model: Any) -> bool:
    """Return whether a model can take ratings."""
    return not model.predictor.can()["ratings"]


def require_living(model: Any) -> None:
    """Raise `UnsupportedError` where a model can't take ratings."""
    why = model.predictor.can()["ratings"]
    if why == KEEPS_NONE:
        _ = model.knowledge.ratings  # raises, and says what to do
    if why:
        raise UnsupportedError(
            f"A {type(model).__name__} can't take in ratings after its training: it is served for "
            f"reading. Serve a MatrixFactorization to take ratings, or train this one again."
        )


def put_in(model: Any, effect: Effect) -> tuple[Any, Added]:
    """Return another model with ratings put in or taken out, and what that did.

    The given model stays as it is, for whoever reads it; the two share what is the same. Ratings
    that are to go and aren't there are passed over.

    Raises:
        DataError: values off the model's scale, or ids of another type.
        UnsupportedError: the model can't take ratings.
    """
    require_living(model)
    made = copy.copy(model)
    gone = held(made, [pair for pair, said in effect.items() if said is None])
    record = made.remove_ratings(*_columns(gone)) if gone else Added()
    given = {pair: said for pair, said in effect.items() if said is not None}
    if given:
        times = _times([said.seconds for said in given.values()], made.newest_time)
        values = [said.value for said in given.values()]
        added = made.add_ratings(*_columns(given), values, times)
        record = Added(added.added, added.changed, record.removed, added.users, added.items)
    return made, record


def held(model: Any, pairs: list[Pair]) -> list[Pair]:
    """Return those pairs that a model has a rating of."""
    if not pairs:
        return []
    known, (users, items) = model.knowledge, _columns(pairs)
    rows = zip(known.user_ids.rows(users), known.item_ids.rows(items), pairs, strict=True)
    return [pair for user, item, pair in rows if user and item and item in known.rated(int(user))]


def with_times(model: Any, given: Mapping[Pair, Said]) -> dict[Pair, Said]:
    """Return ratings with the times that the model gives those without one.

    Raises `DataError` for a time where the model's ratings have none.
    """
    newest = model.newest_time
    for (user, item), said in given.items():
        if said.seconds is not None and newest is None:
            raise DataError(
                f"The model's ratings have no timestamps, so user {user!r}'s rating of item "
                f"{item!r} can't have the timestamp {said.seconds!r}. Leave timestamps out."
            )
    return {
        pair: said if said.seconds is not None else said._replace(seconds=newest)
        for pair, said in given.items()
    }


def _columns(pairs: Iterable[Pair]) -> tuple[list[Id], list[Id]]:
    columns = list(zip(*pairs, strict=True))
    return list(columns[0]), list(columns[1])


def _times(seconds: list[int | None], newest: int | None) -> list[int] | None:
    if newest is None:
        return None
    return [newest if stamp is None else stamp for stamp in seconds]
