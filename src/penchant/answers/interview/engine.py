"""What an interview rests on: a model's posterior, asked about someone who isn't in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Rows
from penchant.errors import DataError, UnsupportedError
from penchant.ids import Id
from penchant.model.known import Knowledge
from penchant.posterior import Posterior, Solved, variances
from penchant.posterior import informative as q
from penchant.predict.by_factors import FactorPredictor, fresh_counts
from penchant.predict.predictor import Predictor, Seconds
from penchant.settings import require_count

MOST_CANDIDATES = 2048
"""Only so many of the items that are rated most are asked about: who knows the others?"""

MOST_HEADS = 16
"""So many heads, evenly spaced, choose the questions; all of them answer."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Newcomer(Predictor):
    """What the answers so far say: a model whose every user is the newcomer.

    Attributes:
        asker: the model and what is known of the newcomer besides.
        solved: the newcomer's row.
        rated: (n,) the rows of the items answered.
    """

    asker: Asker
    solved: Solved
    rated: Rows

    @property
    def has_posterior(self) -> bool:
        """True: an interview rests on one."""
        return True

    @property
    def n_parameters(self) -> int:
        """How many numbers predict."""
        return self.asker.predictor.n_parameters

    def predict(self, user_rows: Rows, item_rows: Rows, seconds: Seconds = None) -> F32:
        """Return the newcomer's unclipped rating of each item, (n,) float32."""
        latent = self._latent(item_rows)
        return latent if self.stars is None else self.stars.expected(latent)

    def _latent(self, rows: Rows) -> F32:
        factors, solved = self.asker.predictor.factors, self.solved
        dots = factors.item_factors[rows] @ solved.factors
        return factors.mean + solved.bias + factors.item_bias[rows] + dots

    def left(self) -> Rows:
        """Return the rows that were not answered."""
        rows = np.arange(1, self.known.item_ids.size)
        return np.setdiff1d(rows, self.rated).astype(np.int32)

    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of every item that was not answered, else −∞, (N,)."""
        scores, rows = np.full(self.known.item_ids.size, -np.inf, np.float32), self.left()
        scores[rows] = self.predict(rows, rows)
        return scores

    def picks(self, user_rows: Rows) -> F32 | None:
        """Return how probable it is that the newcomer picks each item, (m, N) float32.

        An answer counts as a pick: who has an opinion of an item has picked it at some time.
        """
        choices, shares = self.known.choices, self.known.shares
        if choices is None:
            return None
        likely = choices.of_row(choices.row_of(self.rated), shares)
        return np.tile(likely, (len(user_rows), 1))

    def correlations(self, side: str, row: int) -> F32:
        """Return the model's own correlations."""
        return self.asker.predictor.correlations(side, row)

    def deviations(self, user_rows: Rows, item_rows: Rows) -> F64:
        """Return the posterior's standard deviation of the newcomer's rating of each item."""
        asker = self.asker
        fresh = asker.fresh[item_rows]
        found = np.sqrt(variances(asker.posterior, self.solved, item_rows, fresh))
        if self.stars is None:
            return found
        return self.stars.deviations(self._latent(item_rows), found)


@dataclasses.dataclass(frozen=True, eq=False)
class Asker:
    """Chooses questions, and solves the newcomer's row.

    Attributes:
        predictor: the model.
        side: (S,) float32, the newcomer's side columns, or None.
    """

    predictor: FactorPredictor
    side: F32 | None

    @classmethod
    def of(cls, predictor: FactorPredictor, columns: Mapping[str, Any] | None) -> Asker:
        """Begin with a newcomer's side columns; `UnsupportedError` without a posterior."""
        if not predictor.has_posterior:
            raise UnsupportedError(
                "An interview needs a posterior, which this model's solver keeps none of. Train "
                "one with solver='gibbs' or solver='als'."
            )
        side = predictor.posterior.users.encoder.row(columns) if columns else None
        return cls(predictor, side)

    @property
    def known(self) -> Knowledge:
        """Ids, scale, counts."""
        return self.predictor.known

    @property
    def posterior(self) -> Posterior:
        """The heads."""
        kept: Posterior = self.predictor.posterior
        return kept

    @cached_property
    def fresh(self) -> npt.NDArray[np.int64]:
        """Ratings of items that training had none of, −1 for others, (N,): for the variance."""
        every = np.arange(self.known.item_ids.size, dtype=np.int32)
        return fresh_counts(self.predictor.state_of(), every)

    @cached_property
    def _usual(self) -> F64:
        return q.usual_prior(self.posterior, self.known.user_counts, self.known.item_counts)

    @cached_property
    def _usual_target(self) -> F64:
        return q.targets(self.posterior, q.weights_of(self.known.item_counts))

    def _target(self, among: Rows | None, sure: bool) -> F64:
        """Return T: of what the newcomer surely knows, where that is said, else of all items."""
        if among is None or not sure:
            return self._usual_target
        weights = np.zeros(self.known.item_ids.size)
        weights[among] = 1 / max(1, len(among))
        weights[0] = 0
        return q.targets(self.posterior, weights)

    def hear(self, answers: Mapping[Id, float]) -> Newcomer:
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
        return Newcomer(
            known=dataclasses.replace(self.known, user_counts=np.array([len(rated)], np.int32)),
            history=self.predictor.history,
            made_by=self.predictor.made_by,
            calibration=self.predictor.calibration,
            stars=self.posterior.stars,
            asker=self,
            solved=self.posterior.row(rated, values, self.side, prior),
            rated=rated,
        )

    def pulls(self, heard: Newcomer, rows: Rows) -> list[dict[int, float]]:
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
        added = self.predictor.factors.item_factors[rows].astype(np.float64) @ by_factors.T + bias
        answered = heard.rated.tolist()
        return [dict(zip(answered, one, strict=True)) for one in added.tolist()]

    def questions(
        self, heard: Newcomer, skipped: list[int], n: int, among: Rows | None, sure: bool
    ) -> tuple[Rows, F64, list[float]]:
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

    def _candidates(
        self, heard: Newcomer, skipped: list[int], among: Rows | None, sure: bool
    ) -> Rows:
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
