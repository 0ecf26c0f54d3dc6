"""A solver's state on disk: what an interrupted training goes on from, to the same bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from penchant.errors import BundleError, SettingsError
from penchant.history import History
from penchant.ratings import Ratings
from penchant.settings import require_count
from penchant.solvers.base import SolverSettings
from penchant.solvers.place import Place
from penchant.solvers.task import Checkpoint, Task
from penchant.store import BlockStore

Arrays = Mapping[str, npt.NDArray[Any]]

FORMAT = 3


class State(NamedTuple):
    """Named arrays, and JSON-able progress beside them."""

    arrays: Arrays
    progress: dict[str, Any]

    def copied(self) -> State:
        """Return it with arrays of its own."""
        return State({name: array.copy() for name, array in self.arrays.items()}, self.progress)


class StateFile:
    """The file ``state.safetensors`` in a checkpoint's folder: whole, or not there at all.

    The header says what the state belongs to: solver, settings, data, width, seed. The state of
    another training in the same folder is an error, never overwritten.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        solver: SolverSettings[Any],
        ratings: Ratings | BlockStore,
        validation: Ratings | None,
        *,
        factors: int,
        seed: int,
    ) -> None:
        require_count("checkpoint.every", checkpoint.every)
        self._every = checkpoint.every
        self._path = Place(checkpoint.folder, "state.safetensors")
        self._owner = {
            "format": FORMAT,
            "solver": solver.name,
            "settings": json.loads(json.dumps(solver.to_json())),
            "ratings": ratings.fingerprint()
            if isinstance(ratings, Ratings)
            else ratings.fingerprint,
            "validation": None if validation is None else validation.fingerprint(),
            "factors": factors,
            "seed": seed,
        }

    @classmethod
    def of(cls, solver: SolverSettings[Any], task: Task) -> Self | None:
        """Return the file of a training's checkpoint, or None where none is asked for."""
        if task.checkpoint is None:
            return None
        return cls(
            task.checkpoint,
            solver,
            task.ratings,
            task.validation,
            factors=task.factors,
            seed=task.seed,
        )

    def due(self, number: int) -> bool:
        """Return whether the state after this epoch or sweep is to be written."""
        return number % self._every == 0

    def write(self, arrays: Arrays, progress: dict[str, Any]) -> None:
        """Put the state in the place of the one before.

        Raises `SourceError` where it can't be written.
        """
        from safetensors.numpy import save

        plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        header = {"owner": self._owner, "progress": progress, "sha256": _digest(plain)}
        content = save(plain, metadata={"penchant": json.dumps(header, allow_nan=False)})
        self._path.write(content)

    def write_both(self, now: State, kept: State, history: History) -> None:
        """Write what the next round depends on, the model that is kept, and the history."""
        arrays = {f"{part}.{name}": array for part, state in (("now", now), ("kept", kept))
                  for name, array in state.arrays.items()}  # fmt: skip
        parts = {"now": now.progress, "kept": kept.progress}
        self.write(arrays, {**parts, **history.to_json()})

    def read_both(self) -> tuple[State, State, dict[str, Any]] | None:
        """Return what `write_both` wrote, the history as JSON; None where there is nothing."""
        state = self.read()
        if state is None:
            return None
        now, kept = (
            State(
                {
                    name.removeprefix(f"{part}."): array
                    for name, array in state.arrays.items()
                    if name.startswith(f"{part}.")
                },
                state.progress[part],
            )
            for part in ("now", "kept")
        )
        return now, kept, state.progress

    def read(self) -> State | None:
        """Return the state that stands there, or None where there is none.

        Raises:
            BundleError: the file is damaged.
            SettingsError: it is the state of another training.
        """
        if not self._path.exists():
            return None
        header, arrays = self._parse()
        for name, ours in self._owner.items():
            theirs = header["owner"].get(name)
            if theirs != ours:
                raise SettingsError(
                    f"The checkpoint {self._path} belongs to another training: its {name} is "
                    f"{_short(theirs)}, here it is {_short(ours)}. Choose another folder, or "
                    f"delete the file."
                )
        return State(arrays, header["progress"])

    def _parse(self) -> tuple[dict[str, Any], Arrays]:
        from safetensors import SafetensorError, safe_open

        try:
            with self._path.local() as path, safe_open(path, framework="numpy") as file:
                header = json.loads(file.metadata()["penchant"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = header["sha256"] == _digest(arrays) and header["progress"] is not None
            said = "" if whole else "its numbers were changed after they were written"
        except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
            said = str(error)[:200] or type(error).__name__
        if said:
            raise BundleError(
                f"The checkpoint {self._path} is damaged: {said}. Delete it to start afresh."
            )
        return header, arrays


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
