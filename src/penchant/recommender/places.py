"""Where items lie on a map: near each other where the same users are predicted to like them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from penchant.arrays import F64, Rows
from penchant.ids import Id
from penchant.predict.by_factors import FactorPredictor
from penchant.recommender.base import Recommender
from penchant.settings import require_count

MOST = 20_000
"""So many items are placed, those with the most ratings."""

_PAIRS = 2**19  # predictions that place the items of a model without factors
_LEAST_USERS = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Places:
    """Items on a plane, the most rated first; equal ones stand in the order of their rows.

    Attributes:
        items: (n,) ids.
        titles: (n,) titles, or None where there are none.
        x: (n,) float64, in rating units.
        y: (n,) float64.
        ratings: (n,) training ratings of each.
        total: how many items the model knows.
        shares: the shares of the spread that the two directions hold.
    """

    items: list[Id]
    titles: list[str | None] | None
    x: F64
    y: F64
    ratings: list[int]
    total: int
    shares: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Return the places as columns of JSON-able values."""
        return {
            "items": self.items,
            "titles": self.titles,
            "x": self.x.round(4).tolist(),
            "y": self.y.round(4).tolist(),
            "ratings": self.ratings,
            "total": self.total,
            "shares": list(self.shares),
        }


def places(model: Recommender, most: int = MOST) -> Places:
    """Place the items of a trained model on a plane.

    An item is the vector of its predicted deviations, one for each user: what is left of a rating
    once the user's and the item's own level are taken out. The plane holds the two directions in
    which these vectors spread most (principal components), divided by √(number of users), so that
    the distance of two items is about the root of the mean squared difference between what users
    are predicted to feel about them, in rating units. No rotation of the factors' basis matters.

    A matrix factorisation is placed by its factors, over all users with ratings:
    ``z_i = C^½ q_i`` with C the covariance of their p_u. Other models are asked for the predictions
    of the users with the most ratings. Items without ratings are left out.

    Args:
        model: a trained recommender of any kind.
        most: so many items, those with the most ratings.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> found = places(pc.MatrixFactorization(2, "als").fit(ratings, progress=False), most=10)
    >>> found.x.shape, found.total, sum(found.shares) > 0.99
    ((10,), 40, True)
    """
    require_count("most", most)
    known = model.knowledge
    busiest = np.argsort(-known.item_counts[1:], kind="stable")[:most].astype(np.int32) + 1
    rows: Rows = busiest[known.item_counts[busiest] > 0]
    xy, shares = _plane(_vectors(model, rows))
    titles = known.titles(rows)
    return Places(
        items=known.item_ids.ids(rows),
        titles=titles if any(title is not None for title in titles) else None,
        x=xy[:, 0],
        y=xy[:, 1],
        ratings=known.item_counts[rows].tolist(),
        total=len(known.item_ids),
        shares=shares,
    )


def _vectors(model: Recommender, rows: Rows) -> F64:
    """Return what places each item, (n, D); distances are in rating units."""
    trained = model.knowledge.user_counts > 0
    one = model.predictor
    if isinstance(one, FactorPredictor) and one.stars is None:
        users = one.factors.user_factors[trained].astype(np.float64)
        users -= users.mean(axis=0)
        values, basis = np.linalg.eigh(users.T @ users / len(users))
        root = basis * np.sqrt(np.maximum(values, 0))
        found: F64 = one.factors.item_factors[rows].astype(np.float64) @ root
        return found
    asked = max(_LEAST_USERS, _PAIRS // max(len(rows), 1))
    busiest = np.argsort(-model.knowledge.user_counts, kind="stable")[:asked]
    users_asked = np.sort(busiest[trained[busiest]]).astype(np.int32)
    table = np.stack([one.scores(user)[rows] for user in users_asked.tolist()], axis=1)
    found = table.astype(np.float64) / np.sqrt(len(users_asked))
    found -= found.mean(axis=1, keepdims=True)
    return found


def _plane(vectors: F64) -> tuple[F64, tuple[float, float]]:
    """Return the places on the two directions of the largest spread, and their shares of it."""
    centred = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    values, basis = np.linalg.eigh(centred.T @ centred)
    values, basis = np.maximum(values[::-1], 0), basis[:, ::-1]
    xy = np.zeros((len(vectors), 2))
    width = min(2, basis.shape[1])
    xy[:, :width] = centred @ basis[:, :width]
    for axis in range(2 if len(xy) else 0):  # a direction has no sign of its own: pick one
        if xy[np.abs(xy[:, axis]).argmax(), axis] < 0:
            xy[:, axis] *= -1
    total = float(values.sum())
    held = [float(v) / total if total > 0 else 0.0 for v in [*values[:2].tolist(), 0.0, 0.0][:2]]
    return xy, (held[0], held[1])
