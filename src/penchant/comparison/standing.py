"""How one model did, how two differ, and how that was measured: plain numbers."""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple

from penchant.metrics import Interval

Measure = Literal["rmse", "ndcg"]


class Protocol(NamedTuple):
    """How models were compared.

    Attributes:
        ratings: where the test ratings come from, in words.
        n: the length of the lists.
        relevant: the least rating of a relevant item.
        level: of the intervals; 1 - level is that of the tests.
        resamples: draws of users for the intervals.
        seed: of the draws.
    """

    ratings: str
    n: int
    relevant: float
    level: float
    resamples: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Standing:
    """How one model did; None where there is nothing to measure.

    Attributes:
        name: what the table calls it.
        settings: what it is.
        rmse: over all test rows, clipped to the scale.
        rmse_interval: over users drawn with replacement, as the other intervals.
        mae: over all test rows.
        mae_interval: of it.
        warm_rmse: over rows whose user and item both have training ratings.
        unseen_rmse: over the other rows.
        surprise_rmse: the RMSE if unseen pairs were answered with the training mean.
        cornac_rmse: the RMSE if unseen pairs were dropped: the same as `warm_rmse`.
        ndcg: of the lists, a relevant item gaining 1; mean over users with relevant items.
        ndcg_interval: of it.
        precision: of the lists, mean over users with relevant items.
        recall: of the lists, mean over users with relevant items.
        order: NDCG of the users' own test items, ordered by their predictions.
        coverage: the share of the catalogue in at least one list.
        novelty: of the listed items, in bits.
        seconds: wall time of the training, compilation included; with folds, of one.
        cpu_seconds: processor time of the training on all threads.
    """

    name: str
    settings: str
    rmse: float
    rmse_interval: Interval | None
    mae: float
    mae_interval: Interval | None
    warm_rmse: float | None
    unseen_rmse: float | None
    surprise_rmse: float
    cornac_rmse: float | None
    ndcg: float | None
    ndcg_interval: Interval | None
    precision: float | None
    recall: float | None
    order: float | None
    coverage: float
    novelty: float | None
    seconds: float
    cpu_seconds: float


@dataclasses.dataclass(frozen=True)
class Paired:
    """The test of one pair of models.

    Attributes:
        measure: "rmse", where less is better, or "ndcg", where more is.
        model: one model's name.
        other: the other's.
        difference: the measure of `model` minus that of `other`.
        interval: of the difference, over users drawn with replacement.
        p: two-sided, by flipping signs of whole users' differences.
        p_corrected: by Holm's procedure over all pairs of the measure.
        significant: whether `p_corrected` is below 1 - level.
    """

    measure: Measure
    model: str
    other: str
    difference: float
    interval: Interval | None
    p: float
    p_corrected: float
    significant: bool

    def reversed(self) -> Paired:
        """Return the same test, seen from the other model."""
        interval = self.interval and Interval(-self.interval.high, -self.interval.low)
        return dataclasses.replace(
            self,
            model=self.other,
            other=self.model,
            difference=-self.difference,
            interval=interval,
        )
