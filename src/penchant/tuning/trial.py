"""One try of some settings: how far off it is on validation ratings, given up if it lags."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from penchant.errors import DivergedError, SettingsError
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.tuning.space import with_settings

STEPS = 10
"""How often within a training a try is asked whether it lags; by parts of its rounds."""


class Part(NamedTuple):
    """Ratings to train on and to judge by."""

    train: Ratings
    validation: Ratings


class LaggingError(Exception):
    """Raised to give up a try; no error."""


Report = Callable[[float, int], bool]
"""Takes the RMSE so far and the step; whether to give up."""


def judge(
    model: Recommender,
    chosen: Mapping[str, Any],
    parts: list[Part],
    seed: int,
    *,
    threads: int | None,
    report: Report | None = None,
) -> list[float]:
    """Return the RMSE on the validation ratings of each part.

    Raises `LaggingError` where `report` says so, `SettingsError` where no settings would do.
    """
    scores: list[float] = []
    for place, part in enumerate(parts):
        made = with_settings(model, chosen, seed + place)
        watcher = _Watcher(made, report, place, scores)
        try:
            made.fit(  # type: ignore[attr-defined]
                part.train,
                watch=part.validation,
                callbacks=[watcher],
                progress=False,
                threads=threads,
            )
        except DivergedError:
            return [float("inf")] * len(parts)
        if watcher.gave_up:
            raise LaggingError
        scores.append(float(made.evaluate(part.validation).rmse))
    return scores


class _Watcher:
    """A callback that reports at some steps, and stops the training of what lags."""

    def __init__(
        self, model: Recommender, report: Report | None, place: int, scores: list[float]
    ) -> None:
        self._rounds, self._report = _rounds(model), report
        self._place, self._scores = place, scores
        self._done, self._next = 0, 1
        self.gave_up = False

    def __call__(self, record: Mapping[str, float]) -> bool | None:
        self._done += 1
        step = self._done * STEPS // max(1, self._rounds)
        if self._report is None or step < self._next or "watch_rmse" not in record:
            return None
        self._next = step + 1
        so_far = float(np.mean([*self._scores, record["watch_rmse"]]))
        self.gave_up = self._report(so_far, self._place * STEPS + step)
        return self.gave_up


def _rounds(model: Recommender) -> int:
    """Return how many rounds a training makes at the most."""
    from penchant.solvers.registry import solver_of

    if (solver := getattr(model, "solver", None)) is not None:
        return solver_of(solver).rounds
    for name in ("epochs", "sweeps"):
        if isinstance(rounds := getattr(model, name, None), int):
            return rounds
    return STEPS


def timed(work: Callable[[], list[float]]) -> tuple[list[float], float]:
    """Return what some work returns, and its seconds."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def require_parts(parts: list[Part]) -> None:
    """Raise `SettingsError` unless each part has ratings on both sides."""
    if not all(len(part.train) and len(part.validation) for part in parts):
        raise SettingsError(
            "There are too few ratings to cut validation parts off: give a larger share, fewer "
            "folds, or more ratings."
        )
