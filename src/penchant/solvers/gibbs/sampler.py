"""The sampler's state and one sweep of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.features.who_rated import PRIOR_NOISE
from penchant.kernels.aligned import aligned_zeros
from penchant.kernels.byte_values import decoded, fixed_point
from penchant.kernels.residuals import row_errors, row_means, row_squares
from penchant.kernels.rng import fill_normals, seed_key
from penchant.solvers.gibbs.ordinal import Latent
from penchant.solvers.gibbs.problem import OneSide, Problem
from penchant.solvers.gibbs.side import Half, Prior
from penchant.threads import Threads

FIRST_SPREAD = 0.3
"""Standard deviation of the first factors of the items, in units of the ratings' deviation."""

_START, _NOISE, _DAYS = 6, 7, 8  # what a draw is for


@dataclasses.dataclass(eq=False)
class Days:
    """The effects of user × day as they stand.

    Attributes:
        group: (n,) int64, the group of each user-major rating.
        values: (G,) float64, the effects.
        precision: τ; an effect is N(0, 1/τ).
    """

    group: npt.NDArray[np.int64]
    values: F64
    precision: float = 10.0


class Sampler:
    """All that a sweep changes; its arrays and numbers are the checkpoint.

    Args:
        problem: the ratings.
        rank: k, the factors of a head.
        seed: of all draws.
        threads: who does it.
        weigh: whether to draw the rows' weights.
        groups: (n,) the user × day of each user-major rating, or None.
    """

    def __init__(
        self,
        problem: Problem,
        rank: int,
        seed: int,
        threads: Threads,
        weigh: bool,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self.problem = problem
        self.threads = threads
        self.weigh = weigh
        self.key = seed_key(seed)
        self.sweep = 0
        self.alpha = 1.5  # a third of the variance explained
        self.users = _half(0, problem.users, rank, threads)
        self.items = _half(1, problem.items, rank, threads)
        start = np.empty((len(self.items.bias), rank), dtype=np.float32)
        fill_normals(0, len(start), 0, _START, self.key, start)
        self.items.factors[:, :rank] = start * np.float32(FIRST_SPREAD)
        self.n = len(problem.users.indices)
        self._fixed, kind = fixed_point(*problem.ends)
        self.averages = np.zeros(self.n, dtype=kind if problem.stars is None else np.float32)
        self.averaged = 0
        self._squares = 0.0  # of the errors of the mean predictions on the training rows
        self.latent: Latent | None = None
        if problem.stars is not None:
            self.latent = Latent(problem.stars, decoded(problem.users.values), self.seed)
        self.days: Days | None = None
        if groups is not None:
            self.days = Days(groups, np.zeros(int(groups.max()) + 1))

    @property
    def seed(self) -> int:
        """The 64 bits of the seed that all draws are keyed by."""
        return int(self.key[0]) | int(self.key[1]) << 32

    def step(self, *, average: bool = False) -> None:
        """Make one sweep: users and their prior, items and theirs, day effects, noise.

        A side's prior needs its rows alone, and nothing needs the prior before the next sweep: one
        thread draws it while the others go on.

        Args:
            average: whether this draw joins the mean of those before, or is taken by itself.
        """
        self.sweep += 1
        self.averaged = self.averaged + 1 if average else 1
        if self.latent is not None:
            self.latent.draw(self)
        users, items = self.users, self.items
        drawn = self.alpha, self.sweep, self.key, self.threads
        users.draw_rows(items, *drawn)
        items.draw_rows(users, *drawn, beside=partial(self._draw_prior, users))
        random = np.random.Generator(
            np.random.Philox(key=[self.seed, 0], counter=[0, self.sweep, _NOISE, 0])
        )
        beside: Callable[[], None] | None = partial(self._draw_prior, items)
        if self.days is not None:
            self._draw_days(self.days, self._residuals(beside), random)
            beside = None
        user_squares = self._means(beside)
        if self.weigh:
            self.users.units = self._draw_units(self.users, user_squares, random)
        item_squares = self._row_squares(items, users)
        if self.weigh:
            self.items.units = self._draw_units(self.items, item_squares, random)
        squares = float((item_squares * self.items.units.astype(np.float64) ** 2).sum())
        if self.latent is None or self.latent.learns_noise:
            self.alpha = float(random.gamma(1 + self.n / 2) / (1 + squares / 2))

    def _draw_prior(self, half: Half) -> None:
        half.draw_prior(self.sweep, self.key, self.threads.alone)

    def _residuals(self, beside: Callable[[], None] | None) -> F32:
        """Return the errors of all ratings, (n,); do `beside` meanwhile."""
        users, items = self.users, self.items
        errors, sums = np.empty(self.n, np.float32), np.empty(len(users.bias))
        weights = np.ones(len(items.bias), np.float32)

        def work(start: int, stop: int) -> None:
            row_errors(
                start, stop, users.indptr, users.indices, users.values, users.factors, users.bias,
                items.factors, items.bias, weights, errors, sums,
            )  # fmt: skip

        self.threads.map(work, users.blocks, beside)
        return errors

    def _means(self, beside: Callable[[], None] | None) -> F64:
        """Return each user's ``Σ w_i e²``, (M,); do `beside` meanwhile.

        The predictions of the training rows join their means on the way. With stars a mean is one
        of expected ratings, and `Latent` keeps it.
        """
        if self.latent is not None:
            return self._row_squares(self.users, self.items, beside)
        users, items, known = self.users, self.items, self.problem.users.values
        sums, clipped = np.zeros((2, len(users.bias)))
        weights = items.units**2

        def work(start: int, stop: int) -> None:
            row_means(
                start, stop, users.indptr, users.indices, users.values, users.factors, users.bias,
                items.factors, items.bias, weights, known, self.averaged, *self.problem.ends,
                self._fixed, self.averages, sums, clipped,
            )  # fmt: skip

        self.threads.map(work, users.blocks, beside)
        self._squares = float(clipped.sum())
        return sums

    def _row_squares(
        self, half: Half, other: Half, beside: Callable[[], None] | None = None
    ) -> F64:
        """Return each row's ``Σ w e²``, w of the other side; do `beside` meanwhile."""
        sums = np.zeros(len(half.bias))
        weights = other.units**2

        def work(start: int, stop: int) -> None:
            row_squares(
                start, stop, half.indptr, half.indices, half.values, half.factors, half.bias,
                other.factors, other.bias, weights, sums,
            )  # fmt: skip

        self.threads.map(work, half.blocks, beside)
        return sums

    def _draw_units(self, half: Half, squares: F64, random: np.random.Generator) -> F32:
        """Draw the weights of a side's rows, ``w ~ Gamma((c + n) / 2, rate (c + α Σ e²) / 2)``.

        Returns their roots; a row without ratings keeps 1.
        """
        counts = np.diff(half.indptr)
        rate = (PRIOR_NOISE + self.alpha * squares) / 2
        drawn = random.gamma((PRIOR_NOISE + counts) / 2) / rate
        return np.sqrt(np.where(counts > 0, drawn, 1.0)).astype(np.float32)

    def _draw_days(self, days: Days, errors: F32, random: np.random.Generator) -> None:
        """Draw the effects and their precision from the residuals, (n,) errors of the ratings."""
        G = len(days.values)
        rows = np.repeat(np.arange(len(self.users.bias)), self.problem.users.counts)
        weights = self.users.units[rows].astype(np.float64) ** 2
        weights *= self.items.units[self.users.indices].astype(np.float64) ** 2
        residuals = errors + days.values[days.group]
        sums = np.bincount(days.group, weights * residuals, minlength=G)
        counts = np.bincount(days.group, weights, minlength=G)
        precision = days.precision + self.alpha * counts
        noise = np.empty((G, 1), dtype=np.float32)
        fill_normals(0, G, self.sweep, _DAYS, self.key, noise)
        days.values = self.alpha * sums / precision + noise[:, 0] / np.sqrt(precision)
        days.precision = float(random.gamma(1 + G / 2) / (1 + (days.values**2).sum() / 2))
        self.restore_values()

    def restore_values(self) -> None:
        """Set the halves' values to the ratings less the day effects as they stand."""
        if self.days is not None:
            effects = self.days.values[self.days.group].astype(np.float32)
            self.users.values = values = decoded(self.problem.users.values) - effects
            self.items.values = values[self.problem.to_items]

    def train_rmse(self) -> float:
        """Return the RMSE of the mean prediction on the training rows, clipped to the scale.

        In rating units, of the draws averaged so far.
        """
        if self.latent is not None:
            return self.latent.train_rmse(self)
        return float(np.sqrt(self._squares / self.n)) * self.problem.unit

    def without_ratings(self) -> None:
        """Let go of what only sampling needs."""
        self.averages, self.problem = self.averages[:0].copy(), self.problem.for_users_alone()
        for half in (self.users, self.items):
            half.without_ratings()

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a sweep changes, by name."""
        named: dict[str, npt.NDArray[Any]] = {"averages": self.averages}
        for name, half in (("users", self.users), ("items", self.items)):
            named |= {f"{name}.factors": half.factors, f"{name}.bias": half.bias}
            named[f"{name}.units"] = half.units
            for field in ("mean", "precision", "strengths", "coordinates"):
                named[f"{name}.{field}"] = getattr(half.prior, field)
        if self.days is not None:
            named["days"] = self.days.values
        if self.latent is not None:
            named["thresholds"] = self.latent.thresholds
        return named

    def numbers(self) -> dict[str, float]:
        """Return the single numbers that a sweep changes, by name."""
        more = {} if self.days is None else {"days": self.days.precision}
        return {
            "sweep": self.sweep,
            "averaged": self.averaged,
            "alpha": self.alpha,
            **more,
        }

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], numbers: Mapping[str, float]) -> None:
        """Go back to the state that `arrays` and `numbers` gave."""
        self.sweep, self.averaged = int(numbers["sweep"]), int(numbers["averaged"])
        self.alpha, self.averages = float(numbers["alpha"]), arrays["averages"]
        for name, half in (("users", self.users), ("items", self.items)):
            half.factors[...], half.bias[...] = arrays[f"{name}.factors"], arrays[f"{name}.bias"]
            half.units = arrays[f"{name}.units"]
            half.prior = Prior(
                arrays[f"{name}.mean"],
                arrays[f"{name}.precision"],
                arrays[f"{name}.strengths"],
                arrays[f"{name}.coordinates"],
            )
        if self.latent is not None:
            self.latent.thresholds = arrays["thresholds"]
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
        aligned_zeros(M, K),
        np.zeros(M, dtype=np.float32),
        Prior.start(rank + 1, data.spectrum.size),
        threads.blocks(data.counts),
    )
