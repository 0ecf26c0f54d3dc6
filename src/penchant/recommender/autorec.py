"""AutoRec: a denoising autoencoder of items as a recommender."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from penchant.model.known import Knowledge
from penchant.networks.autoencoder import ENCODER, AutoencoderShape, averaged, from_codes
from penchant.networks.weights import PREFIX, Shapes, require_shapes
from penchant.predict.by_network import Built, CodedPredictor
from penchant.recommender.neural import NeuralRecommender, require_finite
from penchant.solvers.base import Trained
from penchant.solvers.keras.autoencoder import Autoencoding, factors_of


class AutoRec(NeuralRecommender):
    """An autoencoder that reads an item's ratings and gives those of all users.

    Prediction: ``r̂(u, i) = mean + spread · (c_u + b_u + v_u · h_i)``, clipped to the scale, with
    ``h_i = g(W z_i + a)``, ``z_i = gain · [x_i, o_i] / √n_i``. x_i holds item i's ratings as
    deviations ``(r − mean) / spread − c_u`` and o_i ones where it has ratings, n_i of them; c_u is
    user u's damped mean deviation. More hidden layers make h_i of g(W z_i + a).

    Objective: a training step hides a share of the ratings from the network, and is judged by
    these alone: ``Σ (x − x̂)² / (items in the batch · mean n) + λ |W|²`` over all kernels W, x̂ the
    reconstruction. So the network learns to predict, rather than to copy what it sees.

    After training the code h_i of every item is kept, so predictions need neither ratings nor
    Keras. The stranger's row 0 among items, and items without ratings, have the code of an empty
    input, which training shows too; row 0 among users, and users without ratings, have the mean of
    the trained users' b, c and v.

    Args:
        layers: widths of the hidden layers; the last one's is that of the code.
        members: how many networks, each with a start and dropout of its own, are averaged.
        activation: g: "sigmoid", "tanh", "relu", "gelu", "silu" …
        gain: the length that an item's ratings and mask are scaled to.
        corruption: the share of the ratings that a training step hides.
        dropout: the share of each hidden layer's outputs that a training step drops.
        l2: λ.
        optimizer: a name that Keras knows, or an optimiser object.
        learning_rate: of an optimiser given by name; None for Keras' default of it.
        decay: "cosine" lets the learning rate fall to 0 over the epochs, "none" keeps it.
        epochs: at the most.
        batch_size: items in a step.
        mask: the share of the items that an epoch shows without any ratings.
        patience: epochs without a better validation RMSE before training stops.
        seed: of all that is random; on one machine the same seed gives the same model.
        choices: whether to learn who picks what, too, which lists are ordered by.

    References:
        Sedhain, Menon, Sanner, Xie: AutoRec: Autoencoders Meet Collaborative Filtering, WWW 2015
        (I-AutoRec, equation 1); Vincent et al.: Extracting and Composing Robust Features with
        Denoising Autoencoders, ICML 2008, for the hidden inputs.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> model = pc.AutoRec(layers=(8,), epochs=2).fit(ratings, progress=False)
    >>> model.predict([1, 1], [2, 3]).shape, model.n_parameters
    ((2,), 877)
    >>> model.autoencoder.output_shape
    (None, 61)
    """

    kind: ClassVar[str] = "autorec"

    def __init__(
        self,
        layers: Sequence[int] = (500,),
        members: int = 1,
        activation: str = "sigmoid",
        gain: float = 20.0,
        corruption: float = 0.5,
        dropout: float = 0.7,
        l2: float = 0.0002,
        optimizer: Any = "adam",
        learning_rate: float | None = 0.003,
        decay: str = "cosine",
        epochs: int = 60,
        batch_size: int = 64,
        mask: float = 0.02,
        patience: int = 10,
        seed: int = 0,
        choices: bool = True,
    ) -> None:
        self.layers = layers
        self.members = members
        self.activation = activation
        self.gain = gain
        self.corruption = corruption
        self.dropout = dropout
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.decay = decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.mask = mask
        self.patience = patience
        self.seed = seed
        self.choices = choices

    def _trainer(self) -> Autoencoding:
        return Autoencoding(**self._for_trainer())

    def _shape(self, trained: Trained, known: Knowledge) -> AutoencoderShape:
        require_finite(trained.card, ("mean", "spread"))
        sizes = known.user_ids.size, known.item_ids.size
        return self._trainer().shape(trained.card, sizes)

    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        shape = self._shape(trained, known)
        require_shapes(trained.more, {"user_centre": (shape.users,), **shape.encoder_shapes()})
        return shape.weight_shapes()

    def _build(self, trained: Trained, known: Knowledge) -> Any:
        return from_codes(self._shape(trained, known))

    def _predictor_of(self, built: Built, **common: Any) -> CodedPredictor:
        trained = built.trained
        factors = factors_of(trained.weights, trained.card["mean"], trained.card["spread"])
        return CodedPredictor(built=built, factors=factors, **common)

    def _accept(self, *given: Any) -> None:
        self.__dict__.pop("autoencoder", None)
        super()._accept(*given)

    @cached_property
    def autoencoder(self) -> Any:
        """The trained autoencoder, a `keras.Model`, the members averaged.

        It takes an item's deviations x and its mask o, (batch, M) each, and gives the
        reconstruction ``b + V h``, (batch, M), in units of the ratings' spread: `penchant.open`
        gives it back too. Raises `NotFittedError` before `fit`.
        """
        one, trained = self.predictor, self.predictor.built.trained
        network = averaged(self._as_made(one.made_by)._shape(trained, one.known))
        for layer in network.layers:
            name = f"{ENCODER}{layer.name}"
            if f"{name}.kernel" in trained.more:
                layer.set_weights([trained.more[f"{name}.{part}"] for part in ("kernel", "bias")])
        weights = trained.weights
        bias = weights[f"{PREFIX}user_bias.embeddings"][:, 0] - trained.more["user_centre"]
        kernel = weights[f"{PREFIX}user_output.embeddings"].T
        network.get_layer("output").set_weights([kernel, bias])
        return network
