"""A solver's state on disk: what an interrupted training goes on from, to the same bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from penchant.errors import BundleError, SettingsError
from penchant.ratings import Ratings
from penchant.settings import require_count
from penchant.solvers.base import Checkpoint, SolverSettings
from penchant.solvers.place import Place
from penchant.store import BlockStore

Arrays = Mapping[str, npt.NDArray[Any]]

FORMAT = 2


class State(NamedTuple):
    """Named arrays, and JSON-able progress beside them."""

    arrays: Arrays
    progress: dict[str, Any]


class StateFile:
    """The file ``state.safetensors`` in a checkpoint's folder: whole, or not there at all.

    The header says what the state belongs to: solver, settings, data, width, seed. The state of
    another training in the same folder is an error, never overwritten.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        solver: SolverSettings,
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
    def of(cls, checkpoint: Checkpoint | None, *training: Any, **more: Any) -> Self | None:
        """Return the file of a checkpoint, or None where none is asked for."""
        return None if checkpoint is None else cls(checkpoint, *training, **more)

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
