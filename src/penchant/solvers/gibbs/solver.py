"""Gibbs: Bayesian matrix factorisation with side information, distilled into the network."""

from __future__ import annotations

import dataclasses

from penchant.solvers.base import Fitted
from penchant.solvers.gibbs.run import Run
from penchant.solvers.gibbs.settings import GibbsSettings
from penchant.solvers.loop import Loop
from penchant.solvers.task import Task
from penchant.threads import Threads


@dataclasses.dataclass(frozen=True)
class Gibbs(GibbsSettings):
    """Sample many small models of the ratings, and distil them into one network.

    With x̃ = (factors, own bias), D = rank + 1:

    - ``r_ui ~ N(mean + b_u + b_i + p_u · q_i (+ day effect), (α w_u w_i)⁻¹)``,
    - ``x̃ ~ N(m + Bᵀx, Λ⁻¹)`` for users, and with an m, B, Λ of their own for items,
    - (m, Λ) Normal–Wishart, B Gaussian in the leading directions of x
      (`penchant.solvers.spectrum`), the precisions of B's two parts, α and the weights w Gamma.

    x holds who rated what, how much, and the side columns (`penchant.features`). Priors are set for
    ratings in units of their standard deviation, so they mean the same on any scale; no λ is left
    to choose. Each sweep draws everything once. After `burn_in` sweeps `heads` states are kept,
    evenly spaced; the network is the mean over them, and every user's row is solved from that
    user's ratings (`penchant.posterior`).

    Strangers get the mean of the users' prior; cold users and items what their side columns say.

    Sources: Salakhutdinov & Mnih 2008 (BPMF); Simm et al. 2017 (Macau); Koren 2008 (SVD++).

    Attributes:
        rank: factors of each sampled model; the network's width is the recommender's `factors`.
        sweeps: how many sweeps in all.
        burn_in: sweeps at the start that are thrown away.
        heads: states to keep, at most one a sweep.
        contexts: ("day",) for an effect of each user × day; needs timestamps.
        side_information: whether to use side columns, or the names of those to use.
        bags: whether to use who rated what, and how much.
        weights: whether noisier users and items weigh less.
        likelihood: "gaussian", or "ordinal" for an ordered probit: ratings are ordered classes, at
            most 20, and the network gives a latent value (`penchant.stars`,
            `penchant.solvers.gibbs.ordinal`).

    >>> Gibbs(rank=8).rounds
    200
    """

    @classmethod
    def quick(cls) -> Gibbs:
        """Return settings that take about a third of the time and give away a little accuracy.

        >>> Gibbs.quick().rank
        8
        """
        return cls(rank=8, sweeps=60, burn_in=15, heads=24)

    def train(self, task: Task) -> Fitted:
        """Sample, and distil to a network of the task's width.

        History: `train_rmse`, `validation_rmse`, `watch_rmse` of the mean of the draws so far (of
        the last draw during the burn-in), `noise` = 1/√α in rating units, `drift`, by how much the
        noise differs between the halves of the kept sweeps, in standard deviations: well below 1
        once the sampler has settled, and `draws`, how many are in that mean.
        """
        loop = Loop(self, task)
        with Threads(task.threads) as threads:
            return loop.train(Run(self, task, threads, loop.history))
