"""Gibbs from blocks."""

from __future__ import annotations

import numpy as np

from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.driver import BlockProblem
from penchant.blocks.train.prior import Moments, draw_prior
from penchant.blocks.train.run import BlockRun, start_half
from penchant.features.who_rated import PRIOR_NOISE
from penchant.history import History
from penchant.kernels.rng import fill_normals
from penchant.solvers.base import Fitted
from penchant.solvers.checkpoint import State
from penchant.solvers.gibbs.finish import Head, packed, unpacked
from penchant.solvers.gibbs.sampler import FIRST_SPREAD
from penchant.solvers.gibbs.settings import GibbsSettings
from penchant.solvers.gibbs.side import Half, Prior
from penchant.threads import Threads

_START, _NOISE = 6, 7  # what a draw is for


class GibbsRun(BlockRun):
    """Users, their prior, the noise and the items' weights, items, their prior."""

    noise = True
    first = 1

    def __init__(
        self,
        settings: GibbsSettings,
        problem: BlockProblem,
        engine: Engine,
        threads: Threads,
        factors: int,
        folder: str | None,
    ) -> None:
        super().__init__(problem, engine, threads, factors, folder)
        self._settings = settings
        D = settings.rank + 1
        self._prior = Prior.start(D, problem.users.spectrum.size)
        self.items: Half = start_half(Half, problem, Prior.start(D, problem.items.spectrum.size))
        self.alpha = 1.5  # a third of the variance explained
        start = np.empty((len(self.items.bias), settings.rank), np.float32)
        fill_normals(0, len(start), 0, _START, problem.facts.key, start)
        self.items.factors[:, : settings.rank] = start * np.float32(FIRST_SPREAD)
        self._heads: list[Head] = []

    @property
    def rounds(self) -> int:
        """How many sweeps there are."""
        return self._settings.sweeps

    @property
    def prior(self) -> Prior:
        """The users' prior."""
        return self._prior

    def after_users(self) -> dict[str, float]:
        """Draw the users' prior, the items' weights, the noise."""
        facts, sums, key = self.problem.facts, self.sums, self.problem.facts.key
        moments = Moments.of(sums, self.problem.users)
        draw_prior(self._prior, moments, self.problem.users, self.sweep, key)
        seed = int(key[0]) | int(key[1]) << 32
        random = np.random.Generator(
            np.random.Philox(key=[seed, 0], counter=[0, self.sweep, _NOISE, 0])
        )
        squares, counts = sums["item_squares"], self.problem.items.counts
        if self._settings.weights:
            rate = (PRIOR_NOISE + self.alpha * squares) / 2
            drawn = random.gamma((PRIOR_NOISE + counts) / 2) / rate
            self.units = np.sqrt(np.where(counts > 0, drawn, 1.0)).astype(np.float32)
        every = float((squares * self.units.astype(np.float64) ** 2).sum())
        self.alpha = float(random.gamma(1 + len(facts.store) / 2) / (1 + every / 2))
        return {"noise": facts.unit / float(np.sqrt(self.alpha))}

    def after_items(self) -> None:
        """Draw the items' prior; keep a head where it is time."""
        self.items.draw_prior(self.sweep, self.problem.facts.key, self.threads)
        if self._settings.keeps(self.sweep):
            self._heads.append(self._head())

    def _head(self) -> Head:
        half, users, items = self.items, self._prior, self.items.prior
        rows, cold = half.rows(), ~half.active
        rows[cold] = half.explained(self.threads)[cold]
        none = np.zeros((0, rows.shape[1]), np.float32)
        return Head(
            (none, users.mean.copy(), users.precision.copy(), users.coordinates.copy()),
            (rows, items.mean.copy(), items.precision.copy(), items.coordinates.copy()),
            self.alpha,
        )

    def kept(self) -> State:
        """Return the heads; while there are none, the draw as it stands."""
        return State(packed(self._heads or [self._head()]), {"heads": len(self._heads)})

    def restore(self, now: State, kept: State) -> None:
        """Go on from what `state` and `kept` gave."""
        super().restore(now, kept)
        self._heads = unpacked(kept.arrays, kept.progress["heads"])

    def fitted(self, kept: State, history: History) -> Fitted:
        """Distil the heads to the network."""
        return self.finished(unpacked(kept.arrays, max(1, kept.progress["heads"])), history)
