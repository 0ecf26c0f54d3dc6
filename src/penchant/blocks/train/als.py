"""ALS from blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.counted import finish_counted
from penchant.blocks.train.driver import BlockProblem, Known
from penchant.blocks.train.prior import Moments, solve_prior
from penchant.blocks.train.run import BlockRun, start_half
from penchant.history import History
from penchant.solvers.als.settings import ALSSettings
from penchant.solvers.als.side import RidgeHalf
from penchant.solvers.base import Fitted
from penchant.solvers.checkpoint import State
from penchant.solvers.gibbs.finish import Head
from penchant.solvers.gibbs.side import Prior
from penchant.threads import Threads


class ALSRun(BlockRun):
    """The steps of `penchant.solvers.als.solver`: items, their prior, users, their prior."""

    noise = False
    first = 0

    def __init__(
        self,
        settings: ALSSettings,
        problem: BlockProblem,
        engine: Engine,
        threads: Threads,
        factors: int,
        folder: str | None,
    ) -> None:
        super().__init__(problem, engine, threads, factors, folder)
        self._settings = settings
        self._prior = _start(settings, problem.users)
        self.items: RidgeHalf = start_half(
            RidgeHalf, problem, _start(settings, problem.items), problem.items.scales
        )
        self._loss = 0.0
        self._before_items = self.state().copied()

    @property
    def rounds(self) -> int:
        """How many sweeps there are."""
        return self._settings.sweeps

    @property
    def prior(self) -> Prior:
        """The users' prior."""
        return self._prior

    def after_users(self) -> dict[str, float]:
        """Solve the users' prior; record the objective."""
        moments = Moments.of(self.sums, self.problem.users)
        penalty = solve_prior(self._prior, moments, self.problem.users)
        self._loss = float(self.sums["squares"][0])
        self._before_items = self.state().copied()
        return {"loss": self._loss + penalty + self.items.penalty(self.threads)}

    def after_items(self) -> None:
        """Solve the items' prior."""
        self.items.solve_prior(self.threads)

    def kept(self) -> State:
        """Return the model that the sweep has measured: the items' rows that the users know."""
        return self._before_items

    def numbers(self) -> dict[str, Any]:
        """Return the sum of squares, from which the noise is told."""
        return {"squares": self._loss}

    def restore(self, now: State, kept: State) -> None:
        """Go on from what `state` gave."""
        super().restore(now, kept)
        self._loss = float(now.progress["squares"])

    def fitted(self, kept: State, history: History) -> Fitted:
        """Return the network of what was kept, with a posterior of one head where λ is plain."""
        self.restore(kept, kept)
        if self._settings.scaling == "plain":
            return self.finished([self._head()], history)
        more = (self.factors, history, self.engine, self.threads, self.folder)
        return finish_counted(self.problem, self._given(()), *more)

    def _head(self) -> Head:
        """Return the state as a head: Λ is λ in units of the noise."""
        alpha = len(self.problem.facts.store) / max(self._loss, 1e-9)
        none = np.zeros((0, self._settings.rank + 1), np.float32)
        users, items = self._prior, self.items.prior
        return Head(
            (none, users.mean, users.precision * alpha, users.coordinates),
            (self.items.rows(), items.mean, items.precision * alpha, items.coordinates),
            alpha,
        )


def _start(settings: ALSSettings, known: Known) -> Prior:
    strengths = np.full(known.spectrum.size, settings.l2_side)
    if settings.bags and known.spectrum.parts:
        strengths[known.spectrum.parts[0]] = settings.l2_bags
    precision = np.diag([settings.l2] * settings.rank + [settings.l2_bias])
    D = settings.rank + 1
    return Prior(np.zeros(D), precision, strengths, np.zeros((known.spectrum.size, D)))
