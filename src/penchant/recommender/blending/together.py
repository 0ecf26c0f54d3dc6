"""What the members of a blend do as one: take ratings in and out, forget, explain."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from penchant.answers.explanation import Again, Explanation, Reason, Term
from penchant.answers.picking import picked
from penchant.answers.rate import seconds_of
from penchant.errors import UnsupportedError
from penchant.fold_in.forget import Receipt
from penchant.ids import Id
from penchant.predict.by_factors import FactorPredictor
from penchant.recommender.base import Recommender
from penchant.recommender.blending.blended import BlendPredictor

_CONSTANT = "the blend's own constant"

T = TypeVar("T")


def changed(
    predictor: BlendPredictor, what: str, act: Callable[[Any], T]
) -> tuple[BlendPredictor, list[T]]:
    """Return the blend whose members have all done something, and what each said.

    The members here are copies, so where one of them refuses nothing has changed. Raises
    `UnsupportedError` for the first that is of a kind that can't do it.
    """
    _require_able(predictor, what, range(len(predictor.members)))
    members = tuple(copy.copy(member) for member in predictor.members)
    said = [act(member) for member in members]
    known = members[0].knowledge
    return dataclasses.replace(predictor, members=members, known=known), said


def receipt(predictor: BlendPredictor, receipts: list[Receipt]) -> Receipt:
    """Return the one receipt of all members, whose weights stay, and it says so."""
    names = [part.name for part in predictor.weights]
    before, after = (
        {
            f"{name}: {array}": digest
            for name, one in zip(names, receipts, strict=True)
            for array, digest in getattr(one, when).items()
        }
        for when in ("before", "after")
    )
    remains = dict.fromkeys(told for one in receipts for told in one.remains)
    mixed = "the weights of the blend's members, learned from all users' ratings"
    last = receipts[-1]
    return Receipt(
        last.ratings, max(r.items for r in receipts), max(r.users for r in receipts),
        last.when, before, after, (*remains, mixed),
    )  # fmt: skip


def explain(predictor: BlendPredictor, user: Id, item: Id, timestamp: Any) -> Explanation:
    """Take the prediction for a user and an item apart; see `Blend.explain`."""
    known, weights = predictor.known, predictor.weights
    rows = known.user_ids.rows([user]), known.item_ids.rows([item])
    seconds = seconds_of(predictor, timestamp, 1)
    weighing = [place for place, part in enumerate(weights) if part.weight]
    _require_able(predictor, "explain", weighing)
    parts = []
    for place in weighing:
        member: Any = predictor.members[place]
        stamp = timestamp if member.reads_time else None
        parts.append((weights[place].weight, member.explain(user, item, timestamp=stamp)))
        _require_summing(weights[place].name, parts[-1][1])
    prediction = predictor.predict(*rows, seconds)
    return Explanation(
        user, item, known.titles(rows[1])[0], known.scale,
        (*_terms(parts), Term("constant", _CONSTANT, weights.constant)), _reasons(parts),
        float(prediction[0]), float(known.scale.clip(prediction)[0]),
        tuple(dict.fromkeys(note for _, one in parts for note in one.notes)),
        _again(parts, weights.constant),
        picked=picked(predictor, int(rows[0][0]), int(rows[1][0])),
    )  # fmt: skip


def _require_able(predictor: BlendPredictor, what: str, places: Iterable[int]) -> None:
    for place in places:
        member: Recommender = predictor.members[place]
        if not isinstance(member.predictor, FactorPredictor):
            raise UnsupportedError(
                f"A blend can {what} where all of its members can, and "
                f"{predictor.weights[place].name!r}, a {type(member).__name__}, can't. Blend "
                f"matrix factorisations alone for that."
            )


def _require_summing(name: str, one: Explanation) -> None:
    """Raise `UnsupportedError` where a member's terms don't sum to its prediction."""
    if abs(one.total - one.prediction) > 1e-3:
        raise UnsupportedError(
            f"The terms of {name!r} sum on a scale of their own, not on that of the ratings, so "
            f"the blend can't be taken apart. Ask model.parts for each."
        )


def _terms(told: list[tuple[float, Explanation]]) -> list[Term]:
    """Return weighted sums of terms: by kind, and by what a side column says."""
    labels: dict[tuple[str, str], str] = {}
    sums: dict[tuple[str, str], float] = {}
    for weight, one in told:
        for term in one.terms:
            key = term.kind, term.label if term.kind == "side" else ""
            labels.setdefault(key, term.label)
            sums[key] = sums.get(key, 0.0) + weight * term.share
    return [Term(key[0], labels[key], share) for key, share in sums.items()]


def _reasons(told: list[tuple[float, Explanation]]) -> tuple[Reason, ...]:
    """Return the user's ratings with weighted sums of their shares, those first that pull most."""
    found: dict[Id, Reason] = {}
    for weight, one in told:
        for reason in one.reasons:
            old = found.get(reason.item)
            added = [weight * x for x in (reason.share, reason.rated, reason.slope)]
            if old is not None:
                added = [
                    a + b for a, b in zip((old.share, old.rated, old.slope), added, strict=True)
                ]
            found[reason.item] = Reason(reason.item, reason.title, reason.rating, *added)
    return tuple(sorted(found.values(), key=lambda reason: -abs(reason.share)))


def _again(told: list[tuple[float, Explanation]], constant: float) -> Again | None:
    """Return what solves the row again in each member; None where one of them can't."""
    if any(one._again is None for _, one in told):
        return None

    def changed(item: Id, rating: float | None) -> float:
        return constant + sum(weight * one.would_be(item, rating) for weight, one in told)

    return changed
