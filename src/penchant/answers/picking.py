"""Why somebody would pick an item: what each earlier pick adds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penchant.choices.model import FLOOR
from penchant.ids import Id
from penchant.predict.predictor import Predictor


class PickedBefore(NamedTuple):
    """One item that the user picked before, and what it adds to the probability.

    Attributes:
        item: its id.
        title: its title, or None.
        share: what it adds.
    """

    item: Id
    title: str | None
    share: float


class Picked(NamedTuple):
    """How probable it is that a user picks an item, and why.

    Attributes:
        probability: of the pick, liked or not.
        total: what the shares sum to; the probability, but for its bounds: at most 1, and at least
            a hundredth of the share of all users who picked the item.
        before: the user's picks, those that add most first.
    """

    probability: float
    total: float
    before: tuple[PickedBefore, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {**self._asdict(), "before": [one._asdict() for one in self.before]}


def picked(predictor: Predictor, user_row: int, item_row: int) -> Picked | None:
    """Return why a user would pick an item; None where picks, or ratings, are not known."""
    known = predictor.known
    somebody = bool(known.user_counts[user_row])
    if known.choices is None or (somebody and not predictor.keeps_ratings):
        return None
    mine = known.rated(user_row) if somebody else np.zeros(0, np.int32)
    shares = (known.choices.gain * known.choices.terms(item_row, mine)).astype(np.float64)
    total, share = np.float32(shares.sum()), known.shares[item_row]
    likely = np.clip(total, FLOOR * share, 1) if len(mine) else share
    order = np.argsort(-np.abs(shares), kind="stable")
    rows = mine[order]
    columns = zip(known.item_ids.ids(rows), known.titles(rows), shares[order].tolist(), strict=True)
    before = tuple(PickedBefore(*one) for one in columns)
    return Picked(float(likely), float(total), before)
