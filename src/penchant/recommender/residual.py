"""DeepResidual: hidden layers that correct the sampler's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from penchant.network.residual import ResidualShape, residual
from penchant.network.weights import Shapes
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.neural import NeuralRecommender, require_finite
from penchant.settings import FACTORS
from penchant.solvers.base import Trained
from penchant.solvers.keras_residual import ResidualTraining


class DeepResidual(NeuralRecommender):
    """The Gibbs sampler's network with its tables frozen, and hidden layers that correct it.

    Prediction: ``r̂(u, i) = mean + b_u + b_i + p_u · q_i + f(z)``, clipped to the scale, f hidden
    layers; see `penchant.network.residual` for z. The tables are the sampler's. What f learns from
    are k samplers that were each trained on all folds of the ratings but one, and their errors on
    that one: on its own training ratings a sampler errs less than on others, and a correction
    learned there makes new predictions worse. Rows of different samplers are turned to the same
    axes. So a training costs k + 1 samplings. docs/depth.md tells what it gains: little.

    Args:
        factors: K, the width of the sampler's network.
        rank: of the sampler; its other settings are its defaults.
        view: how many of the leading factors f sees.
        layers: widths of the hidden layers.
        activation: of the hidden layers: "relu", "gelu", "silu", "tanh" …
        dropout: the share of the hidden layers' inputs that a training step drops.
        folds: k.
        optimizer: a name that Keras knows, or an optimiser object.
        learning_rate: of an optimiser given by name; None for Keras' default of it.
        decay: "cosine" lets the learning rate fall to 0 over the epochs, "none" keeps it.
        loss: "rmse" (of the batch), "mse", "mae", "huber" or a function of (truth, predicted).
        epochs: of f, at the most.
        batch_size: ratings in a step.
        patience: epochs without a better validation RMSE before training stops.
        seed: of all that is random.

    The train RMSE of its history is out of fold, so it is no lower than that of other ratings.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> model = pc.DeepResidual(factors=4, rank=2, layers=(8,), folds=2, epochs=1)
    >>> model.fit(ratings, progress=False).predict([1, 1], [2, 3]).shape
    (2,)
    """

    kind: ClassVar[str] = "residual"

    def __init__(
        self,
        factors: int = FACTORS,
        rank: int = 32,
        view: int = 16,
        layers: Sequence[int] = (64, 32),
        activation: str = "gelu",
        dropout: float = 0.1,
        folds: int = 5,
        optimizer: Any = "adam",
        learning_rate: float | None = 0.001,
        decay: str = "cosine",
        loss: Any = "mse",
        epochs: int = 5,
        batch_size: int = 512,
        patience: int = 5,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.rank = rank
        self.view = view
        self.layers = layers
        self.activation = activation
        self.dropout = dropout
        self.folds = folds
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.decay = decay
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.seed = seed

    def _trainer(self) -> ResidualTraining:
        return ResidualTraining(mask=0.0, **self._for_trainer())

    def _shape(self, trained: Trained, known: Knowledge) -> ResidualShape:
        require_finite(trained.card, ("mean", "spread"), zero=False)
        return self._trainer().shape(trained.card, (known.user_ids.size, known.item_ids.size))

    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        return self._shape(trained, known).weight_shapes()

    def _build(self, trained: Trained, known: Knowledge) -> Any:
        return residual(self._shape(trained, known))
