"""A fitted Keras network, kept as named numbers; its graph is built when it is first asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from penchant.arrays import F32, Rows
from penchant.factors import Factors
from penchant.model.known import Knowledge
from penchant.networks.deep import Graphs
from penchant.networks.weights import set_weights
from penchant.predict.predictor import Predictor, Seconds
from penchant.solvers.base import Trained

SAMPLED_PAIRS = 2**18
"""About so many predictions say which rows are alike; at least `LEAST_SAMPLED` others are asked."""

LEAST_SAMPLED = 16


class Built:
    """A network, built and given its weights once; whoever has it shares the graph.

    Args:
        trained: the numbers.
        known: the ids.
        build: returns the network of both, a `keras.Model` or `Graphs`.
    """

    def __init__(
        self, trained: Trained, known: Knowledge, build: Callable[[Trained, Knowledge], Any]
    ) -> None:
        self.trained, self._known, self._build = trained, known, build
        self.deviations: dict[str, F32] = {}

    @cached_property
    def graphs(self) -> Graphs:
        """The one to show, and the one that answers."""
        built = self._build(self.trained, self._known)
        graphs = built if isinstance(built, Graphs) else Graphs(built, built, built)
        set_weights(graphs.network, self.trained.weights)
        return graphs

    @cached_property
    def forward(self) -> Any:
        """What answers pairs of rows."""
        from penchant.solvers.keras.forward import Forward

        return Forward(self.graphs.quick)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NetworkPredictor(Predictor):
    """Any network from pairs of rows to a rating.

    Attributes:
        built: the network and its numbers.
    """

    built: Built

    @property
    def n_parameters(self) -> int:
        """How many numbers predict."""
        return sum(array.size for array in self.built.trained.weights.values())

    def predict(self, user_rows: Rows, item_rows: Rows, seconds: Seconds = None) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32."""
        answers: F32 = self.built.forward(user_rows, item_rows)
        return answers

    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of one user for every item row, (N,) float32."""
        items = np.arange(self.known.item_ids.size, dtype=np.int32)
        return self.predict(np.full_like(items, user_row), items)

    def correlations(self, side: str, row: int) -> F32:
        """Return how predicted deviations correlate; see `Recommender.similar_items`.

        A rating's deviation is what is left of its prediction less the mean of its user's and
        plus that of all: there are no factors to take it from. It is asked of the rows of the
        other side with the most ratings, of about `SAMPLED_PAIRS` pairs in all.
        """
        deviations = self.built.deviations.get(side)
        if deviations is None:
            deviations = self.built.deviations[side] = self._sampled_deviations(side)
        towards = deviations @ deviations[row]
        spread = np.sqrt(np.einsum("ns,ns->n", deviations, deviations))
        scale = spread * spread[row]
        out: F32 = np.divide(towards, scale, out=np.zeros_like(scale), where=scale > 0)
        return out.clip(-1, 1)

    def _sampled_deviations(self, side: str) -> F32:
        """Return the deviations of each row of a side against rows of the other, (rows, S)."""
        counts, others = self.known.item_counts, self.known.user_counts
        if side == "user":
            counts, others = others, counts
        most = max(LEAST_SAMPLED, SAMPLED_PAIRS // len(counts))
        busiest = np.argsort(-others, kind="stable")[:most]
        asked = np.sort(busiest[others[busiest] > 0]).astype(np.int32)
        rows = np.arange(len(counts), dtype=np.int32)
        pairs = np.repeat(rows, len(asked)), np.tile(asked, len(rows))
        users, items = pairs if side == "user" else pairs[::-1]
        table = self.predict(users, items).reshape(len(rows), len(asked))
        # What is left once the mean of each column, then of each row, is taken off
        table -= table[counts > 0].mean(axis=0)
        table -= table.mean(axis=1, keepdims=True)
        return table


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CodedPredictor(NetworkPredictor):
    """A network that keeps a code of each item and an output for each user: factors of their own.

    Attributes:
        factors: which say the same as the network.
    """

    factors: Factors

    def predict(self, user_rows: Rows, item_rows: Rows, seconds: Seconds = None) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32."""
        return self.factors.predict(user_rows, item_rows)

    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of one user for every item row, (N,) float32."""
        return self.factors.scores(user_row)

    def correlations(self, side: str, row: int) -> F32:
        """Return how deviations ``v_u · h_i`` correlate; see `Factors.correlations`."""
        counts = self.known.user_counts if side == "item" else self.known.item_counts
        return self.factors.correlations(side, row, np.asarray(counts) > 0)
