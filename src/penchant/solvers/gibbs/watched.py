"""Ratings that are watched while the sampler runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.kernels.residuals import predict_pairs
from penchant.metrics import rmse
from penchant.posterior import DayEffects
from penchant.ratings import Ratings
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler


class Watched:
    """The mean prediction, over the draws so far, of rows that don't train.

    Args:
        ratings: the rows.
        problem: gives the units.
        keys: the sorted keys of the user × days of the training.
    """

    def __init__(self, ratings: Ratings, problem: Problem, keys: npt.NDArray[np.int64]) -> None:
        self._ratings, self._mean, self._unit = ratings, problem.mean, problem.unit
        self.average = np.zeros(len(ratings), dtype=np.float32)
        self.count = 0
        self._group: npt.NDArray[np.int64] | None = None
        if len(keys) and ratings.timestamps is not None:
            own = DayEffects.key(ratings.user_rows, ratings.timestamps)
            at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
            self._group = np.where(keys[at] == own, at, len(keys))  # one past the last: no effect

    def rmse(self, sampler: Sampler, *, average: bool) -> float:
        """Take the sampler's draw in (or take it alone) and return the RMSE, in rating units."""
        users, items, ratings = sampler.users, sampler.items, self._ratings
        draw = np.empty(len(ratings), dtype=np.float32)

        def work(start: int, stop: int) -> None:
            predict_pairs(
                start, stop, ratings.user_rows, ratings.item_rows, users.factors, users.bias,
                items.factors, items.bias, draw,
            )  # fmt: skip

        sampler.threads.map(work, sampler.threads.blocks(np.ones(len(draw), dtype=np.int64)))
        if self._group is not None and sampler.days is not None:
            draw += np.append(sampler.days.values, 0.0)[self._group].astype(np.float32)
        if sampler.latent is not None:
            draw = sampler.latent.expected(sampler, ratings.user_rows, ratings.item_rows, draw)
        self.count = self.count + 1 if average else 1
        self.average += (draw - self.average) / np.float32(self.count)
        predicted = self._mean + self._unit * self.average
        return rmse(ratings.values, ratings.scale.clip(predicted.astype(np.float32)))
