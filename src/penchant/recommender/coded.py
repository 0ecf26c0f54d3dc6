"""Recommenders that keep a code of each item and an output for each user, made by a network."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np

from penchant.factors import Factors
from penchant.ids import Rows
from penchant.network.autoencoder import AutoencoderShape, from_codes
from penchant.network.weights import Shapes
from penchant.recommender.base import Seconds
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.neural import Floats, NeuralRecommender, Trainer, require_finite
from penchant.solvers.autoencoder import factors_of
from penchant.solvers.base import Trained


class CodingTrainer(Trainer, Protocol):
    """What trains, and knows what the network that predicts is built of."""

    def shape(self, card: dict[str, Any], sizes: tuple[int, int]) -> AutoencoderShape:
        """Return what the network is built of, by its card and the sizes of both sides."""


class CodedItems(NeuralRecommender):
    """Predicts ``mean + spread · (b_u + v_u · h_i)`` from the codes h of the items."""

    @abstractmethod
    def _trainer(self) -> CodingTrainer:
        """Return what trains; raises `SettingsError` for a setting that makes no sense."""

    def _shape(self, trained: Trained, known: Knowledge) -> AutoencoderShape:
        require_finite(trained.card, ("mean", "spread"))
        sizes = known.user_ids.size, known.item_ids.size
        return self._trainer().shape(trained.card, sizes)

    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        return self._shape(trained, known).weight_shapes()

    def _build(self, trained: Trained, known: Knowledge) -> Any:
        return from_codes(self._shape(trained, known))

    def _accept(self, *given: Any) -> Self:
        self.__dict__.pop("_factors", None)
        return super()._accept(*given)

    @cached_property
    def _factors(self) -> Factors:
        trained = self._known_fit()
        return factors_of(trained.weights, trained.card["mean"], trained.card["spread"])

    def _predict_rows(self, user_rows: Rows, item_rows: Rows, seconds: Seconds) -> Floats:
        return self._factors.predict(user_rows, item_rows)

    def _score_user(self, user_row: int) -> Floats:
        return self._factors.scores(user_row)

    def _correlations(self, side: str, row: int) -> Floats:
        """Return how deviations ``v_u · h_i`` correlate; see `Factors.correlations`."""
        known = self.knowledge
        counts = known.user_counts if side == "item" else known.item_counts
        return self._factors.correlations(side, row, np.asarray(counts) > 0)
