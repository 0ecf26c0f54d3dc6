"""One training of the Gibbs solver, from the first sweep or a checkpoint to the network."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64
from penchant.errors import DataError
from penchant.features import Noise
from penchant.history import History
from penchant.posterior import DayEffects
from penchant.ratings import Ratings
from penchant.solvers.base import Fitted, diverged
from penchant.solvers.by_row import user_order
from penchant.solvers.checkpoint import State
from penchant.solvers.gibbs.finish import Head, distil, make_posterior, packed, unpacked
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler
from penchant.solvers.gibbs.settings import GibbsSettings
from penchant.solvers.gibbs.stars import finished
from penchant.solvers.gibbs.watched import Watched
from penchant.solvers.loop import Round, Rounds
from penchant.solvers.task import Task
from penchant.stars import Stars
from penchant.threads import Threads

_SUMS = ("user_weights", "item_weights", "days", "thresholds")


class Run(Rounds[Fitted]):
    """The sweeps of one training, and what is kept of them."""

    def __init__(
        self, settings: GibbsSettings, task: Task, threads: Threads, history: History
    ) -> None:
        self._settings, self._threads, self._history = settings, threads, history
        self._ratings: Ratings = task.ratings
        self._factors = task.factors
        self._problem = Problem.of(
            self._ratings,
            side_information=settings.side_information,
            bags=settings.bags,
            weigh=settings.weights,
            threads=threads,
            keep_order="day" in settings.contexts or settings.likelihood == "ordinal",
            stars=Stars.of(self._ratings.values) if settings.likelihood == "ordinal" else None,
        )
        self._keys, groups = self._groups()
        self._sampler = Sampler(
            self._problem, settings.rank, task.seed, threads, settings.weights, groups
        )
        self._heads: list[Head] = []
        self._sums = [np.zeros_like(array) for array in self._drawn()]
        self._watched = {
            name: Watched(part, self._problem, self._keys)
            for name, part in (("validation", task.validation), ("watch", task.watch))
            if part is not None and len(part)
        }

    def _drawn(self) -> list[F64]:
        """Return what of the draw as it stands is averaged over the sweeps, as `_SUMS` says."""
        sampler, none = self._sampler, np.zeros(0)
        return [
            sampler.users.units.astype(np.float64) ** 2,
            sampler.items.units.astype(np.float64) ** 2,
            none if sampler.days is None else sampler.days.values,
            none if sampler.latent is None else sampler.latent.thresholds,
        ]

    @property
    def _averaged(self) -> int:
        """How many sweeps are averaged so far."""
        return max(0, self._sampler.sweep - self._settings.burn_in)

    def _groups(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
        """Return the keys of the user × days, and the group of each user-major rating."""
        if "day" not in self._settings.contexts:
            return np.zeros(0, dtype=np.int64), None
        if self._ratings.timestamps is None:
            raise DataError(
                "contexts=('day',) needs timestamps, and these ratings have none. Load them with "
                "a timestamp column, or leave the context out."
            )
        order = user_order(self._ratings)
        keys = DayEffects.key(self._ratings.user_rows[order], self._ratings.timestamps[order])
        distinct, groups = np.unique(keys, return_inverse=True)
        return distinct, groups.astype(np.int64)

    def run(self, number: int) -> Round:
        """Draw all once; keep a head where it is time."""
        sampler, settings = self._sampler, self._settings
        kept = number > settings.burn_in
        sampler.step(average=number > settings.burn_in + 1)  # the first kept draw stands alone
        if not np.isfinite(sampler.alpha):
            raise diverged("sweep", number)
        if settings.keeps(number):
            self._heads.append(Head.of(sampler))
        if kept:
            self._sums = [old + new for old, new in zip(self._sums, self._drawn(), strict=True)]
        return Round(self._record(self._watched, kept))

    def _record(self, watched: dict[str, Watched], kept: bool) -> dict[str, float]:
        sampler = self._sampler
        average = kept and sampler.sweep > self._settings.burn_in + 1
        record: dict[str, float] = {"train_rmse": sampler.train_rmse()}
        for name, part in watched.items():
            record[f"{name}_rmse"] = part.rmse(sampler, average=average)
        record["noise"] = self._problem.unit / float(np.sqrt(sampler.alpha))
        record["drift"] = self._drift(record["noise"])
        record["draws"] = self._averaged
        return record

    def _drift(self, latest: float) -> float:
        kept = [float(r["noise"]) for r in self._history][self._settings.burn_in :]
        noise = np.array([*kept, latest])
        half = len(noise) // 2
        spread = float(noise.std())
        if half < 2 or spread == 0:
            return 0.0
        return abs(float(noise[:half].mean() - noise[half:].mean())) / spread

    def state(self) -> State:
        """Return the sampler's state, and the mean predictions of the rows that are watched."""
        arrays = self._sampler.arrays()
        arrays |= {f"watched.{name}": part.average for name, part in self._watched.items()}
        return State(arrays, self._sampler.numbers())

    def kept(self) -> State:
        """Return the heads and the sums; while there are none, the draw as it stands."""
        heads = self._heads or [Head.of(self._sampler)]
        sums = self._sums if self._averaged else [a.copy() for a in self._drawn()]
        arrays = packed(heads) | dict(zip(_SUMS, sums, strict=True))
        return State(arrays, {"heads": len(self._heads), "averaged": self._averaged})

    def restore(self, now: State, kept: State) -> None:
        """Go on from what `state` and `kept` gave."""
        self._sampler.restore(now.arrays, now.progress)
        self._heads = unpacked(kept.arrays, kept.progress["heads"])
        if kept.progress["averaged"]:
            self._sums = [kept.arrays[name] for name in _SUMS]
        for name, part in self._watched.items():
            part.average, part.count = now.arrays[f"watched.{name}"], self._sampler.averaged

    def fitted(self, kept: State, history: History) -> Fitted:
        """Distil the heads to the network."""
        averaged = int(kept.progress["averaged"])
        self._heads = unpacked(kept.arrays, max(1, kept.progress["heads"]))
        means = {name: kept.arrays[name] / max(1, averaged) for name in _SUMS}
        days, effects = self._days(means["days"])
        noise = self._noise(means) if averaged else self._problem.noise
        stars = self._stars(means["thresholds"], noise)
        problem = dataclasses.replace(self._problem, noise=noise, stars=stars)
        self._problem = problem = problem.for_users_alone()
        self._sampler.without_ratings()
        network, posterior = distil(
            make_posterior(problem, self._heads, days, self._threads),
            problem.by_user(effects),
            (problem.users.side, problem.items.side),
            self._factors,
            self._threads,
        )
        return Fitted(network, posterior, history, problem.stars)

    def _stars(self, thresholds: F64, noise: Noise) -> Stars | None:
        """Return the stars with the mean thresholds of the sweeps kept, and their spread."""
        latent = self._sampler.latent
        if latent is None:
            return None
        rated = tuple(data.counts for data in (self._problem.users, self._problem.items))
        return finished(latent.stars, thresholds, self._heads, rated, noise, self._sampler.seed)

    def _noise(self, means: dict[str, F64]) -> Noise:
        """Return the noise with the mean weights of the sweeps kept."""
        if not self._settings.weights:
            return self._problem.noise
        users, items = self._problem.users, self._problem.items
        return self._problem.noise.trained(
            (means["user_weights"], users.counts), (means["item_weights"], items.counts)
        )

    def _days(self, mean: F64) -> tuple[DayEffects | None, F32 | None]:
        """Return the mean day effects, and that of each user-major rating."""
        days = self._sampler.days
        if days is None:
            return None, None
        effects = mean.astype(np.float32) * np.float32(self._problem.unit)
        return DayEffects(self._keys, effects), effects[days.group]
