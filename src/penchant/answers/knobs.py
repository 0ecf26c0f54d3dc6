"""Knobs of a list of recommendations: more varied, better or less known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows

Alike = Callable[[int], F32]
"""Returns how an item row correlates with each, (N,)."""

POOL = 200
"""A varied list is picked from so many of the best; a long one from ten times its length."""


def by_popularity(
    ranks: F32, among: npt.NDArray[np.integer], counts: npt.NDArray[np.integer], weight: float
) -> F32:
    """Return what to order by, (N,) float32, where better or less known items are wanted.

    ``rank + weight · sd(rank) · z``, z = ln(1 + number of ratings) standardised, both over `among`:
    with weight 1 an item that is known by a standard deviation more stands as high as one that is
    rated higher by a standard deviation. Negative weights bring up what is little known.

    >>> ranks, counts = np.array([0, 3, 3.2, 4], np.float32), np.array([0, 99, 9, 0])
    >>> print(by_popularity(ranks, np.array([1, 2, 3]), counts, 1.0)[1:].round(2))
    [3.53 3.2  3.47]
    """
    if not len(among):
        return ranks
    known = np.log1p(counts[among].astype(np.float64))
    spread = float(known.std())
    ordered = ranks.astype(np.float32, copy=True)
    if spread:
        z = (known - known.mean()) / spread
        ordered[among] += (weight * float(ranks[among].std()) * z).astype(np.float32)
    return ordered


def varied(ranks: F32, pool: Rows, n: int, alike: Alike, weight: float) -> Rows:
    """Return n rows of a pool, picked one by one, each unlike those before it.

    The next is the one with the largest ``(1 − weight) z − weight · max ρ``: z its rank, 0 for the
    worst of the pool and 1 for the best, ρ its correlation with an item that is picked already
    (maximal marginal relevance: Carbonell & Goldstein 1998).

    Args:
        ranks: (N,) what to order by.
        pool: the rows to pick from, best first.
        n: how many.
        alike: returns the correlations of a row.
        weight: 0 for the best alone, 1 for the least alike.
    """
    values = ranks[pool].astype(np.float64)
    span = float(values[0] - values[-1]) if len(pool) else 0.0
    worth = (1 - weight) * (values - values[-1:]) / max(span, 1e-9)
    nearest = np.full(len(pool), -np.inf)
    picked: list[int] = []
    for _ in range(min(n, len(pool))):
        scores = worth - weight * np.where(np.isfinite(nearest), nearest, 0.0)
        scores[picked] = -np.inf
        place = int(np.argmax(scores))
        picked.append(place)
        nearest = np.maximum(nearest, np.nan_to_num(alike(int(pool[place]))[pool]))
    rows: Rows = pool[picked].astype(np.int32)
    return rows
