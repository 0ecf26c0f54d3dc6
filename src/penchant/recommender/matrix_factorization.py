"""MatrixFactorization: the dot-and-bias network as a recommender."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

from penchant.errors import DivergedError
from penchant.factors import Factors, Floats
from penchant.history import History
from penchant.ids import Rows
from penchant.ratings import Ratings
from penchant.recommender import storage
from penchant.recommender.asking import Asking
from penchant.recommender.base import Seconds, not_fitted
from penchant.recommender.distribution import Distribution
from penchant.recommender.knowledge import Knowledge
from penchant.recommender.plan import Plan, with_side_information
from penchant.settings import FACTORS, require
from penchant.solvers.base import Checkpoint, Fitted
from penchant.solvers.named import SOLVERS, solver_of, solver_record
from penchant.stars import Stars
from penchant.store import BlockStore


class MatrixFactorization(Asking):
    """Matrix factorisation: the network of the chapter, trained by a solver of your choice.

    Prediction: ``r̂(u, i) = mean + b_u + b_i + p_u · q_i``, clipped to the scale, with K numbers
    in p_u and q_i. The objective is the solver's; see its docstring.

    Args:
        factors: K.
        solver: a name, "gibbs", "als", "sgd", "keras" or "bias", or settings such as
            ``pc.Gibbs(rank=8)`` or ``pc.Keras(optimizer="adam")``.
        seed: of all that is random; the same seed, data and versions give the same model.
        side_information: whether the solver reads side columns (genres, age …), or the names of
            those to read; None for the solver's own setting.

    References:
        Koren, Bell, Volinsky: Matrix Factorization Techniques for Recommender Systems, Computer
        42(8), 2009.

    >>> import penchant as pc
    >>> ratings = pc.synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.3, seed=1)
    >>> train, test = pc.split(ratings, test=0.2, seed=1)
    >>> model = pc.MatrixFactorization(factors=4, solver=pc.Gibbs(rank=2), seed=0)
    >>> model.fit(train, progress=False).predict([1, 1], [2, 3]).shape
    (2,)
    """

    kind: ClassVar[str] = "matrix_factorization"
    _fitted: Fitted | None = None
    _reads_time: bool = False
    _made_by: dict[str, Any]
    """The settings of the fit, JSON-able: what a bundle says of how its numbers were made."""

    def __init__(
        self,
        factors: int = FACTORS,
        solver: Any = "gibbs",
        seed: int = 0,
        side_information: bool | Sequence[str] | None = None,
    ) -> None:
        self.factors = factors
        self.solver = solver
        self.seed = seed
        self.side_information = side_information

    def fit(
        self,
        ratings: Ratings | BlockStore,
        *,
        validation: float | Ratings | None = None,
        watch: Ratings | None = None,
        callbacks: Iterable[Any] = (),
        progress: bool = True,
        threads: int | None = None,
        resume: str | os.PathLike[str] | Checkpoint | None = None,
        engine: Any = None,
    ) -> Self:
        """Train on ratings, from a fresh start, and return the recommender.

        Args:
            ratings: what to learn from; for "als" and "gibbs" it may be a block store
                (`penchant.blocks`), which is read block by block. The ratings that it holds out
                are watched, and the state is kept after every sweep.
            validation: a share of `ratings` to cut off at random, or ratings of their own. They
                choose when to stop and what to keep, and calibrate the intervals of `predict`.
            watch: ratings whose RMSE is measured after each round, for the curve alone: they
                choose nothing.
            callbacks: functions that get each round's record; `True` as their answer stops.
            progress: whether to tell of each round on standard error.
            threads: how many to use; all that the process may use if None.
            resume: a folder that keeps the state after every 10 rounds (`pc.Checkpoint` for
                another number), and from which an interrupted training of the same data and
                settings goes on, to the bits of an uninterrupted one. Of a block store it may be a
                URL that fsspec knows; with several machines it is a folder that all of them see.
            engine: where the blocks of a store are worked on: "threads" of this machine, "ray", or
                a `penchant.engine.ray.RayEngine` of an address. It doesn't change a bit.

        Raises:
            DataError: what is given as ratings is none, or empty.
            SettingsError: a setting or an argument makes no sense.
            DivergedError: the numbers left the finite ones; the last good state is kept here.
        """
        solver = with_side_information(solver_of(self.solver), self.side_information)
        if isinstance(ratings, BlockStore):
            return self._fit_store(
                ratings,
                solver,
                validation=validation,
                watch=watch,
                callbacks=callbacks,
                progress=progress,
                threads=threads,
                resume=resume,
                engine=engine,
            )
        require(
            engine is None,
            "engine= says where the blocks of a store are worked on, and these ratings are in "
            "memory. Leave it out, or write blocks first: penchant blocks SOURCE DIR.",
        )
        plan = Plan.of(
            ratings,
            solver=solver,
            factors=self.factors,
            seed=self.seed,
            validation=validation,
            watch=watch,
        )
        try:
            fitted = plan.run(callbacks, progress=progress, threads=threads, resume=resume)
        except DivergedError as error:
            if error.last_good is not None:
                self._accept(error.last_good, plan.knowledge, plan.reads_time)
            raise
        self._accept(fitted, plan.knowledge, plan.reads_time)
        self._calibrate_stars(plan.validation)
        self._calibrate(plan.validation)
        return self

    def _fit_store(self, store: BlockStore, solver: Any, **how: Any) -> Self:
        from penchant.recommender.from_blocks import fit_store, knowledge_of

        fitted = fit_store(solver, store, factors=self.factors, seed=self.seed, **how)
        self._accept(fitted, knowledge_of(store), reads_time=False)
        self._calibrate(None)
        return self

    def _calibrate_stars(self, validation: Ratings | None) -> None:
        """Learn the spread of an ordinal model from ratings that were kept out of the training."""
        fitted = self._known_fit()
        if fitted.stars is None or validation is None or not len(validation):
            return
        latent = fitted.factors.predict(validation.user_rows, validation.item_rows)
        stars = fitted.stars.calibrated(latent, validation.values)
        posterior = self.posterior
        if posterior is not None:
            posterior = dataclasses.replace(posterior, stars=stars)
        self._fitted = fitted._replace(posterior=posterior, stars=stars)

    def _accept(
        self,
        fitted: Fitted,
        knowledge: Knowledge,
        reads_time: bool,
        made_by: dict[str, Any] | None = None,
    ) -> Self:
        for name in ("network", "_life", "_ledger", "_calibration"):
            self.__dict__.pop(name, None)
        self._fitted, self._knowledge, self._reads_time = fitted, knowledge, reads_time
        self._made_by = made_by or {
            "factors": self.factors,
            "solver": solver_record(self.solver),
            "seed": self.seed,
            "side_information": _plain(self.side_information),
        }
        return self

    @property
    def trained(self) -> Factors:
        """The trained numbers; raises `NotFittedError` before `fit`."""
        return self._known_fit().factors

    @property
    def posterior(self) -> Any:
        """What the solver kept beside the factors, a `Posterior`; None for SGD and Keras."""
        kept = self._known_fit().posterior
        return kept() if callable(kept) else kept

    @property
    def stars(self) -> Stars | None:
        """The stars of an ordinal model, whose trained numbers give latent values; else None.

        Raises `NotFittedError` before `fit`.
        """
        return self._known_fit().stars

    @property
    def reads_time(self) -> bool:
        """Whether the model was trained with effects of user × day."""
        return self._reads_time

    @property
    def history(self) -> History:
        """What each epoch or sweep measured; raises `NotFittedError` before `fit`."""
        return self._known_fit().history

    @cached_property
    def network(self) -> Any:
        """The trained network, a `keras.Model` from rows (not ids) to a rating.

        That of an ordinal model ends with a layer from latent values to expected ratings.

        Raises `NotFittedError` before `fit`.
        """
        from penchant.network.mf import network_of

        return network_of(self.trained, self.stars)

    @property
    def n_parameters(self) -> int:
        """How many numbers predict; raises `NotFittedError` before `fit`."""
        return self.trained.n_parameters

    def _saved(self, ratings: bool) -> storage.Saved:
        history = self.history.to_json()
        weights = {name: a for name, a in self.trained.arrays().items() if name != "mean"}
        card = {"settings": self._made_by, "mean": self.trained.mean, "history": history}
        card |= {"reads_time": self.reads_time, "trained_rows": list(self._life_of().trained)}
        weights |= self._life_of().arrays() if ratings else {}
        weights |= {} if self.stars is None else self.stars.arrays()
        kept = None if self.posterior is None else self.posterior.arrays()
        return storage.Saved(card, weights, kept).calibrated(self._calibration)

    @classmethod
    def from_bundle(cls, stored: storage.Stored) -> MatrixFactorization:
        """Make the recommender of an opened bundle.

        Raises `BundleError` where card or weights are not those of this kind.
        """
        settings, history = storage.settings_of(stored, tuple(SOLVERS)), storage.history_of(stored)
        model = cls(**settings)
        stars = storage.stars_of(stored)
        posterior = storage.posterior_of(stored, stars) if stored.bundle.has_posterior else None
        fitted = Fitted(storage.factors_of(stored), posterior, history, stars)
        reads_time = storage.reads_time_of(stored)
        made_by = {**settings, "solver": dataclasses.asdict(settings["solver"])}
        model._accept(fitted, stored.knowledge, reads_time, made_by)
        model._life, model._calibration = storage.life_of(stored), storage.calibration_of(stored)
        return model

    def _known_fit(self) -> Fitted:
        if self._fitted is None:
            raise not_fitted(self)
        return self._fitted

    def _predict_rows(self, user_rows: Rows, item_rows: Rows, seconds: Seconds) -> Floats:
        predicted = self._as_ratings(self.trained.predict(user_rows, item_rows))
        if seconds is None or not self.reads_time:
            return predicted
        effects: Floats = self.posterior.days(user_rows, seconds)
        return predicted + effects

    def _score_user(self, user_row: int) -> Floats:
        return self._as_ratings(self.trained.scores(user_row))

    def _distribution(self, user_rows: Rows, item_rows: Rows) -> Distribution:
        if self.stars is None:
            return super()._distribution(user_rows, item_rows)
        latent = self.trained.predict(user_rows, item_rows)
        return Distribution(self.stars.values, self.stars.probabilities(latent))

    def _correlations(self, side: str, row: int) -> Floats:
        counts = self.knowledge.user_counts if side == "item" else self.knowledge.item_counts
        return self.trained.correlations(side, row, counts > 0)


def _plain(wanted: Any) -> Any:
    return list(wanted) if isinstance(wanted, tuple) else wanted
