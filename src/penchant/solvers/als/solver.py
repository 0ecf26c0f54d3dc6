"""The ALS solver: rows solved in turn, side information by its mode."""

from __future__ import annotations

import dataclasses

from penchant.solvers.als.run import Run
from penchant.solvers.als.settings import ALSSettings
from penchant.solvers.base import Fitted
from penchant.solvers.loop import Loop
from penchant.solvers.task import Task
from penchant.threads import Threads


@dataclasses.dataclass(frozen=True)
class ALS(ALSSettings):
    """Alternating least squares (Zhou et al. 2008), biases solved with the factors.

    With z = (r - mean) / s, s the standard deviation of the training ratings, and rows
    x̃ = (factors, own bias) of width D = rank + 1, the objective is

        Σ w_u w_i (z - b_u - b_i - p_u · q_i)²
        + Σ c_u |x̃_u - m - Bᵀx_u|²_λ + Σ c_i |x̃_i - m' - B'ᵀx_i|²_λ + |B|²_κ + |B'|²_κ

    where ``|x̃|²_λ = l2 |factors|² + l2_bias bias²``. λ is plain (c = 1) for ``scaling="plain"``,
    and times the number n of the row's ratings (c = n) for "count": there it is charged for each
    rating, so choose it by so much smaller. x holds who rated what, how much, and the side columns
    (`penchant.features`); |B|²_κ is measured in the leading directions of x
    (`penchant.solvers.spectrum`) and in λ, with a κ for who rated what and how much, `l2_bags`, and
    one for the side columns, `l2_side`; the weights w are `penchant.features.Noise`. A sweep
    solves the items' rows, then their prior, then the same for the users: each step is the least
    there is for its part, so the objective never grows. Since z has no unit, neither do the
    settings.

    The network's users are solved once more at the end. With plain λ the model comes with a
    `Posterior` of one head: a user's row is a pure function of that user's ratings. Strangers get
    m, cold rows what their side columns say.

    Attributes:
        rank: factors that are solved for; the network's width is the recommender's `factors`.
        sweeps: at the most; with validation rows training may stop earlier.
        l2: λ of the factors.
        l2_bias: λ of the biases.
        scaling: "plain", or "count" for λ times the number of a row's ratings.
        l2_bags: κ of who rated what, and how much.
        l2_side: κ of the side columns.
        side_information: whether to use side columns, or the names of those to use.
        bags: whether to use who rated what, and how much.
        weights: whether noisier users and items weigh less.
        patience: sweeps without a better validation RMSE before training stops; the best sweep's
            numbers are kept.

    Raises:
        SettingsError: a setting makes no sense.

    >>> from penchant.data.synthetic import synthetic
    >>> ratings = synthetic(n_users=60, n_items=40, n_ratings=1000, factors=2, seed=0)
    >>> ALS(rank=4).fit(ratings, factors=6).factors
    Factors(61 × 41, 6 factors, 714 parameters)
    """

    def train(self, task: Task) -> Fitted:
        """Make the sweeps. History: `loss`, the objective, beside the RMSEs."""
        loop = Loop(self, task, self.patience)
        with Threads(task.threads) as threads:
            return loop.train(Run(self, task, threads))
