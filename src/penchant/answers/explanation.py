"""Explanation: what one prediction is made of, as plain data that prints well."""

from __future__ import annotations

import dataclasses
from textwrap import wrap
from typing import Any, NamedTuple, Protocol

from penchant.answers.picking import Picked, PickedBefore
from penchant.errors import UnsupportedError
from penchant.ids import Id
from penchant.ratings import Scale

MOST_REASONS = 3
"""So many ratings are told in words."""

_WIDTH = 78  # cells
_TITLE = 36  # cells of a title in a sentence, so that the sentence fits 80


class Term(NamedTuple):
    """One addend of a prediction.

    Attributes:
        kind: "mean", "severity", "quality", "ratings", "rated", "count", "side", "prior", "day",
            or, where there is no posterior, "learned".
        label: the same in words.
        share: what it adds, in rating units, or on the latent scale.
    """

    kind: str
    label: str
    share: float


class Reason(NamedTuple):
    """One of the user's own ratings, and what it does to the prediction.

    Attributes:
        item: its id.
        title: its title, or None.
        rating: what the user gave.
        share: what the rating adds, by how far it is from what severity and quality would say.
        rated: what it adds that the item was rated at all.
        slope: by how much the prediction rises for each unit that the rating rises, as long as that
            leaves the weight of the user's noise alone; `Explanation.would_be` is exact.
    """

    item: Id
    title: str | None
    rating: float
    share: float
    rated: float
    slope: float


class Again(Protocol):
    """Solves the user's row once more with one rating changed."""

    def __call__(self, item: Id, rating: float | None) -> float:
        """Return the unclipped prediction."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What the prediction of one user's rating of one item is made of.

    The terms sum to the unclipped prediction; clipping it to the scale gives the rating. Those of
    an ordinal model sum to `latent`, and the stars make the expected rating of that
    (`penchant.stars`).

    Attributes:
        user: the user's id.
        item: the item's id.
        title: the item's title, or None.
        scale: the rating scale.
        terms: the addends.
        reasons: the user's own ratings, those that pull most first; their shares sum to the term
            "ratings", and their `rated` to the term "rated".
        prediction: the unclipped prediction, as the model's `predict` gives it.
        rating: the prediction, clipped.
        notes: what else there is to know of it, a sentence each.
        latent: the latent value of an ordinal model; None for others.
        picked: how probable it is that the user picks the item, and why; None where that was not
            learnt.
    """

    user: Id
    item: Id
    title: str | None
    scale: Scale
    terms: tuple[Term, ...]
    reasons: tuple[Reason, ...]
    prediction: float
    rating: float
    notes: tuple[str, ...] = ()
    _again: Again | None = dataclasses.field(default=None, repr=False, compare=False)
    latent: float | None = None
    picked: Picked | None = None

    @property
    def total(self) -> float:
        """The sum of the terms."""
        return sum(term.share for term in self.terms)

    def would_be(self, item: Id, rating: float | None) -> float:
        """Return what the unclipped prediction would be, had one rating been different.

        It is exact: the user's row is solved again, from the ratings with that one changed. The
        items' rows stay as they are.

        Args:
            item: an item that the user rated, or hasn't.
            rating: what the user might have given it, on the scale; None for no rating.

        Raises:
            UnknownIdError: the model doesn't know the item, or there is no rating to leave out.
            SettingsError: a rating off the scale.
            UnsupportedError: a model without a posterior.
        """
        if self._again is None:
            raise UnsupportedError(
                "This model can't tell what another rating would change: its solver keeps no "
                "posterior. Train it with solver='gibbs'."
            )
        return self._again(item, rating)

    def instead(self) -> tuple[Reason, float, float] | None:
        """Return the rating that pulls most, its opposite, and the prediction with that.

        The opposite is the end of the scale that is farther from the rating. None where there is no
        rating or no posterior.
        """
        if self._again is None or not self.reasons:
            return None
        first, (low, high) = self.reasons[0], (self.scale.low, self.scale.high)
        opposite = low if first.rating - low > high - first.rating else high
        return first, opposite, self.would_be(first.item, opposite)

    def sentences(self) -> list[str]:
        """Return in words what pulls most, what would be otherwise, why to pick it, and notes."""
        told = [
            f"You gave {_named(reason)} {amount(reason.rating, self.scale)}: {reason.share:+.2f}"
            for reason in self.reasons[:MOST_REASONS]
        ]
        instead = self.instead()
        if instead is not None:
            reason, opposite, prediction = instead
            told.append(
                f"Had you given {_named(reason)} {amount(opposite, self.scale)}, it would be "
                f"{prediction:.2f}."
            )
        return [*told, *self._picks(), *self.notes]

    def _picks(self) -> list[str]:
        if self.picked is None:
            return []
        speaking = [one for one in self.picked.before[:MOST_REASONS] if one.share > 0]
        because = ", ".join(f"{_named(one)} ({one.share:+.1%})" for one in speaking)
        likely = f"That you pick it has a probability of {self.picked.probability:.1%}"
        return [f"{likely}, most of all since you picked {because}." if because else f"{likely}."]

    def __str__(self) -> str:
        from penchant.tables import one_line, text_table

        rows: list[tuple[str, float]] = [(term.label, term.share) for term in self.terms]
        if self.latent is not None:
            rows.append(("together, on the latent scale", self.latent))
            rows.append(("which is an expected rating of", self.prediction))
        else:
            rows.append(("together", self.prediction))
        if abs(self.rating - self.prediction) >= 0.005:
            rows.append((f"clipped to the scale {self.scale}", self.rating))
        item = one_line(str(self.item))
        about = f"{_short(self.title)} (item {item})" if self.title else f"item {item}"
        head = f"User {one_line(str(self.user))}, {about}: {self.rating:.2f}"
        columns, formats = ("what adds up", "share"), {"share": "+z.2f"}
        table = text_table(columns, rows, formats=formats, width=_WIDTH)
        told = [line for said in self.sentences() for line in wrap(said, _WIDTH)]
        return "\n".join([head, "", table, "", *told]).rstrip()

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON-able values."""
        instead = self.instead()
        return {
            "user": self.user,
            "item": self.item,
            "title": self.title,
            "rating": self.rating,
            "prediction": self.prediction,
            "latent": self.latent,
            "scale": [self.scale.low, self.scale.high],
            "terms": [term._asdict() for term in self.terms],
            "reasons": [reason._asdict() for reason in self.reasons],
            "instead": None
            if instead is None
            else {"item": instead[0].item, "rating": instead[1], "prediction": instead[2]},
            "sentences": self.sentences(),
            "notes": list(self.notes),
            "picked": None if self.picked is None else self.picked.to_json(),
        }


def amount(rating: float, scale: Scale) -> str:
    """Return a rating in words: stars on a scale of stars.

    >>> amount(4.5, Scale(0.5, 5)), amount(1.0, Scale(1, 5)), amount(7.0, Scale(1, 10))
    ('4.5 stars', '1 star', '7')
    """
    number = f"{rating:.6g}"
    if 0 <= scale.low <= 1 and scale.high == 5:
        return f"{number} star" if rating == 1 else f"{number} stars"
    return number


def _named(reason: Reason | PickedBefore) -> str:
    from penchant.tables import one_line

    return _short(reason.title) if reason.title else f"item {one_line(str(reason.item))}"


def _short(title: str) -> str:
    """Return a title on one line, cut to its cells."""
    from rich.cells import cell_len, set_cell_size

    from penchant.tables import one_line

    line = one_line(str(title))
    return line if cell_len(line) <= _TITLE else f"{set_cell_size(line, _TITLE - 1).rstrip()}…"
