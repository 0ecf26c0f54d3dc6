"""What an interview rests on: a model's posterior, asked about someone who isn't in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import DataError
from penchant.factors import Factors
from penchant.ids import Id, Rows
from penchant.posterior import Posterior, Solved, variances
from penchant.posterior import questions as q
from penchant.recommender.intervals import Calibration, require_level
from penchant.recommender.knowledge import Knowledge
from penchant.settings import require_count

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

MOST_CANDIDATES = 2048
"""Only so many of the items that are rated most are asked about: who knows the others?"""

MOST_HEADS = 16
"""So many heads, evenly spaced, choose the questions; all of them answer."""


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
    """What the answers so far say.

    Attributes:
        solved: the newcomer's row.
        rated: (n,) the rows of the items answered.
    """

    solved: Solved
    rated: Rows


@dataclasses.dataclass(frozen=True, eq=False)
class Asker:
    """Chooses questions, and answers for the newcomer.

    Attributes:
        posterior: the heads.
        factors: the network's numbers.
        known: ids, scale, counts.
        calibration: where the widths of intervals come from.
        side: (S,) float32, the newcomer's side columns, or None.
        fresh: (N,) for the variance: ratings of items that training had none of, −1 for others.
    """

    posterior: Posterior
    factors: Factors
    known: Knowledge
    calibration: Calibration
    side: Floats | None
    fresh: npt.NDArray[np.int64]

    @cached_property
    def _usual(self) -> Doubles:
        return q.usual_prior(self.posterior, self.known.user_counts, self.known.item_counts)

    @cached_property
    def _usual_target(self) -> Doubles:
        return q.targets(self.posterior, q.weights_of(self.known.item_counts))

    def _target(self, among: Rows | None, sure: bool) -> Doubles:
        """Return T: of what the newcomer surely knows, where that is said, else of all items."""
        if among is None or not sure:
            return self._usual_target
        weights = np.zeros(self.known.item_ids.size)
        weights[among] = 1 / max(1, len(among))
        weights[0] = 0
        return q.targets(self.posterior, weights)

    def hear(self, answers: Mapping[Id, float]) -> Heard:
        """Solve the newcomer's row from the answers.

        Raises:
            UnknownIdError: the model doesn't know an item.
            DataError: a rating is no number on the scale.
        """
        scale = self.known.scale
        for item, rating in answers.items():
            number = isinstance(rating, (int, float, np.number)) and not isinstance(rating, bool)
            if not (number and scale.low <= rating <= scale.high):
                raise DataError(
                    f"A rating of item {item!r} must lie on the scale {scale}; received {rating!r}."
                )
        found = sorted((self.known.item_ids.row(item), float(r)) for item, r in answers.items())
        rated = np.array([row for row, _ in found], dtype=np.int32)
        prior = q.asked_prior(self.posterior, self._usual, rated, self.side)
        values = [rating for _, rating in found]
        return Heard(self.posterior.row(rated, values, self.side, prior), rated)

    def ratings(self, heard: Heard, rows: Rows) -> Floats:
        """Return the newcomer's ratings, clipped, (n,) float32."""
        unclipped = self._as_ratings(self._unclipped(heard, rows))
        clipped: Floats = self.known.scale.clip(unclipped).astype(np.float32)
        return clipped

    def _as_ratings(self, predicted: Floats) -> Floats:
        stars = self.posterior.stars
        return predicted if stars is None else stars.expected(predicted)

    def _unclipped(self, heard: Heard, rows: Rows) -> Floats:
        factors, solved = self.factors, heard.solved
        dots = factors.item_factors[rows] @ solved.factors
        return factors.mean + solved.bias + factors.item_bias[rows] + dots

    def ends(
        self, heard: Heard, rows: Rows, ratings: Floats, level: float
    ) -> tuple[Floats, Floats]:
        """Return the ends of the intervals of clipped ratings, (n,) float32 each.

        Raises `SettingsError` where that is no level.
        """
        require_level(level)
        found = np.sqrt(variances(self.posterior, heard.solved, rows, self.fresh[rows]))
        if self.posterior.stars is not None:
            found = self.posterior.stars.deviations(self._unclipped(heard, rows), found)
        counts = np.full(len(rows), len(heard.rated))
        widths = self.calibration.widths(ratings, found, counts, self.known.scale)
        half = self.calibration.factor(level) * widths
        scale = self.known.scale
        low, high = (scale.clip(ratings + half * sign).astype(np.float32) for sign in (-1, 1))
        return low, high

    def best(self, heard: Heard, n: int) -> tuple[Rows, Floats]:
        """Return the n rows with the highest predictions that were not answered, and those."""
        from penchant.recommender.base import top_rows

        require_count("n", n)
        rows = np.setdiff1d(np.arange(1, self.known.item_ids.size), heard.rated).astype(np.int32)
        scores = np.full(self.known.item_ids.size, -np.inf, np.float32)
        scores[rows] = self._unclipped(heard, rows)
        best = top_rows(scores, rows, n)
        return best, self._as_ratings(scores[best])

    def pulls(self, heard: Heard, rows: Rows) -> list[dict[int, float]]:
        """Return what each answer adds to each prediction, by the answered item's row.

        On the latent scale for an ordinal model.
        """
        solved = heard.solved
        inverse = np.linalg.inv(solved.precision)
        per_answer = solved.weighted * solved.errors[:, :, None]  # (T, n, D)
        moved = np.matmul(per_answer, inverse)
        maps = self.posterior.maps.astype(np.float64)
        by_factors = np.einsum("tKk,tnk->nK", maps, moved[:, :, :-1], optimize=True)
        by_factors /= self.posterior.heads
        bias = moved[:, :, -1].mean(axis=0)
        added = self.factors.item_factors[rows].astype(np.float64) @ by_factors.T + bias
        answered = heard.rated.tolist()
        return [dict(zip(answered, one, strict=True)) for one in added.tolist()]

    def questions(
        self, heard: Heard, skipped: list[int], n: int, among: Rows | None, sure: bool
    ) -> tuple[Rows, Doubles, list[float]]:
        """Return the rows of the next n questions, the chances of knowing them and the drops.

        Each is the one with the largest chance × drop, given that those before it are answered.
        """
        require_count("n", n)
        rows = self._candidates(heard, skipped, among, sure)
        chances = self._chances(rows)
        weights = np.ones(len(rows)) if sure else chances
        some = slice(None, None, max(1, self.posterior.heads // MOST_HEADS))
        covariance = np.linalg.inv(heard.solved.precision[some]).astype(np.float64)
        f = q.with_one(self.posterior.items.draws[some][:, rows])
        target = self._target(among, sure)[some]
        weighed = self.posterior.noise.item_weights[rows].astype(np.float64)
        noise: Any = 1 / (heard.solved.noise[some, None] * weighed)
        asked: list[int] = []
        dropped: list[float] = []
        for _ in range(min(n, len(rows))):
            drops = q.drops(covariance, target, f, noise)
            scores = drops * weights
            scores[asked] = -math.inf
            place = int(np.argmax(scores))
            asked.append(place)
            dropped.append(float(drops[place]))
            covariance = q.answered(covariance, f[:, place], noise[:, place])
        return rows[asked], chances[asked], dropped

    def _candidates(self, heard: Heard, skipped: list[int], among: Rows | None, sure: bool) -> Rows:
        counts = self.known.item_counts
        rows = np.arange(1, len(counts)) if among is None else np.unique(among[among > 0])
        rows = np.setdiff1d(rows, np.concatenate([heard.rated, np.array(skipped, np.int32)]))
        if not sure:
            rows = rows[counts[rows] > 0]
        most = np.argsort(-counts[rows], kind="stable")[:MOST_CANDIDATES]
        return np.sort(rows[most]).astype(np.int32)

    def _chances(self, rows: Rows) -> Any:
        users = max(1, int(np.count_nonzero(self.known.user_counts)))
        return np.minimum(1.0, self.known.item_counts[rows] / users)
