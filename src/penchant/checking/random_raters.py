"""Random raters: users who scatter more than others do, and don't follow the items' qualities."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.arrays import F64, Mask
from penchant.checking.effects import Effects
from penchant.checking.row_sums import sums
from penchant.ratings import Ratings

RATE = 0.05  # of false discoveries
_FEWEST = 20  # users that the usual spread is measured on
_BOTH = 0.5  # each sign alone must point the same way, in deviations


def random_raters(ratings: Ratings, effects: Effects, counts: Any, enough: Mask) -> Mask:
    """Return who, by row, rates as if by chance: (M,) bool, among the users in `enough`.

    Two signs of a user with n ratings around the items' qualities q and an own severity: the log
    of the residual variance, whose sampling variance is ``2 / (n − 1)`` (Bartlett & Kendall 1946),
    and the slope of the ratings on q, near 1 for others and 0 by chance, whose sampling variance
    is ``s² / Σ(q − q̄)²``. Honest users differ in both, so the spread between users is measured on
    the half where no random rater stands (an empirical null, Efron 2004). The sum of the two
    deviations over √2 is tested on one side, with Benjamini & Hochberg's procedure (1995).
    """
    found = np.zeros(len(enough), dtype=bool)
    scatter, slope, spread_q = _signs(ratings, effects, len(enough))
    rows = np.flatnonzero(enough & (scatter > 1e-9 * max(effects.rest, 1e-9)) & (spread_q > 0))
    if len(rows) < _FEWEST:
        return found
    from scipy.stats import norm

    wide = _deviations(np.log(scatter[rows]), 2 / (counts[rows] - 1.0))
    deaf = _deviations(-slope[rows], scatter[rows] / spread_q[rows])
    p = norm.sf((wide + deaf) / np.sqrt(2))
    p[np.minimum(wide, deaf) < _BOTH] = 1.0
    found[rows[discoveries(p, RATE)]] = True
    return found


def _signs(ratings: Ratings, effects: Effects, size: int) -> tuple[F64, F64, F64]:
    """Return each user's residual variance, slope on the qualities, and Σ(q − q̄)², (M,) each."""
    users = ratings.user_rows

    def q(at: slice) -> Any:
        return effects.items[ratings.item_rows[at]]

    def v(at: slice) -> Any:
        return ratings.values[at] - effects.mean

    n = np.maximum(np.bincount(users, minlength=size), 2)
    sum_q, sum_v = sums(users, size, q), sums(users, size, v)
    qq = sums(users, size, lambda at: q(at) ** 2) - sum_q**2 / n
    vv = sums(users, size, lambda at: v(at) ** 2) - sum_v**2 / n
    qv = sums(users, size, lambda at: q(at) * v(at)) - sum_q * sum_v / n
    usable = qq > 1e-9
    slope = np.divide(qv, qq, out=np.zeros(size), where=usable)
    return np.maximum(vv - 2 * qv + qq, 0) / (n - 1), slope, np.where(usable, qq, 0.0)


def _deviations(values: F64, sampling: F64) -> F64:
    """Return how far above the median each value is, in deviations of the values below it."""
    middle = float(np.median(values))
    below = values < middle
    if not below.any():
        return np.zeros(len(values))
    excess = (values[below] - middle) ** 2 - sampling[below]
    spread = max(float(np.average(excess, weights=1 / (sampling[below] + 0.1))), 0.0)
    deviations: F64 = (values - middle) / np.sqrt(spread + sampling)
    return deviations


def discoveries(p: F64, rate: float) -> Mask:
    """Return which p values Benjamini and Hochberg's procedure calls discoveries.

    >>> discoveries(np.array([0.001, 0.9, 0.02, 0.04]), 0.05).tolist()
    [True, False, True, False]
    """
    ordered = np.sort(p)
    below = np.flatnonzero(ordered <= rate * np.arange(1, len(p) + 1) / max(len(p), 1))
    if not below.size:
        return np.zeros(len(p), dtype=bool)
    mask: Mask = p <= ordered[below[-1]]
    return mask
