"""Training of the choice model: in closed form, its settings by pairs and users left out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Mask
from penchant.choices.liking import Liking
from penchant.choices.model import Choices
from penchant.kernels.byte_values import coded
from penchant.kernels.products import times
from penchant.kernels.sparse import pattern_times
from penchant.ratings import Ratings
from penchant.solvers.by_row import Pattern, by_both
from penchant.solvers.spectrum import SideMatrix, ritz
from penchant.threads import Threads

WIDTHS = (64, 128, 256, 512)
"""How many directions may be kept."""

STRENGTHS = (4.5, 6.75, 10.0)
"""What λ may be, in mean squared lengths of the directions."""

ENOUGH = 0.98
"""A narrower model is taken that reaches so much of the widest one's places."""

MOST_WORK = 1_000_000_000
"""Ratings × directions: the more ratings, the fewer directions are looked for."""

_SPARE = 16  # directions beside those that may be kept: the last ones are rough
_JUDGED = 256  # users who are left out, one at a time
_CELLS = 1 << 22  # of their scores, at the most
_SEEN = 10  # places of a list that count


def fit(ratings: Ratings, threads: Threads) -> Choices:
    """Train it on who rated what.

    Rows of X are weighed by ``w_u = n_u^(-1/2)``, so that somebody who picked a thousand items
    says more than somebody who picked ten, but not a hundred times as much. r and λ are those that
    put the picks of users left out highest, each pick left out by itself (`_LeftOut`); `gain` is
    the regression of picks on these scores. Nothing is random but a fixed start, so the same table
    gives the same bits, whatever the number of threads.

    Args:
        ratings: the training ratings; that they are there is what counts.
        threads: who does it.

    Source: Steck 2019, equation 8; leaving users out is ours.
    """
    (by_user, _), (by_item, _) = by_both(ratings, coded(ratings.values))
    counts = np.diff(by_user.indptr)
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    most = max(WIDTHS[0], min(WIDTHS[-1], MOST_WORK // max(1, len(by_user.indices))))
    V, squares = _directions((by_user, by_item), np.sqrt(weights), most, threads)
    total = float((weights * counts).sum())  # of all squared lengths, kept or not
    judged = _judged(by_user, counts, len(V))
    left = _LeftOut.of(by_user, judged, weights, V)
    mean = total / max(1, min((counts > 0).sum(), (np.diff(by_item.indptr) > 0).sum()))
    width, strength, gain = _choose(left, squares, mean)
    d, V = squares[:width], np.ascontiguousarray(V[:, :width])
    shares = (d / (d + strength * mean)).astype(np.float32)
    leverages = 1 - (V * V) @ shares
    return Choices(
        sums(by_user, V, threads),
        V,
        V * shares / leverages[:, None],
        gain,
        Liking.of(ratings),
    )


def _directions(
    pattern: tuple[Pattern, Pattern], roots: F64, most: int, threads: Threads
) -> tuple[F32, F64]:
    """Return the leading directions of ``diag(roots) X``, (N, r), and their squared lengths."""
    (users, items), N = pattern, len(pattern[1].indptr) - 1
    norms, ones = roots.astype(np.float32), np.ones(N, np.float32)
    nothing = np.zeros((len(norms), 0), np.float32)
    X = SideMatrix(*users, *items, norms, ones, nothing)
    rows = [int((np.diff(side.indptr) > 0).sum()) for side in pattern]
    V, squares, E = ritz(X, min(most + _SPARE, *rows), threads)
    squares = squares[:most]
    return times(threads, V, E[:, : len(squares)].astype(np.float32)), squares


def sums(by_user: Pattern, V: F32, threads: Threads) -> F32:
    """Return every user's ``Σ V_j``, (M, r): the bits of `Choices.row_of`."""
    M, r = len(by_user.indptr) - 1, V.shape[1]
    wide = np.zeros((len(V), -(-r // 8) * 8), np.float32)
    wide[:, :r] = V
    out = np.zeros((M, wide.shape[1]), np.float32)
    ones = np.ones(max(M, len(V)), np.float32)

    def work(start: int, stop: int) -> None:
        pattern_times(start, stop, by_user.indptr, by_user.indices, ones, ones, wide, out)

    threads.map(work, threads.blocks(np.diff(by_user.indptr)))
    return np.ascontiguousarray(out[:, :r])


class _LeftOut(NamedTuple):
    """Some users, to be left out of what they have taught.

    Attributes:
        picked: (m, N) whether each picked each item.
        weights: (m,) w.
        counts: (m,) n.
        coordinates: (m, r) a, their rows ``x V``.
        V: (N, r).
    """

    picked: Mask
    weights: F64
    counts: F64
    coordinates: F32
    V: F32

    @classmethod
    def of(cls, by_user: Pattern, judged: npt.NDArray[np.int64], weights: F64, V: F32) -> _LeftOut:
        picked = np.zeros((len(judged), len(V)), bool)
        for line, user in enumerate(judged.tolist()):
            picked[line, by_user.indices[by_user.indptr[user] : by_user.indptr[user + 1]]] = True
        counts = picked.sum(axis=1).astype(np.float64)
        return cls(picked, weights[judged], counts, picked.astype(np.float32) @ V, V)

    def scores(self, d: F64, penalty: float) -> F32:
        """Return s of each user and item, from a model that has seen neither user nor pick, (m, N).

        Column i of B is a ridge regression of x_i on the other columns, each user one row. Without
        the user's own row its residual is ``e / (1 − H)``, with ``e = x P / P_ii`` and the hat
        value ``H = w (x P xᵀ − e² P_ii)``, since leaving out column i takes the part of P that
        goes through it. So no model is trained twice.

        Args:
            d: (r,) squared lengths of the directions, the first of `V`.
            penalty: λ.
        """
        r = len(d)
        V, a = self.V[:, :r], self.coordinates[:, :r]
        shares = (d / (d + penalty)).astype(np.float32)
        g = 1 - (V * V) @ shares  # = λ P_ii
        picked, weights = self.picked.astype(np.float32), self.weights.astype(np.float32)[:, None]
        # x P / P_ii: what the other picks don't explain of each pick, or of its absence
        residuals: Any = (picked - (a * shares) @ V.T) / g
        own = (self.counts - (a * a) @ shares).astype(np.float32)[:, None]
        hat = weights * (own - residuals**2 * g) / np.float32(penalty)
        scores: F32 = picked - residuals / np.maximum(1 - hat, _LEAST)
        return scores


_LEAST = np.float32(1e-3)


def _judged(by_user: Pattern, counts: npt.NDArray[np.int64], N: int) -> npt.NDArray[np.int64]:
    """Return users with two picks or more, evenly spread over the table."""
    able = np.flatnonzero(counts > 1)
    wanted = min(len(able), _JUDGED, max(1, _CELLS // N))
    return able[np.linspace(0, len(able) - 1, wanted).astype(np.int64)] if wanted else able


def _choose(left: _LeftOut, squares: F64, mean: float) -> tuple[int, float, float]:
    """Return how many directions to keep, λ in mean squared lengths, and the gain."""
    tried = [_tried(left, squares, strength, mean) for strength in STRENGTHS]
    widest = max(tried, key=lambda one: one.places)
    width, chosen = len(squares), widest
    for narrower in (w for w in reversed(WIDTHS) if w < len(squares)):
        found = _tried(left, squares[:narrower], widest.strength, mean)
        if found.places < ENOUGH * widest.places:
            break
        width, chosen = narrower, found
    return width, chosen.strength, chosen.gain


class _Tried(NamedTuple):
    """How high the picks of users left out stand with some λ, and the gain from their scores."""

    places: float
    strength: float
    gain: float


def _tried(left: _LeftOut, squares: F64, strength: float, mean: float) -> _Tried:
    scores = left.scores(squares, strength * mean)
    return _Tried(_places(left.picked, scores), strength, _gain(left.picked, scores))


def _places(picked: Mask, scores: F32) -> float:
    """Return how high picks stand among what was not picked: mean of ``1 / log2(1 + place)``.

    Places from the eleventh on count 0; each user counts the same.
    """
    seen = min(_SEEN, scores.shape[1])
    best = np.partition(np.where(picked, -np.inf, scores), -seen, axis=1)[:, -seen:]
    users, items = np.nonzero(picked)
    above = (best[users] > scores[users, items, None]).sum(axis=1)
    worth = np.where(above < seen, 1 / np.log2(above + 2.0), 0.0)
    return float((worth / picked.sum(axis=1)[users]).sum()) / max(1, len(picked))


def _gain(picked: Mask, scores: F32) -> float:
    """Return the regression of picks on the positive scores, through 0."""
    positive = np.maximum(scores, 0).astype(np.float64)
    squares = float((positive**2).sum())
    return float(positive[picked].sum()) / squares if squares > 0 else 1.0
