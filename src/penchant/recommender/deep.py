"""DeepRating: a deep network as a recommender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from penchant.features import SideEncoder
from penchant.model.known import Knowledge
from penchant.networks.deep import Column, DeepShape, Graphs, deep_rating
from penchant.networks.weights import Shapes
from penchant.recommender.neural import NeuralRecommender, require_finite
from penchant.settings import require_choice
from penchant.solvers.base import Trained
from penchant.solvers.keras.deep import DeepTraining, side_columns

PRESETS: dict[str, dict[str, Any]] = {
    "deep": {
        "factors": 200,
        "layers": (2048, 256),
        "members": 1,
        "activation": "linear",
        "dropout": 0.0,
        "dot": False,
        "bags": False,
        "side_information": False,
        "side_factors": 0,
        "l2": 0.0,
        "l2_bias": 0.0,
        "learning_rate": 0.003,
        "epochs": 20,
        "batch_size": 512,
        "average": 0.0,
    },
}
PRESETS["occupation"] = {
    **PRESETS["deep"],
    "side_information": ("occupation",),
    "side_factors": 3,
}


class DeepRating(NeuralRecommender):
    """A deep network: embeddings and side columns through hidden layers, MF beside them.

    Prediction: ``r̂(u, i) = mean + spread · (f([p_u, q_i, side]) + b_u + b_i + p_u · q_i)``, clipped
    to the scale, f the hidden layers and a last one of width 1; see
    `penchant.networks.deep.deep_rating`. Objective, for each batch of ratings in units of their
    standard deviation: ``loss(r, r̂)`` plus the mean over the batch of ``λ (|p_u|² + |q_i|²) +
    λ_b (b_u² + b_i²)`` of the rows that it looks up.

    Strangers are learned: a training step shows a share of the users, and of the items, as row 0.
    A known id without training ratings has the stranger's embedding and its own side columns.

    With bags (SVD++, in both directions) a row's factors are its own and a mean over those who
    rated it, or whom it rated; after training they are one number again, so the network that
    predicts holds no list of who rated what.

    Where a table has many more rows than a step looks up, a step on JAX moves those rows alone.

    Args:
        factors: K, the width of the embeddings.
        layers: widths of the hidden layers.
        members: how many networks of these sizes, the hidden layers shared, are averaged in one.
        activation: of the hidden layers: "linear", "relu", "gelu", "silu", "tanh" …
        dropout: the share of each hidden layer's inputs that a training step drops.
        dot: whether biases and dot product stand beside the deep part.
        bags: whether training reads who rated what.
        output: "linear", or "sigmoid": scaled to the rating scale and a tenth beyond its ends.
        side_information: whether to read side columns, or the names of those to read.
        side_factors: width of the embedding of each side column, 0 for its ones and zeros.
        l2: λ.
        l2_bias: λ_b.
        optimizer: a name that Keras knows, or an optimiser object.
        learning_rate: of an optimiser given by name; None for Keras' default of it.
        decay: "cosine" lets the learning rate fall to 0 over the epochs, "none" keeps it.
        loss: "rmse" (of the batch), "mse", "mae", "huber" or a function of (truth, predicted).
        epochs: at the most.
        batch_size: ratings in a step.
        mask: the share of ids shown as strangers.
        average: the share of the earlier epochs' weights in an epoch's; 0 for the last alone.
        patience: epochs without a better validation RMSE before training stops.
        seed: of all that is random; on one machine the same seed gives the same model.
        choices: whether to learn who picks what, too, which lists are ordered by.

    References:
        He et al.: Neural Collaborative Filtering, WWW 2017; Koren: Factorization Meets the
        Neighborhood, KDD 2008, for the bags.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> train, test = pc.split(ratings, test=0.2, seed=1)
    >>> model = pc.DeepRating(factors=4, layers=(8,), members=2, epochs=2)
    >>> model = model.fit(train, progress=False)
    >>> model.predict([1, 1], [2, 3]).shape, model.n_parameters
    ((2,), 1301)
    """

    kind: ClassVar[str] = "deep"

    def __init__(
        self,
        factors: int = 48,
        layers: Sequence[int] = (128,),
        members: int = 4,
        activation: str = "silu",
        dropout: float = 0.4,
        dot: bool = True,
        bags: bool = True,
        output: str = "linear",
        side_information: bool | Sequence[str] = True,
        side_factors: int = 4,
        l2: float = 0.002,
        l2_bias: float = 0.0008,
        optimizer: Any = "adam",
        learning_rate: float | None = 0.002,
        decay: str = "cosine",
        loss: Any = "mse",
        epochs: int = 9,
        batch_size: int = 256,
        mask: float = 0.02,
        average: float = 0.9,
        patience: int = 5,
        seed: int = 0,
        choices: bool = True,
    ) -> None:
        self.factors = factors
        self.layers = layers
        self.members = members
        self.activation = activation
        self.dropout = dropout
        self.dot = dot
        self.bags = bags
        self.output = output
        self.side_information = side_information
        self.side_factors = side_factors
        self.l2 = l2
        self.l2_bias = l2_bias
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.decay = decay
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.mask = mask
        self.average = average
        self.patience = patience
        self.seed = seed
        self.choices = choices

    @classmethod
    def preset(cls, name: str, **settings: Any) -> Self:
        """Return one of the chapter's networks, untrained; `settings` change or add some.

        "deep": embeddings of 200, concatenated, through 2048 and 256 to 1, all linear, without a
        dot product. "occupation": the same with an embedding of 3 of the user's occupation.
        Linear layers multiply to one linear layer, so no interaction of user and item can arise:
        what they learn is a bias of each.

        Raises `SettingsError` for another name, or an unknown setting.

        >>> DeepRating.preset("deep").layers
        (2048, 256)
        """
        require_choice("preset", name, tuple(PRESETS))
        return cls(**PRESETS[name]).set_params(**settings)

    def _trainer(self) -> DeepTraining:
        given = self._for_trainer()
        if isinstance(given["side_information"], list):
            given["side_information"] = tuple(given["side_information"])
        return DeepTraining(**given)

    def _parts(self, trained: Trained, known: Knowledge) -> tuple[DeepShape, list[Column]]:
        card = trained.card
        require_finite(card, ("mean", "spread"))
        users, items = (SideEncoder.from_json(card.get(side) or {}) for side in ("users", "items"))
        sizes = known.user_ids.size, known.item_ids.size
        columns = side_columns((users, items), known.user_table, known.item_table, sizes)
        scale = (float(known.scale.low), float(known.scale.high))
        return self._trainer().shape(card, sizes, scale, columns), columns

    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        return self._parts(trained, known)[0].weight_shapes()

    def _build(self, trained: Trained, known: Knowledge) -> Graphs:
        shape, columns = self._parts(trained, known)
        return deep_rating(shape, columns)
