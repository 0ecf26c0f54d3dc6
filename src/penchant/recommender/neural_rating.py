"""NeuralRating: a Keras network of your own as a recommender."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from penchant.errors import SettingsError
from penchant.history import History
from penchant.model.known import Knowledge
from penchant.networks.backend import load_keras
from penchant.networks.weights import Arrays, Shapes, shapes_of
from penchant.ratings import Ratings
from penchant.recommender.neural import NeuralRecommender
from penchant.settings import require
from penchant.solvers.base import Trained
from penchant.solvers.keras.rating import Networks, NetworkSettings, without_cold
from penchant.solvers.task import Task
from penchant.storage import storage

_TRAINING = {field.name for field in dataclasses.fields(NetworkSettings)}

Builder = Callable[[int, int], Any]
"""From M and N, the stranger's rows 0 counted, to a Keras model of user and item rows."""


class NeuralRating(NeuralRecommender):
    """Any Keras network from rows to a rating, with the training of `DeepRating`.

    Prediction: what the network says, clipped to the scale. Objective, for each batch of ratings in
    units of their standard deviation: ``loss(r, r̂)`` plus the network's own penalties.

    The network has two inputs, user rows and item rows, (batch, 1) int32, and one output,
    (batch, 1), in rating units; row 0 of either is the stranger, whom training shows as a share of
    the ids. `Embedding` layers straight on an input get row 0's numbers at ids without ratings.

    A bundle holds the network's weights by name, and no code: `penchant.open` needs the builder
    again, ``pc.open(path, network=build)``. Name your layers, so that the names stay.

    Args:
        network: ``build(n_users, n_items)`` that returns such a `keras.Model`; both numbers count
            row 0, so they are the embeddings' numbers of rows.
        optimizer: a name that Keras knows, or an optimiser object.
        learning_rate: of an optimiser given by name; None for Keras' default of it.
        decay: "cosine" lets the learning rate fall to 0 over the epochs, "none" keeps it.
        loss: "rmse" (of the batch), "mse", "mae", "huber" or a function of (truth, predicted).
        epochs: at the most.
        batch_size: ratings in a step.
        mask: the share of ids shown as strangers.
        average: the share of the earlier epochs' weights in an epoch's; 0 for the last alone.
        patience: epochs without a better validation RMSE before training stops.
        seed: of the order and the masks; also of your network's start where its initialisers have
            no seeds of their own.
        choices: whether to learn who picks what, too, which lists are ordered by.

    >>> import penchant as pc
    >>> def build(n_users, n_items):
    ...     import keras
    ...     user = keras.Input((1,), dtype="int32", name="user")
    ...     item = keras.Input((1,), dtype="int32", name="item")
    ...     p = keras.layers.Embedding(n_users, 4, name="p")(user)
    ...     q = keras.layers.Embedding(n_items, 4, name="q")(item)
    ...     both = keras.layers.Flatten()(keras.layers.Concatenate()([p, q]))
    ...     return keras.Model([user, item], keras.layers.Dense(1, name="rating")(both))
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> model = pc.NeuralRating(build, epochs=2).fit(ratings, progress=False)
    >>> model.predict([1, 1], [2, 3]).shape, model.n_parameters
    ((2,), 417)
    """

    kind: ClassVar[str] = "neural"
    needs_builder: ClassVar[bool] = True

    def __init__(
        self,
        network: Builder,
        optimizer: Any = "adam",
        learning_rate: float | None = 0.003,
        decay: str = "cosine",
        loss: Any = "mse",
        epochs: int = 20,
        batch_size: int = 512,
        mask: float = 0.02,
        average: float = 0.0,
        patience: int = 5,
        seed: int = 0,
        choices: bool = True,
    ) -> None:
        self._builder = network
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name, the builder as `network`; `deep` is for scikit-learn."""
        others = (name for name in self._setting_names() if name != "network")
        return {"network": self._builder} | {name: getattr(self, name) for name in others}

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name and return the recommender; it stays fitted as it was.

        Raises `SettingsError` for a name that does not exist.
        """
        builder = settings.pop("network", self._builder)
        super().set_params(**settings)
        self._builder = builder
        return self

    def _trainer(self) -> _Training:
        return _Training(self._builder, self._settings())

    def _settings(self) -> NetworkSettings:
        return NetworkSettings(**{k: v for k, v in self.get_params().items() if k in _TRAINING})

    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        return shapes_of(self._build(trained, known))

    def _build(self, trained: Trained, known: Knowledge) -> Any:
        return built(self._builder, known.user_ids.size, known.item_ids.size)

    def _as_made(self, made_by: Mapping[str, Any]) -> Self:
        return self  # the builder is not among the values that a bundle or a card can hold

    @classmethod
    def from_bundle(cls, stored: storage.Stored, network: Builder | None = None) -> Self:
        """Make the recommender of an opened bundle and the function that builds its network.

        Raises `SettingsError` without that function, or for one of another network, and
        `BundleError` where card or weights are not those of this kind.
        """
        if network is None:
            raise SettingsError(
                f"{stored.bundle.folder} holds the numbers of a network of your own, and no code. "
                f"Give the function that builds it: penchant.open(path, network=build)."
            )
        return cls._restored(stored, {"network": network})


class _Training:
    """A builder and the settings of its training; see `penchant.recommender.neural.Trainer`."""

    def __init__(self, builder: Builder, settings: NetworkSettings) -> None:
        self._builder = builder
        self._settings = settings

    @property
    def rounds(self) -> int:
        return self._settings.rounds

    def fit(self, ratings: Ratings, **how: Any) -> Trained:
        task, settings = Task(ratings, **how), self._settings
        sizes = ratings.user_ids.size, ratings.item_ids.size
        trained, served = (built(self._builder, *sizes) for _ in range(2))

        def folded(weights: Arrays) -> Arrays:
            return without_cold(weights, served, ratings)

        def finish(weights: Arrays, history: History) -> Trained:
            return Trained(weights, {}, history)

        return settings.course(task, Networks(trained, served, folded), finish)


def built(builder: Builder, n_users: int, n_items: int) -> Any:
    """Return what a builder builds.

    Raises `SettingsError` where that is no network from user and item rows to a rating.
    """
    require(
        callable(builder), f"network must be a function build(n_users, n_items), not {builder!r}."
    )
    keras = load_keras()  # first: a builder's own `import keras` finds the backend chosen
    network = builder(n_users, n_items)
    right = isinstance(network, keras.Model) and len(network.inputs) == 2
    right = right and tuple(network.output_shape) == (None, 1)
    require(
        bool(right) and all(tuple(given.shape) == (None, 1) for given in network.inputs),
        f"network must build a keras.Model of two inputs, user and item rows, of shape (1,) and "
        f"one output of shape (1,); received {_told(network)}.",
    )
    return network


def _told(network: Any) -> str:
    shapes = getattr(network, "input_shape", None), getattr(network, "output_shape", None)
    return (
        f"{type(network).__name__} from {shapes[0]} to {shapes[1]}"
        if any(shapes)
        else repr(network)
    )
