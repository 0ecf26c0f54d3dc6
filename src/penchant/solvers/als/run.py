"""One training of the ALS solver, from a random start or a checkpoint to the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Rows
from penchant.factors import Factors
from penchant.history import History
from penchant.kernels.residuals import predict_pairs, row_scores
from penchant.kernels.rng import fill_normals, seed_key
from penchant.solvers.als.settings import ALSSettings
from penchant.solvers.als.side import STATE, RidgeHalf
from penchant.solvers.base import Fitted, diverged
from penchant.solvers.checkpoint import State
from penchant.solvers.distil import squeeze
from penchant.solvers.gibbs.finish import Head, distil, make_posterior
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.loop import Round, Rounds
from penchant.solvers.spectrum import Spectrum
from penchant.solvers.task import Task
from penchant.threads import Threads

FIRST_SPREAD = 0.3
"""Standard deviation of the users' first factors, in units of the ratings' deviation."""

_PAIRS = 16_384  # pairs predicted at once by a thread
_START = 9  # what a draw is for


class Run(Rounds[Fitted]):
    """The sweeps of one training: both halves as they stand."""

    def __init__(self, settings: ALSSettings, task: Task, threads: Threads) -> None:
        self._settings, self._task, self._threads = settings, task, threads
        self._problem = problem = Problem.of(
            task.ratings,
            side_information=settings.side_information,
            bags=settings.bags,
            weigh=settings.weights,
            threads=threads,
        )
        self.users, self.items = (
            RidgeHalf.of(
                side,
                data,
                settings.rank,
                (settings.l2, settings.l2_bias),
                _strengths(data.spectrum, settings),
                by_count=settings.scaling == "count",
                threads=threads,
            )
            for side, data in enumerate((problem.users, problem.items))
        )
        self._start(task.seed)

    def _start(self, seed: int) -> None:
        start = np.empty((len(self.users.bias), self._settings.rank), np.float32)
        fill_normals(0, len(start), 0, _START, seed_key(seed), start)
        start[~self.users.active] = 0
        self.users.factors[:, : self._settings.rank] = start * np.float32(FIRST_SPREAD)

    def run(self, number: int) -> Round:
        """Solve both sides, each with its prior, and measure."""
        for half, other in ((self.items, self.users), (self.users, self.items)):
            half.solve_rows(other, self._threads)
            if not (np.isfinite(half.factors).all() and np.isfinite(half.bias).all()):
                raise diverged("sweep", number)
            half.solve_prior(self._threads)
        squares, train_rmse = self._measured()
        if not np.isfinite(train_rmse):
            raise diverged("sweep", number)
        loss = squares + self._penalties()
        return Round({"loss": loss, "train_rmse": train_rmse}, self._predict)

    def _measured(self) -> tuple[float, float]:
        """Return ``Σ w_u w_i e²`` over the training ratings, and their RMSE in rating units.

        The sum is in units of the ratings' deviation; both come from one pass over the ratings.
        """
        users, items, problem = self.users, self.items, self._problem
        sums, clipped = np.zeros((2, len(users.bias)))
        weights = items.units**2

        def work(start: int, stop: int) -> None:
            row_scores(
                start, stop, users.indptr, users.indices, users.values, users.factors, users.bias,
                items.factors, items.bias, weights, *problem.ends, sums, clipped,
            )  # fmt: skip

        self._threads.map(work, users.blocks)
        rmse = float(np.sqrt(clipped.sum() / len(users.indices))) * problem.unit
        return float(sums @ users.units.astype(np.float64) ** 2), rmse

    def _penalties(self) -> float:
        return sum(half.penalty(self._threads) for half in (self.users, self.items))

    def objective(self) -> float:
        """Return the objective as `ALS` states it."""
        return self._measured()[0] + self._penalties()

    def _predict(self, user_rows: Rows, item_rows: Rows) -> F32:
        out, (users, items) = np.empty(len(user_rows), np.float32), (self.users, self.items)

        def work(start: int, stop: int) -> None:
            predict_pairs(
                start, stop, user_rows, item_rows, users.factors, users.bias, items.factors,
                items.bias, out,
            )  # fmt: skip

        edges = range(0, len(out), _PAIRS)
        self._threads.map(work, [(start, min(start + _PAIRS, len(out))) for start in edges])
        return out * np.float32(self._problem.unit) + np.float32(self._problem.mean)

    def state(self) -> State:
        """Return the rows and the priors of both sides."""
        halves = (("users", self.users), ("items", self.items))
        return State(
            {f"{s}.{name}": array for s, half in halves for name, array in half.arrays().items()},
            {},
        )

    def restore(self, now: State, kept: State) -> None:
        """Go back to what `state` gave."""
        for side, half in (("users", self.users), ("items", self.items)):
            half.restore({name: now.arrays[f"{side}.{name}"] for name in STATE})

    def fitted(self, kept: State, history: History) -> Fitted:
        """Return the network of the rows kept, with a posterior of one head where λ is plain."""
        self.restore(kept, kept)
        factors = self._task.factors
        if self._settings.scaling == "count":
            return Fitted(self._network(factors), None, history)
        alpha = len(self.users.indices) / max(self._measured()[0], 1e-9)
        head = Head(_kept(self.users, alpha), _kept(self.items, alpha), alpha)
        self._problem = problem = self._problem.for_users_alone()
        for half in (self.users, self.items):
            half.without_ratings()
        posterior = make_posterior(problem, [head], None, self._threads)
        network, posterior = distil(
            posterior,
            problem.by_user(),
            (problem.users.side, problem.items.side),
            factors,
            self._threads,
        )
        return Fitted(network, posterior, history)

    def _network(self, factors: int) -> Factors:
        """Return the network without a posterior: Λ is another for each number of ratings."""
        self.users.solve_rows(self.items, self._threads)
        rank, unit = self._settings.rank, np.float32(self._problem.unit)
        P, Q = self.users.factors[:, :rank] * unit, self.items.factors[:, :rank]
        biases = self.users.bias * unit, self.items.bias * unit
        return Factors(
            self._problem.mean,
            *biases,
            *squeeze(np.ascontiguousarray(P), np.ascontiguousarray(Q), factors, self._threads),
        )


def _strengths(spectrum: Spectrum, settings: ALSSettings) -> F64:
    """Return κ of each direction, (r,): that of the bags, if they are used, is the first part."""
    strengths = np.full(spectrum.size, settings.l2_side)
    if settings.bags and spectrum.parts:
        strengths[spectrum.parts[0]] = settings.l2_bags
    return strengths


def _kept(half: RidgeHalf, alpha: float) -> tuple[npt.NDArray[Any], ...]:
    """Return a half as a head keeps it: Λ is λ in units of the noise."""
    prior = half.prior
    return half.rows(), prior.mean, prior.precision * alpha, prior.coordinates
