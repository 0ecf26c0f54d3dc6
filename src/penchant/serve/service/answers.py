"""What goes into a service and what comes out of it, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from penchant.ids import Id


class Rating(NamedTuple):
    """A rating to take in.

    Attributes:
        user: an id, of the type of the model's ids.
        item: an id.
        value: on the model's scale.
        timestamp: seconds since 1970, where the model's ratings have times; the newest time that
            the model was trained with if None.
    """

    user: Id
    item: Id
    value: float
    timestamp: int | None = None


class Plain:
    """Frozen data that goes to and comes back from JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Make it of what `to_json` gave."""
        return cls(**plain)


@dataclasses.dataclass(frozen=True)
class Written(Plain):
    """What a write did; it is in the log and in the next answer.

    Attributes:
        position: of its last event in the log.
        added: ratings of pairs that had none.
        changed: ratings that replaced another.
        removed: ratings that are gone.
        users: users that are new, or gone with their last rating.
        items: the same of items.
    """

    position: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    users: int = 0
    items: int = 0


@dataclasses.dataclass(frozen=True)
class ModelInfo(Plain):
    """A bundle that the server keeps.

    Attributes:
        name: what `activate` takes.
        kind: of recommender; empty where its card cannot be read.
        created: when it came here, UTC; None where the log knows nothing of it.
        scores: what its training measured last, or at its best epoch.
        active: whether it answers now.
        size: bytes.
        position: how much of the log it holds.
        problem: why it cannot be used; None where it can.
    """

    name: str
    kind: str
    created: str | None
    scores: dict[str, float]
    active: bool
    size: int
    position: int
    problem: str | None = None


@dataclasses.dataclass(frozen=True)
class Status(Plain):
    """How a service is.

    Attributes:
        ready: whether the model that answers is up to date, and ratings can be written: whether the
            log was there when it was last asked. Answers go on meanwhile.
        active: the name of the model.
        takes_ratings: whether the model can take ratings.
        position: how much of the log the answers hold.
        events: how many events came after the model's bundle.
        reachable: whether the log was there when it was last asked, at most a second ago.
        problems: what the keeper of the server is to know, a line each.
    """

    ready: bool
    active: str
    takes_ratings: bool
    position: int
    events: int
    reachable: bool
    problems: tuple[str, ...] = ()
