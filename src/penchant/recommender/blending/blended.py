"""A fitted blend: trained members and what each counts."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np

from penchant.arrays import F32, F64, Rows
from penchant.model.ledger import Ledger
from penchant.predict.predictor import Predictor, Seconds
from penchant.recommender.base import Recommender
from penchant.recommender.blending.stacking import Weights


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class BlendPredictor(Predictor):
    """A weighted sum of members.

    Attributes:
        members: trained; they stay as they are, a blend that changes has others.
        weights: what they count.
    """

    members: tuple[Recommender, ...]
    weights: Weights

    @property
    def n_parameters(self) -> int:
        """How many trained numbers there are."""
        return sum(member.n_parameters for member in self.members) + len(self.weights) + 1

    def predict(self, user_rows: Rows, item_rows: Rows, seconds: Seconds = None) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32."""

        def of(place: int) -> F32:
            member = self.members[place].predictor
            return member.predict(user_rows, item_rows, seconds if member.reads_time else None)

        return self.weights.combine(user_rows.shape, of)

    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of one user for every item row, (N,) float32."""
        shape = (self.known.item_ids.size,)
        return self.weights.combine(shape, lambda m: self.members[m].predictor.scores(user_row))

    def correlations(self, side: str, row: int) -> F32:
        """Return the weighted mean of the members' correlations."""
        total = np.zeros(getattr(self.known, f"{side}_ids").size)
        for share, member in zip(self.weights.shares().tolist(), self.members, strict=True):
            if share:
                total += share * member.predictor.correlations(side, row).astype(np.float64)
        return total.clip(-1, 1).astype(np.float32)

    def _sure(self) -> list[tuple[float, Predictor]]:
        """Return the members with a posterior, and their shares of the blend's deviation."""
        having = [m for m, member in enumerate(self.members) if member.predictor.has_posterior]
        weights = np.array([self.weights[place].weight for place in having])
        total = weights.sum()
        shares = weights / total if total > 0 else np.full(len(having), 1 / max(len(having), 1))
        return [
            (s, self.members[m].predictor) for s, m in zip(shares.tolist(), having, strict=True)
        ]

    @property
    def has_posterior(self) -> bool:
        """Whether a member has one."""
        return any(member.predictor.has_posterior for member in self.members)

    def deviations(self, user_rows: Rows, item_rows: Rows) -> F64 | None:
        """Return the weighted mean of those members' deviations that have one; None without."""
        total = None
        for share, member in self._sure():
            found = member.deviations(user_rows, item_rows)
            if share and found is not None:
                total = share * found if total is None else total + share * found
        return total

    @cached_property
    def ledger(self) -> Ledger:
        """The ratings as they stand, of all members alike."""
        return self.members[0].predictor.ledger

    def can(self) -> dict[str, str]:
        """Return what the blend can't do: what a member can't that counts there."""
        return {
            **super().can(),
            "interview": "A blend asks no newcomer: ask one of its members, in model.parts.",
        }

    def _can_change(self) -> dict[str, str]:
        return {
            name: next((f"{part!r} can't: {why}" for part, why in self.unable(name)), "")
            for name in ("explain", "ratings", "forget")
        }

    def unable(self, what: str) -> list[tuple[str, str]]:
        """Return name and reason of each member that can't do something the blend needs of it.

        To explain, a blend needs those members alone that have weight.
        """
        found = []
        for part, member in zip(self.weights, self.members, strict=True):
            why = member.predictor.can()[what]
            if what == "explain" and member.predictor.stars is not None:
                why = "The terms of an ordinal model sum on a scale of their own."
            if why and (part.weight or what != "explain"):
                found.append((part.name, why))
        return found
