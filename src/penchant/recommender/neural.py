"""NeuralRecommender: what recommenders whose model is a Keras network have in common."""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, Self, cast

from penchant.choices.model import ARRAYS
from penchant.errors import BundleError, DataError, DivergedError, SettingsError
from penchant.model.known import Knowledge
from penchant.networks.weights import PREFIX, Shapes, require_shapes
from penchant.predict.by_network import Built, NetworkPredictor
from penchant.predict.intervals import Calibration
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.recommender.plan import Parts, checkpoint_of, require_callbacks
from penchant.recommender.progress import show_progress, told_while_compiling
from penchant.solvers.base import Trained
from penchant.solvers.task import Checkpoint
from penchant.storage import storage


class Trainer(Protocol):
    """What trains: the settings of a recommender, checked."""

    @property
    def rounds(self) -> int:
        """How many epochs there are at the most."""

    @property
    def fit(self) -> Callable[..., Trained]:
        """What trains on ratings; see `penchant.solvers.base.SolverSettings.fit`."""


class NeuralRecommender(Recommender):
    """A recommender that holds a Keras network, as named numbers.

    A kind of its own gives four things: `_trainer`, what trains; `_shapes`, the shape of each
    weight, found without Keras and without making it; `_build`, the network; and, where that is
    no network from pairs of rows to a rating, `_predictor_of`. Constructor arguments are plain
    values, so that a bundle can hold them.
    """

    seed: int
    choices: bool

    # What a kind gives

    @abstractmethod
    def _trainer(self) -> Trainer:
        """Return what trains; raises `SettingsError` for a setting that makes no sense."""

    @abstractmethod
    def _shapes(self, trained: Trained, known: Knowledge) -> Shapes:
        """Return the shape of each weight by name, by the settings, the card and the ids.

        Raises `DataError` where card or further arrays make no sense.
        """

    @abstractmethod
    def _build(self, trained: Trained, known: Knowledge) -> Any:
        """Build the network; its weights are given to it afterwards.

        Returns a `keras.Model`, or `Graphs`: the one to show and the one that answers.
        """

    # What all have

    def _for_trainer(self) -> dict[str, Any]:
        """Return the settings but those that `fit` reads; a list of layers as a tuple."""
        given = {k: v for k, v in self.get_params().items() if k not in ("seed", "choices")}
        if isinstance(given.get("layers"), list):
            given["layers"] = tuple(given["layers"])
        return given

    def fit(
        self,
        ratings: Ratings,
        *,
        validation: float | Ratings | None = None,
        watch: Ratings | None = None,
        callbacks: Iterable[Any] = (),
        progress: bool = True,
        threads: int | None = None,
        resume: str | os.PathLike[str] | Checkpoint | None = None,
    ) -> Self:
        """Train on ratings, from a fresh start, and return the recommender.

        Args:
            ratings: what to learn from.
            validation: a share of `ratings` to cut off at random, or ratings of their own. They
                choose when to stop and what to keep, and calibrate the intervals of `predict`.
            watch: ratings whose RMSE is measured after each epoch, for the curve alone.
            callbacks: functions that get each epoch's record (`True` as their answer stops), or
                `keras.callbacks.Callback` objects with epoch hooks.
            progress: whether to tell of each epoch on standard error.
            threads: for solvers with threads of our own; Keras' backend has its own.
            resume: a folder that keeps the state after every 10 epochs (`pc.Checkpoint` for
                another number), and from which an interrupted training goes on.

        Raises:
            DataError: what is given as ratings is none, or empty.
            SettingsError: a setting or an argument makes no sense.
            DivergedError: the numbers left the finite ones; the last good state is kept here.
        """
        trainer = self._trainer()
        parts = Parts.of(ratings, validation=validation, watch=watch, seed=self.seed)
        require_callbacks(callbacks)
        checkpoint = checkpoint_of(resume)
        try:
            with _shown(trainer.rounds, callbacks, progress) as told:
                trained = trainer.fit(
                    parts.train,
                    validation=parts.validation,
                    watch=parts.watch,
                    seed=self.seed,
                    callbacks=told,
                    threads=threads,
                    checkpoint=checkpoint,
                )
        except DivergedError as error:
            if error.last_good is not None:
                self._accept(error.last_good, parts.knowledge)
            raise
        known = parts.knowledge.with_choices(threads) if self.choices else parts.knowledge
        self._accept(trained, known)
        return self._calibrated(parts.validation)

    def _accept(
        self,
        trained: Trained,
        knowledge: Knowledge,
        made_by: dict[str, Any] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        made_by = made_by or {k: plain_setting(v) for k, v in self.get_params().items()}
        twin = self._as_made(made_by)
        common = {"known": knowledge, "history": trained.history, "made_by": made_by}
        built = Built(trained, knowledge, twin._build)
        self._predictor = self._predictor_of(built, calibration=calibration, **common)

    def _predictor_of(self, built: Built, **common: Any) -> NetworkPredictor:
        return NetworkPredictor(built=built, **common)

    def _as_made(self, made_by: Mapping[str, Any]) -> Self:
        """Return an unfitted twin with the settings that made the numbers."""
        return type(self)(**restored_settings(type(self), made_by))

    @property
    def predictor(self) -> NetworkPredictor:
        """The fitted model; raises `NotFittedError` before `fit`."""
        return cast("NetworkPredictor", super().predictor)

    @property
    def network(self) -> Any:
        """The trained network, a `keras.Model` of rows (not ids).

        Raises `NotFittedError` before `fit`.
        """
        return self.predictor.built.graphs.network

    # Bundles

    def _saved(self, ratings: bool) -> storage.Saved:
        one, trained = self.predictor, self.predictor.built.trained
        card = {"settings": one.made_by, "network": trained.card}
        card["history"] = trained.history.to_json()
        weights = {**trained.weights, **trained.more}
        return storage.Saved(card, weights).calibrated(one.calibration)

    @classmethod
    def from_bundle(cls, stored: storage.Stored) -> Self:
        """Make the recommender of an opened bundle.

        Raises `BundleError` where card or weights are not those of this kind.
        """
        return cls._restored(stored, {})

    @classmethod
    def _restored(cls, stored: storage.Stored, given: dict[str, Any]) -> Self:
        """Make it of an opened bundle, and of settings that no bundle can hold."""
        opened = stored.bundle
        settings = storage.entry(opened, "settings", dict)
        history = storage.history_of(stored)
        network = storage.entry(opened, "network", dict)
        weights = {n: a for n, a in opened.weights.items() if n.startswith(PREFIX)}
        apart = {*weights, *ARRAYS, "user_counts", "item_counts", "calibration"}
        more = {name: array for name, array in opened.weights.items() if name not in apart}
        trained = Trained(weights, network, history, more)
        try:
            model = cls(**{**restored_settings(cls, settings), **given})
            model._trainer()
            require_shapes(weights, model._shapes(trained, stored.knowledge))
        except (SettingsError, DataError) as error:
            raise BundleError(f"{opened.folder} is damaged: {error} Save it again.") from error
        measured = storage.calibration_of(stored)
        model._accept(trained, stored.knowledge, settings, measured)
        return model


def require_finite(card: Mapping[str, Any], names: tuple[str, ...], *, zero: bool = True) -> None:
    """Raise `DataError` unless a network's card holds finite numbers of these names.

    `zero` tells whether 0 is one of them that makes sense.
    """
    for name in names:
        value: Any = card.get(name)
        finite = type(value) in (int, float) and math.isfinite(value)
        if not finite or not (zero or value):
            raise DataError(f"network.{name} should be a finite number, and is {value!r:.80}.")


def plain_setting(value: Any) -> Any:
    """Return a constructor's argument as a JSON-able value; what is none is described."""
    if isinstance(value, (list, tuple)):
        return [plain_setting(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "get_config"):
        from penchant.solvers.keras.optimizer import described

        return described(value)
    return f"the function {getattr(value, '__name__', type(value).__name__)}"


def restored_settings(cls: type[NeuralRecommender], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a constructor's arguments of their JSON-able values; lists come back as tuples.

    Raises `SettingsError` unless they are just those that the constructor takes.
    """
    known = cls._setting_names()
    said = {**said, "choices": said.get("choices", False)}  # bundles of format 1 have none
    if sorted(said) != sorted(known):
        raise SettingsError(f"{cls.__name__} takes {', '.join(known)}, not {sorted(said)!r:.200}.")
    return {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}


@contextmanager
def _shown(rounds: int, callbacks: Iterable[Any], progress: bool) -> Iterator[Iterable[Any]]:
    """Yield the callbacks, and what tells of the epochs where that is wanted."""
    if not progress:
        yield callbacks
        return
    with (
        told_while_compiling("compiling the network") as begun,
        show_progress("epoch", rounds) as shown,
    ):
        yield (begun, shown, *callbacks)
