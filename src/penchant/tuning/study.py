"""The search as Optuna keeps it: of one data set, one recommender and one space."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penchant.errors import MissingExtraError, SettingsError
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.tuning.space import Choice, Range, Space, settings_of

if TYPE_CHECKING:
    import optuna

PathLike = str | os.PathLike[str]

_STALE = 5
"""Seconds after which the lock of a killed process is broken; each is held for milliseconds."""


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise MissingExtraError(
            "Tuning needs Optuna. Install it with: pip install 'penchant[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def open_study(
    model: Recommender,
    ratings: Ratings,
    space: Space,
    storage: PathLike | None,
    seed: int,
    protocol: tuple[Any, ...],
) -> optuna.Study:
    """Open or begin the search; the storage must be of the same data, settings and ranges."""
    library = _optuna()
    about = {
        "data": ratings.fingerprint(),
        "model": repr(model),
        "space": json.dumps({name: [type(p).__name__, *p] for name, p in space.items()}),
        "protocol": repr((*protocol, seed)),
    }
    study: optuna.Study = library.create_study(
        study_name="penchant",
        storage=None if storage is None else _journal(library, Path(storage)),
        sampler=library.samplers.TPESampler(seed=seed, n_startup_trials=8),
        pruner=library.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
        load_if_exists=True,
    )
    for name, value in about.items():
        if study.user_attrs.get(name, value) != value:
            raise SettingsError(
                f"{storage} is a search of another {name}. Choose another file, or the {name} that "
                f"it was begun with."
            )
        study.set_user_attr(name, value)
    present = _present(model, space)
    if not any(trial.params == present and trial.state.is_finished() for trial in study.trials):
        study.enqueue_trial(present)  # again, where a killed search had begun it
    return study


def _journal(library: Any, path: Path) -> Any:
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    if not path.parent.is_dir():
        raise SettingsError(f"storage: there is no folder {path.parent}. Make it first.")
    try:
        return library.storages.JournalStorage(
            JournalFileBackend(str(path), JournalFileSymlinkLock(str(path), _STALE))
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{path} holds no search that can go on: {error}. Choose another file."
        ) from error


def _present(model: Recommender, space: Space) -> dict[str, Any]:
    """Return the present settings, so far as they lie in the space."""
    settings = settings_of(model)
    return {name: settings[name] for name, part in space.items() if _holds(part, settings[name])}


def _holds(part: Range | Choice, value: Any) -> bool:
    if isinstance(part, Choice):
        return value in part.values
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and part.low <= value <= part.high
