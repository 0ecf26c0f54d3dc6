"""Several recommenders in one bundle: each in a section of its own, under a prefix of its names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penchant.errors import BundleError, DataError
from penchant.recommender import storage
from penchant.recommender.base import Recommender
from penchant.recommender.stacking import Weights


def saved(members: Sequence[Recommender], weights: Weights, ratings: bool) -> storage.Saved:
    """Return what members are made of again, in one: arrays of member m begin with ``member_m.``.

    Ids, side tables and ratings are those of all.
    """
    cards: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    posterior: dict[str, Any] = {}
    for place, member in enumerate(members):
        one, prefix = member._saved(ratings), _prefix(place)
        cards.append({"kind": member.kind, "card": one.card})
        arrays |= {f"{prefix}{name}": array for name, array in one.weights.items()}
        posterior |= {f"{prefix}{name}": a for name, a in (one.posterior or {}).items()}
    return storage.Saved({"blend": weights.card(), "members": cards}, arrays, posterior or None)


def members_of(stored: storage.Stored) -> tuple[Recommender, ...]:
    """Return the members of a saved blend, none of them a blend.

    Raises `BundleError` where one isn't whole.
    """
    return tuple(_members(stored))


def weights_of(stored: storage.Stored) -> Weights:
    """Return the weights of a saved blend; raise `BundleError` unless there is one a member."""
    opened = stored.bundle
    try:
        weights = Weights.from_card(opened.card.get("blend"))
    except DataError as error:
        raise BundleError(f"{opened.folder}, card.json: {error}") from error
    members = len(storage.entry(opened, "members", list))
    if len(weights) != members:
        raise BundleError(
            f"{opened.folder} holds {members} members of a blend and {len(weights)} weights. It is "
            f"damaged; save the model again."
        )
    return weights


def _members(stored: storage.Stored) -> Iterator[Recommender]:
    from penchant.recommender.opening import recommender_of

    opened = stored.bundle
    for place, said in enumerate(storage.entry(opened, "members", list)):
        said = said if isinstance(said, dict) else {}
        card, kind = said.get("card"), said.get("kind")
        if not isinstance(card, dict) or not isinstance(kind, str) or kind == "blend":
            raise BundleError(
                f"{opened.folder}, card.json: member {place} of the blend is no recommender, or "
                f"is a blend itself. The bundle is damaged; save the model again."
            )
        section = opened.section(_prefix(place), kind, card)
        yield recommender_of(stored._replace(bundle=section))


def _prefix(place: int) -> str:
    return f"member_{place}."
