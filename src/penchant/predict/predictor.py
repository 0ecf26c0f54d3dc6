"""Predictor: a fitted model as a value, which is what every question is put to."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Mask, Rows
from penchant.errors import UnsupportedError
from penchant.history import History
from penchant.model.known import Knowledge
from penchant.model.ledger import Ledger, Table
from penchant.predict.distribution import Distribution
from penchant.predict.intervals import Calibration
from penchant.stars import Stars

Seconds = npt.NDArray[np.int64] | None

ABILITIES = (
    "choices", "titles", "explain", "interview", "intervals", "ratings", "forget", "similar", "map",
)  # fmt: skip
"""What a model may be able to do; "ratings" is to take some in after the training."""

POSTERIOR_OWN = Calibration(np.zeros(0, np.float32), 0, True)
"""Intervals by the posterior alone, where no validation ratings were there to correct them."""

KEEPS_NONE = "The bundle was saved without ratings: save it with ratings=True."
"""Why a model can't do what needs the ratings."""

OTHER_KIND = "This needs a matrix factorisation: train one with penchant fit --model mf."
"""Why a kind of model can't do what a matrix factorisation can."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Predictor(ABC):
    """A fitted model: ids, numbers and what follows from them. It never changes.

    Whatever changes a recommender gives it another predictor. All questions are functions of one,
    in files named after the question; users and items are rows here, 0 for strangers.

    Attributes:
        known: ids, scale, side tables and counts of the training data.
        history: what each round of the training measured.
        made_by: the settings of the training, JSON-able.
        calibration: where the widths of intervals come from; None where there can be none.
        reads_time: whether the time of a rating makes a difference to its prediction.
        stars: of an ordinal model, whose numbers give latent values; else None.
    """

    known: Knowledge
    history: History
    made_by: Mapping[str, Any]
    calibration: Calibration | None = None
    reads_time: bool = False
    stars: Stars | None = None

    @property
    def has_posterior(self) -> bool:
        """Whether `deviations` has an answer."""
        return False

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """How many trained numbers there are."""

    @abstractmethod
    def predict(self, user_rows: Rows, item_rows: Rows, seconds: Seconds = None) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32.

        `seconds` are the times of the ratings, (n,) int64 since 1970, or None.
        """

    @abstractmethod
    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of one user for every item row, (N,) float32."""

    @abstractmethod
    def correlations(self, side: str, row: int) -> F32:
        """Return how the predicted deviations of a "user" or "item" row correlate with each."""

    def best(
        self, user_rows: Rows, n: int, exclude_rated: bool, choice: Mask, threads: int | None
    ) -> tuple[Rows, F32] | None:
        """Return the n best items by rating of each user and their ratings, (m, n) each.

        Row 0 fills up where fewer are left. None for a model without a quick way to find them.
        """
        return None

    def picks(self, user_rows: Rows) -> F32 | None:
        """Return how probable it is that users pick each item, (m, N) float32.

        None where who picks what was not learnt.
        """
        known = self.known
        if known.choices is None:
            return None
        return np.stack([known.choices.of_user(row, known.shares) for row in user_rows.tolist()])

    def deviations(self, user_rows: Rows, item_rows: Rows) -> F64 | None:
        """Return the posterior's standard deviation of a rating of each pair; None without one."""
        return None

    def distribution(self, user_rows: Rows, item_rows: Rows) -> Distribution | None:
        """Return how probable each star is; None for a model that isn't ordinal."""
        return None

    @cached_property
    def ledger(self) -> Ledger:
        """The ratings as they stand; `UnsupportedError` where the bundle was saved without."""
        return Ledger(Table(self.known.ratings))

    @property
    def keeps_ratings(self) -> bool:
        """Whether the training ratings are there."""
        try:
            return self.known.ratings is not None
        except UnsupportedError:
            return False

    def can(self) -> dict[str, str]:
        """Return by name of `ABILITIES` why the model can't do it, or "" where it can."""
        why = dict.fromkeys(ABILITIES, "")
        if self.known.choices is None:
            why["choices"] = "Who picks what was not learnt: train with choices=True."
        table = self.known.item_table
        if table is None or "title" not in table.column_names:
            why["titles"] = "The training data has no titles: load it with items=."
        if not self.has_posterior:
            why["interview"] = "This needs a posterior: train with the solver gibbs or als."
        if self.calibration is None:
            why["intervals"] = "This needs a posterior or validation ratings: fit(validation=0.1)."
        return why | self._can_change()

    def _can_change(self) -> dict[str, str]:
        """Return why the model can't do what matrix factorisations do, or "" where it can."""
        return dict.fromkeys(("explain", "ratings", "forget"), OTHER_KIND)


def where_kept(keeps_ratings: bool) -> str:
    """Return why something can't be done that needs the ratings, or "" where they are there."""
    return "" if keeps_ratings else KEEPS_NONE
