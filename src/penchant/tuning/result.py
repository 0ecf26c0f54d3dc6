"""What a search of settings found, as plain data that prints well."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from penchant.recommender.base import Recommender
from penchant.recommender.settings_file import PathLike, recorded, save_settings
from penchant.tuning.space import with_settings

_SHOWN = 5  # tries that are printed

LEAST_GAIN = 1e-4
"""The share of the RMSE by which settings must be better to be worth a change."""


class Trial(NamedTuple):
    """One try.

    Attributes:
        number: from 0; 0 is the present settings.
        rmse: on the validation ratings; None where the try was given up.
        settings: what was tried.
        seconds: of all its trainings; None where it was given up.
    """

    number: int
    rmse: float | None
    settings: Mapping[str, Any]
    seconds: float | None


class Finalist(NamedTuple):
    """Settings that were judged once more, on validation parts not used before.

    Attributes:
        settings: what was judged.
        scores: the RMSE on each part.
        seconds: of all the trainings.
    """

    settings: Mapping[str, Any]
    scores: list[float]
    seconds: float

    @property
    def rmse(self) -> float:
        """The mean over the parts."""
        return float(np.mean(self.scores))


@dataclasses.dataclass(frozen=True, eq=False)
class Tuned:
    """The settings that a search chose, and how it came to them.

    Attributes:
        model: an untrained recommender with the chosen settings.
        settings: the chosen values of what was tuned.
        changed: whether they are others than the present ones.
        trials: all tries.
        finalists: the present settings first, then the best others, on fresh validation parts.
        importance: the share of the differences that each setting makes; empty for few tries.
        protocol: what the tries were judged on.
    """

    model: Recommender
    settings: Mapping[str, Any]
    changed: bool
    trials: tuple[Trial, ...]
    finalists: tuple[Finalist, ...]
    importance: Mapping[str, float]
    protocol: str

    @classmethod
    def of(
        cls,
        model: Recommender,
        trials: list[Trial],
        finalists: list[Finalist],
        importance: Mapping[str, float],
        protocol: str,
    ) -> Self:
        """Choose among the finalists: others than the first only if they are surely better."""
        present, *others = finalists
        best = min(others, key=lambda one: one.rmse, default=present)
        changed = best is not present and _better(best, present)
        chosen = best if changed else present
        made = with_settings(model, chosen.settings if changed else {}, None)
        return cls(
            made, dict(chosen.settings), changed, tuple(trials), tuple(finalists), importance,
            protocol,
        )  # fmt: skip

    @property
    def before(self) -> float:
        """The mean RMSE of the present settings on the fresh validation parts."""
        return self.finalists[0].rmse

    @property
    def after(self) -> float:
        """The same of the chosen settings."""
        return next(f.rmse for f in self.finalists if dict(f.settings) == dict(self.settings))

    def save(self, path: PathLike) -> None:
        """Write the chosen settings as a file for ``penchant fit --settings``."""
        save_settings(self.model, path)

    def plot(self, path: PathLike | None = None) -> Any:
        """Draw what mattered, and how the search went; see `penchant.plots.tuning`."""
        from penchant.plots.tuning import plot_tuning

        return plot_tuning([one.rmse for one in self.trials], self.importance, path)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON-able values."""
        return {
            **recorded(self.model),
            "tuned": dict(self.settings),
            "changed": self.changed,
            "before": self.before,
            "after": self.after,
            "protocol": self.protocol,
            "importance": dict(self.importance),
            "finalists": [{**one._asdict(), "rmse": one.rmse} for one in self.finalists],
            "trials": [one._asdict() for one in self.trials],
        }

    def __str__(self) -> str:
        """Return the best tries as a table, and what was chosen in words."""
        from penchant.tables import text_table

        names = list(self.finalists[0].settings)
        rows: list[Any] = [
            (place, *(_cell(one.settings[name]) for name in names), one.rmse, one.seconds)
            for place, one in zip(["present", *map(str, range(1, _SHOWN + 1))], self.finalists,
                                  strict=False)
        ]  # fmt: skip
        table = text_table(
            ("settings", *names, "RMSE", "seconds"),
            rows,
            formats={"RMSE": ".4f", "seconds": ".1f"},
        )
        given_up = sum(one.rmse is None for one in self.trials)
        tried = f"{len(self.trials)} tries ({self.protocol}), {given_up} of them given up early."
        parts = len(self.finalists[0].scores)
        return (
            f"{tried} The best, and the present settings, on {parts} further validation parts:"
            f"\n\n{table}\n\n{self._told()}"
        )

    def _told(self) -> str:
        if not self.changed:
            return "The present settings stay: no others were better by more than a standard error."
        new = ", ".join(f"{name}={_cell(value)}" for name, value in self.settings.items())
        return f"Chosen: {new}. RMSE {self.before:.4f} before, {self.after:.4f} after."


def _better(one: Finalist, other: Finalist) -> bool:
    """Return whether the mean is lower by more than its standard error, and by `LEAST_GAIN`."""
    apart = np.array(one.scores) - np.array(other.scores)
    if not np.isfinite(apart).all():
        return bool(np.isfinite(one.scores).all())
    error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return bool(apart.mean() < -max(error, LEAST_GAIN * other.rmse))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "yes" if value is True else "no" if value is False else str(value)
