"""Gibbs: Bayesian matrix factorisation with side information, distilled into the network."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from penchant.engine.threads import Threads
from penchant.settings import require, require_choice, require_count
from penchant.solvers.base import Fitted, SolverSettings
from penchant.solvers.gibbs_run import Run
from penchant.solvers.loop import Loop
from penchant.solvers.task import Task


@dataclasses.dataclass(frozen=True)
class Gibbs(SolverSettings[Fitted]):
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
            `penchant.solvers.ordinal`).

    >>> Gibbs(rank=8).rounds
    200
    """

    name: ClassVar[str] = "gibbs"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "sweep"

    rank: int = 16
    sweeps: int = 200
    burn_in: int = 40
    heads: int = 64
    contexts: tuple[str, ...] = ()
    side_information: bool | tuple[str, ...] = True
    bags: bool = True
    weights: bool = True
    likelihood: Literal["gaussian", "ordinal"] = "gaussian"

    def __post_init__(self) -> None:
        for name, least in (("rank", 1), ("sweeps", 1), ("burn_in", 0), ("heads", 1)):
            require_count(name, getattr(self, name), least)
        require(
            self.burn_in < self.sweeps,
            f"burn_in must leave sweeps to keep: it is {self.burn_in} of {self.sweeps} sweeps.",
        )
        require_choice("likelihood", self.likelihood, ("gaussian", "ordinal"))
        require(
            self.likelihood == "gaussian" or not self.contexts,
            f"likelihood='ordinal' knows no contexts; received contexts={self.contexts!r}. Leave "
            f"one of the two out.",
        )
        for name in ("contexts", "side_information"):
            value: object = getattr(self, name)
            require(
                not isinstance(value, str),
                f"{name} takes names in a tuple, such as ({value!r},), not {value!r}.",
            )
        for context in self.contexts:
            require_choice("contexts", context, ("day",))
        if not isinstance(self.side_information, bool):
            object.__setattr__(self, "side_information", tuple(self.side_information))
        object.__setattr__(self, "contexts", tuple(self.contexts))

    @classmethod
    def quick(cls) -> Gibbs:
        """Return settings that take about a third of the time and give away a little accuracy.

        >>> Gibbs.quick().rank
        8
        """
        return cls(rank=8, sweeps=60, burn_in=15, heads=24)

    @property
    def rounds(self) -> int:
        """How many sweeps `fit` makes."""
        return self.sweeps

    def keeps(self, sweep: int) -> bool:
        """Return whether the state after this sweep becomes a head."""
        done, of = sweep - self.burn_in, self.sweeps - self.burn_in
        heads = min(self.heads, of)
        return done > 0 and done * heads // of > (done - 1) * heads // of

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
