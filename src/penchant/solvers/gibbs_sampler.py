"""The sampler's state and one sweep of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.engine.threads import Threads
from penchant.kernels.averages import average_errors
from penchant.kernels.residuals import row_errors
from penchant.kernels.rng import fill_normals, seed_key
from penchant.solvers.gibbs_half import Half, Prior
from penchant.solvers.gibbs_problem import OneSide, Problem

Floats = npt.NDArray[np.float32]

FIRST_SPREAD = 0.3
"""Standard deviation of the first factors of the items, in units of the ratings' deviation."""

_START, _NOISE, _DAYS = 6, 7, 8  # what a draw is for


@dataclasses.dataclass(eq=False)
class Days:
    """The effects of user × day as they stand.

    Attributes:
        group: (n,) int64, the group of each user-major rating.
        weights: (n,) float64, ``w_u w_i`` of each.
        values: (G,) float64, the effects.
        precision: τ; an effect is N(0, 1/τ).
    """

    group: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    precision: float = 10.0


class Sampler:
    """All that a sweep changes; its arrays and numbers are the checkpoint.

    Args:
        problem: the ratings.
        rank: k, the factors of a head.
        seed: of all draws.
        threads: who does it.
        groups: (n,) the user × day of each user-major rating, or None.
    """

    def __init__(
        self,
        problem: Problem,
        rank: int,
        seed: int,
        threads: Threads,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self.problem = problem
        self.threads = threads
        self.key = seed_key(seed)
        self.sweep = 0
        self.alpha = 1.5  # a third of the variance explained
        self.users = _half(0, problem.users, rank, threads)
        self.items = _half(1, problem.items, rank, threads)
        start = np.empty((len(self.items.bias), rank), dtype=np.float32)
        fill_normals(0, len(start), 0, _START, self.key, start)
        self.items.factors[:, :rank] = start * np.float32(FIRST_SPREAD)
        n = len(problem.users.values)
        self.errors = np.zeros(n, dtype=np.float32)
        self.averages = np.zeros(n, dtype=np.float32)
        self.averaged = 0
        self.days: Days | None = None
        if groups is not None:
            rows = np.repeat(np.arange(len(self.users.bias)), problem.users.counts)
            weights = self.users.units[rows].astype(np.float64) ** 2
            weights *= self.items.units[problem.users.indices].astype(np.float64) ** 2
            self.days = Days(groups, weights, np.zeros(int(groups.max()) + 1))

    def step(self) -> None:
        """Make one sweep: users and their prior, items and theirs, day effects, noise."""
        self.sweep += 1
        for half, other in ((self.users, self.items), (self.items, self.users)):
            half.draw_rows(other, self.alpha, self.sweep, self.key, self.threads)
            half.draw_prior(self.sweep, self.key, self.threads)
        squares = self._residuals()
        seed = int(self.key[0]) | int(self.key[1]) << 32
        random = np.random.Generator(
            np.random.Philox(key=[seed, 0], counter=[0, self.sweep, _NOISE, 0])
        )
        if self.days is not None:
            squares = self._draw_days(self.days, random)
        n = len(self.errors)
        self.alpha = float(random.gamma(1 + n / 2) / (1 + squares / 2))

    def _residuals(self) -> float:
        users, items = self.users, self.items
        sums = np.zeros(len(users.bias))
        weights = items.units**2

        def work(start: int, stop: int) -> None:
            row_errors(
                start, stop, users.indptr, users.indices, users.values, users.factors, users.bias,
                items.factors, items.bias, weights, self.errors, sums,
            )  # fmt: skip

        self.threads.map(work, users.blocks)
        return float((sums * users.units.astype(np.float64) ** 2).sum())

    def _draw_days(self, days: Days, random: np.random.Generator) -> float:
        """Draw the effects and their precision from the residuals; return the weighted squares."""
        old, G = days.values, len(days.values)
        residuals = self.errors + old[days.group]
        sums = np.bincount(days.group, days.weights * residuals, minlength=G)
        counts = np.bincount(days.group, days.weights, minlength=G)
        precision = days.precision + self.alpha * counts
        noise = np.empty((G, 1), dtype=np.float32)
        fill_normals(0, G, self.sweep, _DAYS, self.key, noise)
        days.values = self.alpha * sums / precision + noise[:, 0] / np.sqrt(precision)
        days.precision = float(random.gamma(1 + G / 2) / (1 + (days.values**2).sum() / 2))
        self.errors = (residuals - days.values[days.group]).astype(np.float32)
        self.restore_values()
        return float((days.weights * self.errors.astype(np.float64) ** 2).sum())

    def restore_values(self) -> None:
        """Set the halves' values to the ratings less the day effects as they stand."""
        if self.days is not None:
            effects = self.days.values[self.days.group].astype(np.float32)
            self.users.values = self.problem.users.values - effects
            self.items.values = self.users.values[self.problem.to_items]

    def train_rmse(self, low: float, high: float, *, average: bool) -> float:
        """Return the RMSE on the training rows, in rating units, predictions clipped to the scale.

        Args:
            low: the lowest rating of the scale.
            high: the highest.
            average: whether this draw joins the mean of those before, or is taken by itself.
        """
        problem, users = self.problem, self.users
        self.averaged = self.averaged + 1 if average else 1
        sums = np.zeros(len(users.bias))
        ends = tuple(np.float32((end - problem.mean) / problem.unit) for end in (low, high))

        def work(start: int, stop: int) -> None:
            average_errors(
                start, stop, users.indptr, self.errors, problem.users.values, self.averaged, *ends,
                self.averages, sums,
            )  # fmt: skip

        self.threads.map(work, users.blocks)
        return float(np.sqrt(sums.sum() / len(self.errors))) * problem.unit

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a sweep changes, by name."""
        named: dict[str, npt.NDArray[Any]] = {"averages": self.averages}
        for name, half in (("users", self.users), ("items", self.items)):
            named |= {f"{name}.factors": half.factors, f"{name}.bias": half.bias}
            for field in ("mean", "precision", "coordinates"):
                named[f"{name}.{field}"] = getattr(half.prior, field)
        if self.days is not None:
            named["days"] = self.days.values
        return named

    def numbers(self) -> dict[str, float]:
        """Return the single numbers that a sweep changes, by name."""
        more = {} if self.days is None else {"days": self.days.precision}
        return {
            "sweep": self.sweep,
            "averaged": self.averaged,
            "alpha": self.alpha,
            "users": self.users.prior.strength,
            "items": self.items.prior.strength,
            **more,
        }

    def restore(self, arrays: dict[str, npt.NDArray[Any]], numbers: dict[str, float]) -> None:
        """Go back to the state that `arrays` and `numbers` gave."""
        self.sweep, self.averaged = int(numbers["sweep"]), int(numbers["averaged"])
        self.alpha, self.averages = float(numbers["alpha"]), arrays["averages"]
        for name, half in (("users", self.users), ("items", self.items)):
            half.factors, half.bias = arrays[f"{name}.factors"], arrays[f"{name}.bias"]
            fields = (arrays[f"{name}.{f}"] for f in ("mean", "precision"))
            half.prior = Prior(*fields, float(numbers[name]), arrays[f"{name}.coordinates"])
        if self.days is not None:
            self.days.values, self.days.precision = arrays["days"], float(numbers["days"])
            self.restore_values()


def _half(side: int, data: OneSide, rank: int, threads: Threads) -> Half:
    M, K = len(data.units), -(-rank // 8) * 8
    return Half(
        side,
        data.indptr,
        data.indices,
        data.values,
        data.units,
        data.spectrum,
        np.zeros((M, K), dtype=np.float32),
        np.zeros(M, dtype=np.float32),
        Prior.start(rank + 1, data.spectrum.size),
        threads.blocks(data.counts),
    )
