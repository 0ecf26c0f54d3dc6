"""What a writer has done so far, so that one that was killed goes on where it was."""

from __future__ import annotations

import json
import os
import re
import shutil
from io import FileIO
from pathlib import Path
from typing import Any

from penchant.atomic import new_file
from penchant.data.fetch.resumable import lock
from penchant.errors import SettingsError, SourceError
from penchant.store.contents import INDEX, UNFINISHED

_REQUEST = "request"
_HALF = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
"""What `penchant.atomic` calls a file that hasn't taken its place."""


class Journal:
    """The folder of an unfinished store: notes of what is done, and files on the way.

    Only what has a note is taken for done: the note is written, whole, after its files are.
    """

    def __init__(self, place: Path, request: dict[str, Any]) -> None:
        """Begin in an empty or missing folder, or go on with the same request.

        Raises:
            SettingsError: something else is there, or it was begun with another request.
            SourceError: another process writes there at this moment.
        """
        self.place, self.folder = place, place / UNFINISHED
        if not self.folder.is_dir():
            self._begin(place)
        self._lock = self._locked()
        self._remove_halves()
        before = self.note(_REQUEST)
        if before is None:
            self._clear()
            self.done(_REQUEST, request)
        elif before != request:
            keys = [key for key in {*before, *request} if before.get(key) != request.get(key)]
            self.close()
            raise SettingsError(
                f"{place} was begun with another {' and '.join(sorted(keys))}, and isn't "
                f"finished. Start that command again, or remove the folder."
            )

    def _begin(self, place: Path) -> None:
        if not place.parent.is_dir():
            raise SettingsError(f"There is no folder {place.parent} to write {place.name} into.")
        if os.path.lexists(place) and (not place.is_dir() or any(place.iterdir())):
            raise SettingsError(
                f"{place} is there already, and nothing is overwritten. Choose another name, or "
                f"remove it."
            )
        self.folder.mkdir(parents=True)

    def _locked(self) -> FileIO:
        file = (self.folder / "lock").open("ab", buffering=0)
        if not lock(file):
            file.close()
            raise SourceError(f"Another process is writing {self.place}. Wait until it is done.")
        return file

    def _clear(self) -> None:
        for entry in self.folder.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def _remove_halves(self) -> None:
        """Remove what a killed writer had under a temporary name; nobody else writes now."""
        for folder in (self.place, self.folder):
            for path in folder.iterdir():
                if _HALF.fullmatch(path.name):
                    path.unlink()

    def note(self, step: str) -> Any:
        """Return what was noted of a step, None where it isn't done."""
        try:
            return json.loads((self.folder / f"{step}.json").read_bytes())
        except FileNotFoundError:
            return None

    def done(self, step: str, facts: Any) -> None:
        """Note that a step is done."""
        with new_file(self.folder / f"{step}.json") as file:
            file.write(json.dumps(facts).encode())

    def fresh(self, name: str) -> Path:
        """Return a folder for the files of a step that is begun, or begun afresh."""
        folder = self.folder / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        return folder

    def forget(self, name: str) -> None:
        """Remove the files of a step that nobody needs any more."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    @property
    def is_finished(self) -> bool:
        """Whether the index is there: then only this folder is left to be removed."""
        return (self.place / INDEX).is_file()

    def close(self) -> None:
        """Let others write."""
        self._lock.close()

    def finish(self) -> None:
        """Remove the folder; the store is whole."""
        self.close()
        shutil.rmtree(self.folder)
