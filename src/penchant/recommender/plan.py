"""Plan: one training, its arguments checked, its parts brought to the same rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

from penchant.model.known import Knowledge
from penchant.ratings import Ratings
from penchant.recommender.base import require_ratings
from penchant.recommender.progress import show_progress, told_while_compiling
from penchant.settings import require, require_count, require_number
from penchant.solvers.base import Fitted, Solver
from penchant.solvers.place import is_url
from penchant.solvers.task import Checkpoint
from penchant.split import split


class Parts(NamedTuple):
    """The ratings of one training, all by the rows of `train`.

    Attributes:
        train: the training ratings.
        validation: ratings that may choose, or None.
        watch: ratings that draw a curve, or None.
        knowledge: what `train` tells.
    """

    train: Ratings
    validation: Ratings | None
    watch: Ratings | None
    knowledge: Knowledge

    @classmethod
    def of(cls, ratings: Ratings, *, validation: Any, watch: Ratings | None, seed: int) -> Self:
        """Check the arguments and cut off the validation part.

        Raises `SettingsError` or `DataError` where an argument makes no sense.
        """
        require_count("seed", seed, 0)
        require_ratings("ratings", ratings)
        if watch is not None:
            require_ratings("watch", watch, least=0)
        train, held_out = _validation(ratings, validation, seed)
        known = Knowledge.of(train)
        held_out = None if held_out is None else known.aligned(held_out)
        watch = None if watch is None else known.aligned(watch)
        return cls(train, held_out, watch, known)


class Plan(NamedTuple):
    """What a solver is to train on, and what it may look at.

    Attributes:
        solver: what trains.
        train: the training ratings.
        validation: ratings that may choose, by the rows of `train`, or None.
        watch: ratings that draw a curve, by the rows of `train`, or None.
        knowledge: what `train` tells.
        factors: K.
        seed: of all that is random.
    """

    solver: Solver
    train: Ratings
    validation: Ratings | None
    watch: Ratings | None
    knowledge: Knowledge
    factors: int
    seed: int

    @classmethod
    def of(
        cls,
        ratings: Ratings,
        *,
        solver: Solver,
        factors: int,
        seed: int,
        validation: Any,
        watch: Ratings | None,
    ) -> Self:
        """Check the arguments and cut off the validation part.

        Raises `SettingsError` or `DataError` where an argument makes no sense.
        """
        require_count("factors", factors)
        parts = Parts.of(ratings, validation=validation, watch=watch, seed=seed)
        return cls(solver, *parts, factors, seed)

    @property
    def reads_time(self) -> bool:
        """Whether the trained model will read timestamps."""
        return bool(getattr(self.solver, "contexts", ()))

    def run(
        self, callbacks: Iterable[Any], *, progress: bool, threads: int | None, resume: Any
    ) -> Fitted:
        """Train; see `MatrixFactorization.fit`."""
        require_callbacks(callbacks)
        if not progress:
            return self._run(callbacks, threads, resume)
        shown_rounds = show_progress(self.solver.round_name, self.solver.rounds)
        with told_while_compiling() as begun, shown_rounds as shown:
            return self._run((begun, shown, *callbacks), threads, resume)

    def _run(self, callbacks: Iterable[Any], threads: int | None, resume: Any) -> Fitted:
        return self.solver.fit(
            self.train,
            factors=self.factors,
            validation=self.validation,
            watch=self.watch,
            seed=self.seed,
            callbacks=callbacks,
            threads=threads,
            checkpoint=checkpoint_of(resume),
        )


def require_callbacks(callbacks: object) -> None:
    """Raise `SettingsError` unless that is a list, or another iterable."""
    require(
        isinstance(callbacks, Iterable) and not isinstance(callbacks, str),
        f"callbacks must be a list of callbacks, not {callbacks!r}.",
    )


def with_side_information(solver: Any, wanted: Any) -> Any:
    """Return the solver, told which side columns to read; None leaves it as it is.

    Raises `SettingsError` for a solver that reads none.
    """
    reads = hasattr(solver, "side_information")
    if wanted is None or (wanted is False and not reads):
        return solver
    require(
        reads,
        f"solver={solver.name!r} reads no side information: leave side_information out, or "
        f"choose 'gibbs'.",
    )
    return dataclasses.replace(solver, side_information=wanted)


def checkpoint_of(resume: Any) -> Checkpoint | None:
    """Return the checkpoint for what was given as `resume`: a folder, a checkpoint or None.

    Raises `SettingsError` for anything else.
    """
    if resume is None or isinstance(resume, Checkpoint):
        return resume
    require(
        isinstance(resume, (str, os.PathLike)),
        f"resume must be a folder or a penchant.Checkpoint(folder), not {resume!r}.",
    )
    return Checkpoint(str(resume) if is_url(resume) else Path(resume))


def _validation(ratings: Ratings, validation: Any, seed: int) -> tuple[Ratings, Ratings | None]:
    if validation is None or isinstance(validation, Ratings):
        return ratings, validation
    if not isinstance(validation, (int, float)):
        require_ratings("validation, where it is no share,", validation)
    require_number("validation", validation, 0, 1, open_low=True)
    require(validation < 1, f"validation must leave ratings to train on, not {validation!r}.")
    train, held_out = split(ratings, test=validation, seed=seed)
    return train, held_out
