"""One training of the ALS solver, from a random start or a checkpoint to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penchant.engine.threads import Threads
from penchant.errors import DivergedError
from penchant.factors import Factors
from penchant.ids import Rows
from penchant.kernels.residuals import predict_pairs, row_scores
from penchant.kernels.rng import fill_normals, seed_key
from penchant.ratings import Ratings
from penchant.solvers.als_half import STATE, RidgeHalf
from penchant.solvers.base import Fitted, Monitor, diverged
from penchant.solvers.distil import squeeze
from penchant.solvers.gibbs_heads import Head, distil, make_posterior
from penchant.solvers.gibbs_problem import Problem
from penchant.solvers.spectrum import Spectrum
from penchant.solvers.state import StateFile
from penchant.solvers.stopping import has_waited, keeps_last

if TYPE_CHECKING:
    from penchant.solvers.als import ALS

Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]

FIRST_SPREAD = 0.3
"""Standard deviation of the users' first factors, in units of the ratings' deviation."""

_PAIRS = 16_384  # pairs predicted at once by a thread
_START = 9  # what a draw is for


class Run:
    """One training: both halves as they stand, and the numbers to keep."""

    def __init__(
        self, settings: ALS, ratings: Ratings, seed: int, threads: Threads, monitor: Monitor
    ) -> None:
        self._settings, self._threads, self._monitor = settings, threads, monitor
        self._problem = problem = Problem.of(
            ratings,
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
        self._start(seed)
        self._kept = _copied(self._arrays())

    def _start(self, seed: int) -> None:
        start = np.empty((len(self.users.bias), self._settings.rank), np.float32)
        fill_normals(0, len(start), 0, _START, seed_key(seed), start)
        start[~self.users.active] = 0
        self.users.factors[:, : self._settings.rank] = start * np.float32(FIRST_SPREAD)

    def train(self, factors: int, file: StateFile | None) -> Fitted:
        """Make the sweeps; return the network of this width."""
        history, settings = self._monitor.history, self._settings
        self._resume(file)
        try:
            while len(history) < settings.sweeps and not has_waited(history, settings.patience):
                if self._sweep(file):
                    break
        except KeyboardInterrupt:
            if not len(history):
                raise
            history.interrupted = True
        except DivergedError as error:
            error.last_good = self._fitted(factors) if len(history) else None
            raise
        return self._fitted(factors)

    def _sweep(self, file: StateFile | None) -> bool:
        """Solve both sides, measure, keep; return whether a callback wants to stop."""
        for half, other in ((self.items, self.users), (self.users, self.items)):
            half.solve_rows(other, self._threads)
            if not (np.isfinite(half.factors).all() and np.isfinite(half.bias).all()):
                raise diverged("sweep", len(self._monitor.history) + 1)
            half.solve_prior(self._threads)
        squares, train_rmse = self._measured()
        if not np.isfinite(train_rmse):
            raise diverged("sweep", len(self._monitor.history) + 1)
        loss = squares + self._penalties()
        stop = self._monitor.measure(self._predict, loss=loss, train_rmse=train_rmse)
        history = self._monitor.history
        if keeps_last(history):
            self._kept = _copied(self._arrays())  # at one stroke: Ctrl-C can't leave half of it
        if file is not None and file.due(len(history)):
            kept = {f"kept.{name}": array for name, array in self._kept.items()}
            file.write(self._arrays() | kept, history.to_json())
        return stop

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

    def _predict(self, user_rows: Rows, item_rows: Rows) -> Floats:
        out, (users, items) = np.empty(len(user_rows), np.float32), (self.users, self.items)

        def work(start: int, stop: int) -> None:
            predict_pairs(
                start, stop, user_rows, item_rows, users.factors, users.bias, items.factors,
                items.bias, out,
            )  # fmt: skip

        edges = range(0, len(out), _PAIRS)
        self._threads.map(work, [(start, min(start + _PAIRS, len(out))) for start in edges])
        return out * np.float32(self._problem.unit) + np.float32(self._problem.mean)

    def _arrays(self) -> Arrays:
        halves = (("users", self.users), ("items", self.items))
        return {f"{s}.{name}": array for s, half in halves for name, array in half.arrays().items()}

    def _restore(self, arrays: Arrays, prefix: str = "") -> None:
        for side, half in (("users", self.users), ("items", self.items)):
            half.restore({name: arrays[f"{prefix}{side}.{name}"] for name in STATE})

    def _resume(self, file: StateFile | None) -> None:
        state = None if file is None else file.read()
        if state is None:
            return
        arrays = dict(state.arrays)
        self._restore(arrays, "kept.")
        self._kept = _copied(self._arrays())
        self._restore(arrays)
        self._monitor.resume(state.progress["records"], state.progress["best"])

    def _fitted(self, factors: int) -> Fitted:
        self._restore(self._kept)
        history = self._monitor.history
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


def _copied(arrays: Arrays) -> Arrays:
    return {name: array.copy() for name, array in arrays.items()}


def _strengths(spectrum: Spectrum, settings: ALS) -> npt.NDArray[np.float64]:
    """Return κ of each direction, (r,): that of the bags, if they are used, is the first part."""
    strengths = np.full(spectrum.size, settings.l2_side)
    if settings.bags and spectrum.parts:
        strengths[spectrum.parts[0]] = settings.l2_bags
    return strengths


def _kept(half: RidgeHalf, alpha: float) -> tuple[npt.NDArray[Any], ...]:
    """Return a half as a head keeps it: Λ is λ in units of the noise."""
    prior = half.prior
    return half.rows(), prior.mean, prior.precision * alpha, prior.coordinates
