"""Several recommenders in one bundle: each in a section of its own, under a prefix of its names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penchant.errors import BundleError, DataError
from penchant.recommender.base import Recommender
from penchant.recommender.blending.stacking import Weights
from penchant.settings import require
from penchant.storage import storage


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


def members_of(stored: storage.Stored, network: Any = None) -> tuple[Recommender, ...]:
    """Return the members of a saved blend, none of them a blend.

    Args:
        stored: the opened bundle.
        network: the function that builds the network of those members that hold numbers alone.

    Raises `BundleError` where one isn't whole, `SettingsError` where one needs `network` and it
    isn't given, or where it is given and none needs it.
    """
    from penchant.recommender.opening import kind_class, recommender_of

    members, needed = [], False
    for section in _sections(stored):
        needs = getattr(kind_class(section.bundle.kind), "needs_builder", False)
        members.append(recommender_of(section, network if needs else None))
        needed |= needs
    require(needed or network is None, "No member of this blend takes a network: leave it out.")
    return tuple(members)


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


def _sections(stored: storage.Stored) -> Iterator[storage.Stored]:
    from penchant.recommender.opening import require_known

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
        require_known(section)
        yield stored._replace(bundle=section)


def _prefix(place: int) -> str:
    return f"member_{place}."
