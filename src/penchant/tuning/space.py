"""What may be tuned, and within which bounds; and a recommender with chosen settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from penchant.errors import SettingsError
from penchant.recommender.base import Recommender
from penchant.settings import require
from penchant.solvers.registry import solver_of


class Range(NamedTuple):
    """Numbers from low to high.

    Attributes:
        low: the least.
        high: the largest.
        log: whether to draw evenly by ratio, and not by difference.
        whole: whether only whole numbers are allowed.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


class Choice(NamedTuple):
    """One of some values: numbers, texts, booleans or None."""

    values: tuple[Any, ...]


Space = Mapping[str, Range | Choice]

_YES_NO = Choice((True, False))
_FACTORS = Choice((16, 32, 64, 128, 200))

SPACES: dict[str, dict[str, Range | Choice]] = {
    "gibbs": {
        "rank": Range(8, 32, whole=True),
        "sweeps": Choice((100, 200, 300)),
        "heads": Choice((32, 64)),
        "bags": _YES_NO,
        "side_information": _YES_NO,
        "weights": _YES_NO,
    },
    "als": {
        "rank": Range(8, 48, whole=True),
        "sweeps": Range(6, 16, whole=True),
        "l2": Range(4, 60, log=True),
        "l2_bias": Range(1, 30, log=True),
        "l2_bags": Range(0.1, 10, log=True),
        "l2_side": Range(1, 100, log=True),
        "weights": _YES_NO,
    },
    "sgd": {
        "factors": _FACTORS,
        "epochs": Range(15, 90, whole=True),
        "learning_rate": Range(0.005, 0.1, log=True),
        "l2": Range(0.01, 0.3, log=True),
        "l2_bias": Range(0.005, 0.2, log=True),
    },
    "keras": {
        "factors": _FACTORS,
        "epochs": Range(8, 30, whole=True),
        "learning_rate": Range(0.001, 0.03, log=True),
        "batch_size": Choice((128, 256, 512)),
        "l2": Range(0.01, 0.2, log=True),
        "l2_bias": Range(0.005, 0.1, log=True),
    },
}
"""What is tried for each solver where nothing else is said."""


def space_of(model: Recommender, given: Space | None) -> dict[str, Range | Choice]:
    """Return what to try, checked.

    Raises `SettingsError` where a name is no setting of the model, or bounds make no sense.
    """
    known = set(settings_of(model))
    if given is None:
        solver = getattr(model, "solver", None)
        name = None if solver is None else solver_of(solver).name
        if name not in SPACES:
            raise SettingsError(
                f"There is no range of settings for {name or model.kind!r}: say what to try, such "
                f"as space={{'l2': pc.tuning.Range(0.01, 1, log=True)}}. Its settings: "
                f"{', '.join(sorted(known))}."
            )
        given = SPACES[name]
    require(bool(given), "space names no setting to try.")
    for name, part in given.items():
        require(name in known, f"{name!r} is no setting to tune; there are: {_listed(known)}.")
        _require_part(name, part)
    return dict(given)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _require_part(name: str, part: object) -> None:
    if isinstance(part, Choice):
        plain = all(v is None or isinstance(v, (bool, int, float, str)) for v in part.values)
        require(bool(part.values) and plain, f"{name}: a Choice is of plain values, not {part!r}.")
        return
    require(isinstance(part, Range), f"{name}: give a Range or a Choice, not {part!r}.")
    low, high = part.low, part.high  # type: ignore[attr-defined]
    numbers = all(isinstance(end, (int, float)) for end in (low, high))
    require(numbers and low < high, f"{name}: a Range goes from low to high, not {part!r}.")
    require(not part.log or low > 0, f"{name}: a Range by ratio starts above 0.")  # type: ignore[attr-defined]


def settings_of(model: Recommender) -> dict[str, Any]:
    """Return the settings of a recommender by name, those of its solver among them."""
    settings = {k: v for k, v in model.get_params().items() if k not in ("solver", "seed")}
    if (solver := getattr(model, "solver", None)) is not None:
        settings |= vars(solver_of(solver))
    return settings


def with_settings(model: Recommender, chosen: Mapping[str, Any], seed: int | None) -> Recommender:
    """Return a fresh recommender with some settings changed.

    Raises `SettingsError` where the settings don't go together.
    """
    params = model.get_params()
    own = {name: value for name, value in chosen.items() if name in params}
    if seed is not None:
        own["seed"] = seed
    if (solver := params.get("solver")) is not None:
        inner: Any = solver_of(solver)
        fields = {field.name for field in dataclasses.fields(inner)}
        if {"side_information"} <= own.keys() & fields and params["side_information"] is None:
            inner = dataclasses.replace(inner, side_information=own.pop("side_information"))
        changed = {name: v for name, v in chosen.items() if name in fields and name not in own}
        own["solver"] = dataclasses.replace(inner, **changed)
    return type(model)(**{**params, **own})
