"""MatrixFactorization: the dot-and-bias network as a recommender."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

from penchant.errors import DivergedError, UnsupportedError
from penchant.factors import Factors
from penchant.model.known import Knowledge
from penchant.model.state import Life
from penchant.predict.by_factors import FactorPredictor
from penchant.predict.predictor import POSTERIOR_OWN
from penchant.ratings import Ratings
from penchant.recommender.living import Living
from penchant.recommender.plan import Plan, with_side_information
from penchant.settings import FACTORS, require
from penchant.solvers.base import Fitted
from penchant.solvers.registry import SOLVERS, solver_of, solver_record
from penchant.solvers.task import Checkpoint
from penchant.stars import Stars
from penchant.storage import storage
from penchant.store import BlockStore


class MatrixFactorization(Living):
    """Matrix factorisation: the network of the chapter, trained by a solver of your choice.

    Prediction: ``r̂(u, i) = mean + b_u + b_i + p_u · q_i``, clipped to the scale, with K numbers
    in p_u and q_i. The objective is the solver's; see its docstring.

    Args:
        factors: K.
        solver: a name, "gibbs", "als", "sgd", "keras" or "bias", or settings such as
            ``pc.Gibbs(rank=8)`` or ``pc.Keras(optimizer="adam")``.
        seed: of all that is random; the same seed, data and versions give the same model on
            processors of the same type.
        side_information: whether the solver reads side columns (genres, age …), or the names of
            those to read; None for the solver's own setting.
        choices: whether to learn who picks what, too (`penchant.choices`), which lists are ordered
            by; of ratings in memory.

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

    def __init__(
        self,
        factors: int = FACTORS,
        solver: Any = "gibbs",
        seed: int = 0,
        side_information: bool | Sequence[str] | None = None,
        choices: bool = True,
    ) -> None:
        self.factors = factors
        self.solver = solver
        self.seed = seed
        self.side_information = side_information
        self.choices = choices

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
                (`penchant.blocks.write`), which is read block by block. The ratings that it holds
                out are watched, and the state is kept after every sweep.
            validation: a share of `ratings` to cut off at random, or ratings of their own. They
                choose when to stop and what to keep, and calibrate the intervals of `predict`.
            watch: ratings whose RMSE is measured after each round, for the curve alone: they
                choose nothing.
            callbacks: functions that get each round's record; `True` as their answer stops.
            progress: whether to tell of each round on standard error.
            threads: how many to use; all that the process may use if None.
            resume: a folder that keeps the state after every 10 rounds (`pc.Checkpoint` for
                another number), and from which an interrupted training of the same data and
                settings goes on: on a processor of the same type to the bits of an uninterrupted
                one. Of a block store it may be a URL that fsspec knows; with several machines it is
                a folder that all of them see.
            engine: where the blocks of a store are worked on: "threads" of this machine, "ray", or
                a `penchant.blocks.engines.ray.RayEngine` of an address. It doesn't change a bit.

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
                self._accept(error.last_good, plan.knowledge, reads_time=plan.reads_time)
            raise
        fitted = with_calibrated_stars(fitted, plan.validation)
        known = plan.knowledge.with_choices(threads) if self.choices else plan.knowledge
        self._accept(fitted, known, reads_time=plan.reads_time)
        return self._calibrated(plan.validation)

    def _fit_store(self, store: BlockStore, solver: Any, **how: Any) -> Self:
        from penchant.recommender.from_blocks import fit_store, knowledge_of

        fitted = fit_store(solver, store, factors=self.factors, seed=self.seed, **how)
        self._accept(fitted, knowledge_of(store))
        return self

    def _accept(
        self, fitted: Fitted, knowledge: Knowledge, *, reads_time: bool = False, **more: Any
    ) -> None:
        self.__dict__.pop("network", None)
        given = {
            "known": knowledge,
            "factors": fitted.factors,
            "kept": fitted.posterior,
            "stars": fitted.stars,
            "history": fitted.history,
            "reads_time": reads_time,
            "made_by": more.pop("made_by", None) or self._settings(),
            "calibration": more.pop("calibration", None)
            or (None if fitted.posterior is None else POSTERIOR_OWN),
            "life": Life((knowledge.user_ids.size, knowledge.item_ids.size)),
        }
        self._predictor = FactorPredictor(**{**given, **more})

    def _settings(self) -> dict[str, Any]:
        """Return what a bundle says of how the numbers were made, JSON-able."""
        return {
            "factors": self.factors,
            "solver": solver_record(self.solver),
            "seed": self.seed,
            "side_information": _plain(self.side_information),
            "choices": self.choices,
        }

    @property
    def trained(self) -> Factors:
        """The trained numbers; raises `NotFittedError` before `fit`."""
        return self._model.factors

    @property
    def posterior(self) -> Any:
        """What the solver kept beside the factors, a `Posterior`; None for SGD and Keras."""
        return self._model.posterior

    @property
    def stars(self) -> Stars | None:
        """The stars of an ordinal model, whose trained numbers give latent values; else None.

        Raises `NotFittedError` before `fit`.
        """
        return self._model.stars

    @cached_property
    def network(self) -> Any:
        """The trained network, a `keras.Model` from rows (not ids) to a rating.

        That of an ordinal model ends with a layer from latent values to expected ratings.

        Raises `NotFittedError` before `fit`.
        """
        from penchant.networks.mf import network_of

        return network_of(self.trained, self.stars)

    @property
    def list_network(self) -> Any:
        """`network` with a second output: "rating", and "picked", how probable a pick is.

        Raises `UnsupportedError` where picks were not learnt, `NotFittedError` before `fit`.
        """
        from penchant.choices.graph import with_picks

        known = self.knowledge
        if known.choices is None:
            raise UnsupportedError(
                "list_network needs a model of who picks what, and this one was trained without. "
                "Train it with choices=True."
            )
        return with_picks(self.network, known.choices, known.shares)

    def _saved(self, ratings: bool) -> storage.Saved:
        one = self._model
        weights = {name: a for name, a in one.factors.arrays().items() if name != "mean"}
        card = {"settings": one.made_by, "mean": one.factors.mean}
        card |= {"history": one.history.to_json(), "reads_time": one.reads_time}
        card |= {"trained_rows": list(one.life.trained)}
        weights |= one.life.arrays() if ratings else {}
        weights |= {} if one.stars is None else one.stars.arrays()
        kept = one.posterior.arrays() if one.has_posterior else None
        return storage.Saved(card, weights, kept).calibrated(one.calibration)

    @classmethod
    def from_bundle(cls, stored: storage.Stored) -> MatrixFactorization:
        """Make the recommender of an opened bundle.

        Raises `BundleError` where card or weights are not those of this kind.
        """
        settings, history = storage.settings_of(stored, tuple(SOLVERS)), storage.history_of(stored)
        model = cls(**settings)
        stars = storage.stars_of(stored)
        posterior = storage.posterior_of(stored, stars) if stored.bundle.has_posterior else None
        model._accept(
            Fitted(storage.factors_of(stored), posterior, history, stars),
            stored.knowledge,
            reads_time=storage.reads_time_of(stored),
            made_by={**settings, "solver": dataclasses.asdict(settings["solver"])},
            life=storage.life_of(stored),
            calibration=storage.calibration_of(stored),
        )
        return model


def with_calibrated_stars(fitted: Fitted, validation: Ratings | None) -> Fitted:
    """Return an ordinal model with a spread learnt from ratings kept out of the training."""
    if fitted.stars is None or validation is None or not len(validation):
        return fitted
    latent = fitted.factors.predict(validation.user_rows, validation.item_rows)
    stars = fitted.stars.calibrated(latent, validation.values)
    posterior = fitted.posterior
    if posterior is not None:
        posterior = dataclasses.replace(posterior, stars=stars)
    return fitted._replace(posterior=posterior, stars=stars)


def _plain(wanted: Any) -> Any:
    return list(wanted) if isinstance(wanted, tuple) else wanted
