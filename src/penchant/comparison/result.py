"""Comparison: how models did on the same ratings, and what that doesn't show."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple

from penchant.errors import SettingsError
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


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How models did on the same ratings; prints as tables, and says what isn't significant.

    Attributes:
        models: how each did; the bias model first.
        tests: of each pair, first for "rmse", then for "ndcg".
        protocol: how they were compared.
        folds: how many; 1 for test ratings of their own.
        train_ratings: how many ratings each model was trained on (with folds, about).
        test_ratings: how many were predicted.
        users: of the test ratings.
        list_users: of those the users with relevant items.
        unseen: test ratings whose user or item has no training ratings.
    """

    models: tuple[Standing, ...]
    tests: tuple[Paired, ...]
    protocol: Protocol
    folds: int
    train_ratings: int
    test_ratings: int
    users: int
    list_users: int
    unseen: int

    def __getitem__(self, name: str) -> Standing:
        """Return how the model of that name did; raise `SettingsError` where there is none."""
        for standing in self.models:
            if standing.name == name:
                return standing
        names = ", ".join(repr(standing.name) for standing in self.models)
        raise SettingsError(f"No model is called {name!r}; there are {names}.")

    def best(self, measure: Measure) -> Standing:
        """Return the model with the lowest RMSE or the highest NDCG, significantly so or not.

        Of equal ones it is the first.
        """
        sign = 1 if measure == "rmse" else -1
        return min(self.models, key=lambda one: sign * (getattr(one, measure) or 0))

    def against(self, name: str, measure: Measure) -> tuple[Paired, ...]:
        """Return the tests of all other models against one, in the order of the models."""
        self[name]
        seen = [test for test in self.tests if test.measure == measure]
        turned = [test.reversed() if test.model == name else test for test in seen]
        return tuple(test for test in turned if test.other == name)

    def told(self, ratings: str) -> Comparison:
        """Return the comparison that tells in these words where its test ratings come from."""
        return dataclasses.replace(self, protocol=self.protocol._replace(ratings=ratings))

    def __str__(self) -> str:
        from penchant.comparison.text import text_of

        return text_of(self)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON-able values."""
        plain = dataclasses.asdict(self)
        plain["protocol"] = self.protocol._asdict()
        for entry in (*plain["models"], *plain["tests"]):
            for key, value in entry.items():
                if isinstance(value, Interval):
                    entry[key] = list(value)
        plain["models"], plain["tests"] = list(plain["models"]), list(plain["tests"])
        return plain
