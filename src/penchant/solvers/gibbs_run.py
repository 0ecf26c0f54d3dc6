"""One training of the Gibbs solver, from the first sweep or a checkpoint to the network."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penchant.engine.threads import Threads
from penchant.errors import DataError
from penchant.features import Noise
from penchant.posterior import DayEffects
from penchant.ratings import Ratings
from penchant.solvers.base import Fitted, Monitor, diverged
from penchant.solvers.by_row import user_order
from penchant.solvers.gibbs_half import Half
from penchant.solvers.gibbs_heads import Head, distil, make_posterior
from penchant.solvers.gibbs_problem import Problem
from penchant.solvers.gibbs_sampler import Sampler
from penchant.solvers.gibbs_stars import finished
from penchant.solvers.gibbs_watch import Watched
from penchant.solvers.state import StateFile
from penchant.stars import Stars

if TYPE_CHECKING:
    from penchant.solvers.gibbs import Gibbs

Arrays = dict[str, npt.NDArray[Any]]

_WEIGHTS = ("user_weight_sums", "item_weight_sums")


class Run:
    """One training: sample, then finish."""

    def __init__(
        self,
        settings: Gibbs,
        ratings: Ratings,
        seed: int,
        threads: Threads,
        monitor: Monitor,
    ) -> None:
        self._began = time.perf_counter()
        self._settings, self._ratings = settings, ratings
        self._threads, self._monitor = threads, monitor
        self._problem = Problem.of(
            ratings,
            side_information=settings.side_information,
            bags=settings.bags,
            weigh=settings.weights,
            threads=threads,
            keep_order="day" in settings.contexts or settings.likelihood == "ordinal",
            stars=Stars.of(ratings.values) if settings.likelihood == "ordinal" else None,
        )
        self._keys, groups = self._groups()
        self._sampler = Sampler(
            self._problem, settings.rank, seed, threads, settings.weights, groups
        )
        self._heads: list[Head] = []
        self._day_sums = np.zeros(len(self._keys))
        self._threshold_sums = np.zeros(
            0 if (stars := self._problem.stars) is None else len(stars) - 1
        )
        self._weight_sums = [np.zeros(len(half.units)) for half in self._halves()]

    def _halves(self) -> tuple[Half, Half]:
        return self._sampler.users, self._sampler.items

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

    def sample(self, parts: Mapping[str, Ratings | None], file: StateFile | None) -> None:
        """Make the sweeps, and keep the heads.

        Ctrl-C and a callback's True end them early; what is there by then is a usable model.

        Args:
            parts: rows whose error is to be measured, by name.
            file: where the state is kept, or None.
        """
        watched = {
            name: Watched(part, self._problem, self._keys)
            for name, part in parts.items()
            if part is not None and len(part)
        }
        if file is not None:
            self._resume(file, watched)
        try:
            while self._sampler.sweep < self._settings.sweeps:
                stop = self._sweep(watched)
                if file is not None and file.due(self._sampler.sweep):
                    file.write(*self._state(watched))
                if stop:
                    break
        except KeyboardInterrupt:
            self._monitor.history.interrupted = True
        if not self._heads:
            self._heads.append(Head.of(self._sampler))

    def _sweep(self, watched: dict[str, Watched]) -> bool:
        sampler, settings = self._sampler, self._settings
        sampler.step(average=sampler.sweep > settings.burn_in)
        if not np.isfinite(sampler.alpha):
            raise diverged("sweep", sampler.sweep)
        kept = sampler.sweep > settings.burn_in
        if settings.keeps(sampler.sweep):
            self._heads.append(Head.of(sampler))
        if kept:
            for sums, half in zip(self._weight_sums, self._halves(), strict=True):
                sums += half.units.astype(np.float64) ** 2
            if sampler.days is not None:
                self._day_sums += sampler.days.values
            if sampler.latent is not None:
                self._threshold_sums += sampler.latent.thresholds
        return self._monitor.add(self._record(watched, kept))

    def _record(self, watched: dict[str, Watched], kept: bool) -> dict[str, float]:
        sampler = self._sampler
        average = kept and sampler.sweep > self._settings.burn_in + 1
        record: dict[str, float] = {
            "sweep": sampler.sweep,
            "train_rmse": sampler.train_rmse(),
        }
        for name, part in watched.items():
            record[f"{name}_rmse"] = part.rmse(sampler, average=average)
        record["noise"] = self._problem.unit / float(np.sqrt(sampler.alpha))
        record["drift"] = self._drift(record["noise"])
        record["draws"] = max(0, sampler.sweep - self._settings.burn_in)
        record["seconds"] = time.perf_counter() - self._began
        return record

    def _drift(self, latest: float) -> float:
        kept = [float(r["noise"]) for r in self._monitor.history][self._settings.burn_in :]
        noise = np.array([*kept, latest])
        half = len(noise) // 2
        spread = float(noise.std())
        if half < 2 or spread == 0:
            return 0.0
        return abs(float(noise[:half].mean() - noise[half:].mean())) / spread

    def _state(self, watched: dict[str, Watched]) -> tuple[Arrays, dict[str, Any]]:
        arrays = self._sampler.arrays() | {"day_sums": self._day_sums}
        arrays["threshold_sums"] = self._threshold_sums
        arrays |= dict(zip(_WEIGHTS, self._weight_sums, strict=True))
        for s, head in enumerate(self._heads):
            arrays |= head.arrays(f"head{s}")
        arrays |= {f"watched.{name}": part.average for name, part in watched.items()}
        return arrays, {
            "numbers": self._sampler.numbers(),
            "heads": len(self._heads),
            "records": [dict(record) for record in self._monitor.history],
        }

    def _resume(self, file: StateFile, watched: dict[str, Watched]) -> None:
        state = file.read()
        if state is None:
            return
        arrays, progress = state
        self._sampler.restore(arrays, progress["numbers"])
        self._day_sums, self._threshold_sums = arrays["day_sums"], arrays["threshold_sums"]
        self._weight_sums = [arrays[name] for name in _WEIGHTS]
        self._heads = [Head.from_arrays(arrays, f"head{s}") for s in range(progress["heads"])]
        for name, part in watched.items():
            if f"watched.{name}" in arrays:
                part.average, part.count = arrays[f"watched.{name}"], self._sampler.averaged
        self._monitor.resume(progress["records"])
        if len(self._monitor.history):
            self._began -= self._monitor.history.records[-1]["seconds"]

    def finish(self, factors: int) -> Fitted:
        """Distil the heads to a network of this width."""
        days, effects = self._days()
        noise = self._noise()
        problem = dataclasses.replace(self._problem, noise=noise, stars=self._stars(noise))
        self._problem = problem = problem.for_users_alone()
        self._sampler.without_ratings()
        network, posterior = distil(
            make_posterior(problem, self._heads, days, self._threads),
            problem.by_user(effects),
            (problem.users.side, problem.items.side),
            factors,
            self._threads,
        )
        return Fitted(network, posterior, self._monitor.history, problem.stars)

    def _stars(self, noise: Noise) -> Stars | None:
        """Return the stars with the mean thresholds of the sweeps kept, and their spread."""
        latent, kept = self._sampler.latent, self._sampler.sweep - self._settings.burn_in
        if latent is None:
            return None
        thresholds = self._threshold_sums / kept if kept > 0 else latent.thresholds
        rated = tuple(np.diff(half.indptr) for half in self._halves())
        return finished(latent.stars, thresholds, self._heads, rated, noise, self._sampler.seed)

    def _noise(self) -> Noise:
        """Return the noise with the mean weights of the sweeps kept."""
        noise, kept = self._problem.noise, self._sampler.sweep - self._settings.burn_in
        if not self._settings.weights or kept <= 0:
            return noise
        users, items = (
            (sums / kept, np.diff(half.indptr))
            for sums, half in zip(self._weight_sums, self._halves(), strict=True)
        )
        return noise.trained(users, items)

    def _days(self) -> tuple[DayEffects | None, npt.NDArray[np.float32] | None]:
        """Return the mean day effects, and that of each user-major rating."""
        days = self._sampler.days
        if days is None:
            return None, None
        kept = self._sampler.sweep - self._settings.burn_in
        mean = (self._day_sums / kept if kept > 0 else days.values).astype(np.float32)
        effects = mean * np.float32(self._problem.unit)
        return DayEffects(self._keys, effects), effects[days.group]
