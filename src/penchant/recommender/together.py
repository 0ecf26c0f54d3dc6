"""What several recommenders can do as one after the training: what each of them can."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penchant.errors import UnsupportedError
from penchant.ids import Id
from penchant.recommender.base import Recommender
from penchant.recommender.changing import Added
from penchant.recommender.explanation import Again, Explanation, Reason, Term
from penchant.recommender.forgetting import Receipt
from penchant.recommender.stacking import Weights

_CONSTANT = "the blend's own constant"


class Together(Recommender):
    """The life of a blend: ratings that come and go, and reasons, where all members have them."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Recommender, ...]:
        """The trained members."""

    @property
    @abstractmethod
    def weights(self) -> Weights:
        """What they count."""

    def add_ratings(self, users: Any, items: Any, values: Any, *more: Any, **columns: Any) -> Added:
        """Take in ratings in each member; see `MatrixFactorization.add_ratings`.

        The weights stay as they were learned.

        Raises:
            UnsupportedError: a member can't.
            DataError: as for one model. Nothing has changed then.
        """
        with self._at_once("add_ratings") as members:
            done = [m.add_ratings(users, items, values, *more, **columns) for m in members]
        told: Added = done[0]
        return told

    def remove_ratings(self, users: Any, items: Any) -> Added:
        """Take ratings out of each member; see `MatrixFactorization.remove_ratings`.

        Raises:
            UnsupportedError: a member can't.
            UnknownIdError: a pair has no rating. Nothing has changed then.
        """
        with self._at_once("remove_ratings") as members:
            done = [m.remove_ratings(users, items) for m in members]
        told: Added = done[0]
        return told

    def forget(self, user: Id) -> Receipt:
        """Take a user out of each member; see `MatrixFactorization.forget`.

        The receipt holds the arrays of all members; the weights, a handful of numbers that were
        learned from all users' ratings together, stay, and it says so.

        Raises:
            UnsupportedError: a member can't.
            UnknownIdError: an unknown id. Nothing has changed then.
        """
        with self._at_once("forget") as members:
            receipts = [m.forget(user) for m in members]
        names = [part.name for part in self.weights]
        before, after = (
            {
                f"{name}: {array}": digest
                for name, receipt in zip(names, receipts, strict=True)
                for array, digest in getattr(receipt, when).items()
            }
            for when in ("before", "after")
        )
        remains = dict.fromkeys(told for receipt in receipts for told in receipt.remains)
        mixed = "the weights of the blend's members, learned from all users' ratings"
        last = receipts[-1]
        return Receipt(
            last.ratings, max(r.items for r in receipts), max(r.users for r in receipts),
            last.when, before, after, (*remains, mixed),
        )  # fmt: skip

    def explain(self, user: Id, item: Id, *, timestamp: Any = None) -> Explanation:
        """Take the prediction for a user and an item apart; see `MatrixFactorization.explain`.

        A blend is a weighted sum, so each of its terms is the weighted sum of its members' terms of
        that kind, and so are the shares of the user's ratings; its own constant is one more term.

        Raises:
            DataError: an id of the wrong type.
            UnsupportedError: a member with weight can't explain, or sums on another scale than
                that of the ratings; or a timestamp where no member reads it.
        """
        known = self.knowledge
        rows = known.user_ids.rows([user]), known.item_ids.rows([item])
        seconds = self._seconds(timestamp, 1)
        members = self._able("explain", weighing=True)
        told = [
            (weight, m.explain(user, item, timestamp=timestamp if m.reads_time else None))
            for weight, m in members
        ]
        self._require_summing([explanation for _, explanation in told])
        prediction = self._predict_rows(*rows, seconds)
        return Explanation(
            user, item, known.titles(rows[1])[0], known.scale,
            (*_terms(told), Term("constant", _CONSTANT, self.weights.constant)), _reasons(told),
            float(prediction[0]), float(known.scale.clip(prediction)[0]),
            tuple(dict.fromkeys(note for _, one in told for note in one.notes)),
            _again(told, self.weights.constant),
        )  # fmt: skip

    def _able(self, what: str, *, weighing: bool = False) -> list[tuple[float, Any]]:
        """Return weights and members; raise `UnsupportedError` for the first that can't do it."""
        found = []
        for part, member in zip(self.weights, self.parts, strict=True):
            if weighing and not part.weight:
                continue
            if not callable(getattr(member, what, None)):
                raise UnsupportedError(
                    f"A blend can {what} where all of its members can, and {part.name!r}, a "
                    f"{type(member).__name__}, can't. Blend matrix factorisations alone for that."
                )
            found.append((part.weight, member))
        return found

    @contextmanager
    def _at_once(self, what: str) -> Iterator[list[Any]]:
        """Yield the members to change: all of them, or none where one of them refuses."""
        members = [member for _, member in self._able(what)]
        before = [dict(member.__dict__) for member in members]
        try:
            yield members
        except BaseException:
            for member, state in zip(members, before, strict=True):
                member.__dict__.clear()
                member.__dict__.update(state)
            raise
        self._knowledge = self.parts[0].knowledge

    def _require_summing(self, told: list[Explanation]) -> None:
        """Raise `UnsupportedError` where a member's terms don't sum to its prediction."""
        for part, one in zip([p for p in self.weights if p.weight], told, strict=True):
            if abs(one.total - one.prediction) > 1e-3:
                raise UnsupportedError(
                    f"The terms of {part.name!r} sum on a scale of their own, not on that of the "
                    f"ratings, so the blend can't be taken apart. Ask model.parts for each."
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
