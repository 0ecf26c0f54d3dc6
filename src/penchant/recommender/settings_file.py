"""The settings of a recommender as a file, so that a training can be repeated from it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from penchant.atomic import new_file
from penchant.errors import SettingsError, SourceError
from penchant.recommender.base import Recommender
from penchant.recommender.opening import KINDS, kind_class
from penchant.solvers.base import Recorded
from penchant.solvers.registry import solver_of, solver_record

PathLike = str | os.PathLike[str]

_MOST_BYTES = 1_000_000


def recorded(model: Recommender) -> dict[str, Any]:
    """Return kind and settings of a recommender as JSON-able values.

    Raises `SettingsError` where a setting is no plain value, as the members of a blend are none.

    >>> import penchant as pc
    >>> recorded(pc.MatrixFactorization(8, "bias"))["settings"]["solver"]["name"]
    'bias'
    """
    settings: dict[str, Any] = {}
    for name, value in model.get_params().items():
        plain = solver_record(value) if name == "solver" else value
        try:
            settings[name] = json.loads(json.dumps(plain, allow_nan=False))
        except (TypeError, ValueError):
            raise SettingsError(
                f"The setting {name} of {type(model).__name__} is no plain value, and can't be "
                f"written to a file of settings: {value!r:.80}."
            ) from None
    return {"kind": model.kind, "settings": settings}


def save_settings(model: Recommender, path: PathLike) -> None:
    """Write the settings of a recommender as a JSON file, for ``penchant fit --settings``.

    Raises `SettingsError` as `recorded` does, `SourceError` where the file can't be written.
    """
    text = json.dumps(recorded(model), indent=2, ensure_ascii=False) + "\n"
    try:
        with new_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise SourceError(
            f"The settings can't be written to {os.fspath(path)!r}: {error.strerror or error}."
        ) from error


def open_settings(path: PathLike, seed: int | None = None) -> Any:
    """Return an untrained recommender with the settings of a file.

    Args:
        path: a file that `save_settings` wrote, or one like it.
        seed: in place of the file's own seed.

    Raises `SettingsError` where the file isn't there, is no JSON, or names what doesn't exist.
    """
    said = _read(Path(path))
    kind, settings = said.get("kind"), said.get("settings")
    if kind not in KINDS or not isinstance(settings, dict) or set(said) != {"kind", "settings"}:
        raise SettingsError(
            f"{path} must hold kind, one of {', '.join(KINDS)}, and settings; received "
            f"{sorted(said)} and kind {kind!r}."
        )
    known = kind_class(kind)._setting_names()
    for name in settings:
        if name not in known:
            raise SettingsError(f"{path}: {kind} has no setting {name!r}; it has: {_all(known)}.")
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    if "solver" in given:
        given["solver"] = _solver(path, given["solver"])
    if seed is not None:
        given["seed"] = seed
    try:
        return kind_class(kind)(**given)
    except TypeError as error:
        raise SettingsError(f"{path}: these settings make no {kind}: {error}.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SettingsError(f"{path} is too large for a file of settings.")
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is no JSON file: {error}.") from None
    if not isinstance(said, dict):
        raise SettingsError(f"{path} must hold one JSON object, not {type(said).__name__}.")
    return said


def _solver(path: PathLike, said: Any) -> Any:
    whole = isinstance(said, dict) and isinstance(said.get("settings"), dict)
    if not whole or not isinstance(said.get("name"), str) or set(said) != {"name", "settings"}:
        raise SettingsError(f"{path}: solver must have a name and settings, not {said!r:.80}.")
    return solver_of(Recorded(said["name"], said["settings"]))


def _all(names: list[str]) -> str:
    return ", ".join(names)
