"""What the frozen settings of solvers and files have in common.

Settings are frozen dataclasses. They refuse unknown keys, check their own values on construction,
and turn into plain JSON and back, so that a bundle can say how it was made.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Self

from penchant.errors import SettingsError

FACTORS = 200
"""The default width K of the embeddings: the chapter's. The one place where it is written."""

MOST_WIDTH = 2**16
"""Units of a hidden layer."""


def require(condition: bool, message: str) -> None:
    """Raise `SettingsError` with `message` unless `condition` holds."""
    if not condition:
        raise SettingsError(message)


def require_count(name: str, value: object, least: int = 1) -> None:
    """Raise `SettingsError` unless `value` is a whole number of at least `least`."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    require(
        whole and int(value) >= least,  # type: ignore[call-overload]
        f"{name} must be a whole number of at least {least}, not {value!r}.",
    )


def require_number(
    name: str, value: object, low: float, high: float = math.inf, *, open_low: bool = False
) -> None:
    """Raise `SettingsError` unless `value` is a finite number from `low` to `high`."""
    bounds = f"above {low:g}" if open_low else f"of at least {low:g}"
    if high < math.inf:
        bounds += f" and at most {high:g}"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    inside = number and math.isfinite(value) and low <= value <= high  # type: ignore[arg-type,operator]
    require(
        bool(inside) and not (open_low and value == low),
        f"{name} must be a number {bounds}, not {value!r}.",
    )


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `SettingsError` unless `value` is one of `choices`."""
    listed = ", ".join(repr(choice) for choice in choices)
    require(value in choices, f"{name} must be one of {listed}, not {value!r}.")


def require_layers(layers: object, example: str, least: int = 1) -> None:
    """Raise `SettingsError` unless these are the widths of hidden layers, at least so many.

    Args:
        layers: what was given; a tuple of whole numbers from 1 to `MOST_WIDTH`.
        example: what the message shows as right.
        least: how many layers there must be.
    """
    wide = isinstance(layers, tuple) and all(
        type(units) is int and 0 < units <= MOST_WIDTH for units in layers
    )
    require(
        wide and len(layers) >= least,  # type: ignore[arg-type]
        f"layers must be widths such as {example}, not {layers!r}.",
    )


@dataclasses.dataclass(frozen=True)
class Settings:
    """The base of all settings: frozen, checked, JSON in both directions.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Tea(Settings):
    ...     minutes: int = 3
    >>> Tea.from_json({"minutes": 4})
    Tea(minutes=4)
    >>> Tea.from_json({"minuets": 4})
    Traceback (most recent call last):
    penchant.errors.SettingsError: Tea has no setting 'minuets'; it has: minutes.
    """

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON-able values: what is no JSON is given by its name."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build the settings from JSON values.

        Raises `SettingsError` for a key that does not exist.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            require(
                key in known,
                f"{cls.__name__} has no setting {key!r}; it has: {', '.join(known)}.",
            )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return getattr(value, "__name__", type(value).__name__)
