"""ALS from blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penchant.engine.protocol import Engine
from penchant.engine.threads import Threads
from penchant.history import History
from penchant.solvers.als_half import RidgeHalf
from penchant.solvers.base import Fitted, Monitor
from penchant.solvers.blocked.counted import finish_counted
from penchant.solvers.blocked.prior import Moments, solve_prior
from penchant.solvers.blocked.problem import BlockProblem, Known
from penchant.solvers.blocked.run import Arrays, BlockRun, start_half
from penchant.solvers.gibbs_half import Prior
from penchant.solvers.gibbs_heads import Head

if TYPE_CHECKING:
    from penchant.solvers.als import ALS


class ALSRun(BlockRun):
    """The steps of `penchant.solvers.als`: items, their prior, users, their prior."""

    noise = False
    first = 0

    def __init__(
        self,
        settings: ALS,
        problem: BlockProblem,
        engine: Engine,
        threads: Threads,
        monitor: Monitor,
    ) -> None:
        super().__init__(problem, engine, threads, monitor)
        self._settings = settings
        self._prior = _start(settings, problem.users)
        self.items: RidgeHalf = start_half(
            RidgeHalf, problem, _start(settings, problem.items), problem.items.scales
        )
        self._loss = 0.0

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
        return {"loss": self._loss + penalty + self.items.penalty(self.threads)}

    def after_items(self) -> None:
        """Solve the items' prior."""
        self.items.solve_prior(self.threads)

    def arrays(self) -> Arrays:
        """Return what else a sweep changes: nothing."""
        return {}

    def numbers(self) -> dict[str, Any]:
        """Return the sum of squares, from which the noise is told."""
        return {"squares": self._loss}

    def restore(self, arrays: Any, numbers: dict[str, Any]) -> None:
        """Go back to what `numbers` gave."""
        self._loss = float(numbers["squares"])

    def heads(self) -> list[Head]:
        """Return the one state: Λ is λ in units of the noise."""
        alpha = len(self.problem.facts.store) / max(self._loss, 1e-9)
        none = np.zeros((0, self._settings.rank + 1), np.float32)
        users, items = self._prior, self.items.prior
        return [
            Head(
                (none, users.mean, users.precision * alpha, users.coordinates),
                (self.items.rows(), items.mean, items.precision * alpha, items.coordinates),
                alpha,
            )
        ]

    def _fitted(self, factors: int, history: History, folder: str | None) -> Fitted:
        if self._settings.scaling == "plain":
            return super()._fitted(factors, history, folder)
        more = (factors, history, self.engine, self.threads, folder)
        return finish_counted(self.problem, self._given(()), *more)


def _start(settings: ALS, known: Known) -> Prior:
    strengths = np.full(known.spectrum.size, settings.l2_side)
    if settings.bags and known.spectrum.parts:
        strengths[known.spectrum.parts[0]] = settings.l2_bags
    precision = np.diag([settings.l2] * settings.rank + [settings.l2_bias])
    D = settings.rank + 1
    return Prior(np.zeros(D), precision, strengths, np.zeros((known.spectrum.size, D)))
