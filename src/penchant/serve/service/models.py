"""The models that a server keeps: bundles in one folder, and what the log knows of them.

A name in the log without a digest belongs to a bundle that is being written. All that changes the
folder is done by one process at a time (`alone`), so such a name that is found then was left by a
process that was killed, and goes.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from penchant.atomic import new_file, new_folder, present, sweep
from penchant.errors import BundleError, SettingsError, UnavailableError, UnknownIdError
from penchant.recommender import opening
from penchant.serve.locking import alone
from penchant.serve.log import catalogue, schema
from penchant.serve.log.catalogue import Row
from penchant.serve.log.events import EventLog
from penchant.serve.service.answers import ModelInfo
from penchant.storage import bundle, storage
from penchant.storage.bundle import card, verified
from penchant.storage.bundle.contents import CARD, Unfit

PATIENCE = 300.0
"""Seconds to wait for another process that compacts, activates or forgets."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Models:
    """Bundles in a folder, of which one answers.

    Args:
        folder: where they are; it exists.
        log: which of them is active, and how much of the log each holds.
        keep: how many of the newest stay, the active one not counted where it is older.
    """

    def __init__(self, folder: Path, log: EventLog, keep: int) -> None:
        self.folder, self.log, self.keep = folder / "models", log, keep
        self._lock = folder / "upkeep.lock"
        self._checked: dict[str, tuple[Any, str | None]] = {}
        made(self.folder)

    def alone(self, patience: float = PATIENCE) -> AbstractContextManager[None]:
        """Be the only one, in all processes, that changes the folder; a killed one lets go.

        Raises `UnavailableError` where another one goes on for longer than the patience.
        """
        busy = (
            f"{self.folder} is being changed by another process of this server. Try again when it "
            f"has compacted, activated or forgotten."
        )
        return alone(self._lock, patience, busy)

    def claim(self, *, checked: bool) -> None:
        """Let the log know by which folder it is used; the caller is alone.

        Raises `SettingsError` where that is checked, and it is used by another one already.
        """
        mark = self.folder.with_name("folder")
        if not mark.exists():
            with new_file(mark, mode=0o600) as file:
                file.write(secrets.token_hex(16).encode())
        ours, column = mark.read_text().strip(), schema.log.c.folder
        with self.log.appending() as append:
            theirs = append.connection.execute(sa.select(column)).scalar_one()
            if checked and theirs not in (None, ours):
                raise SettingsError(
                    f"The log is that of the models in another folder, and not of {mark.parent}: "
                    f"two models in one log would take each other's ratings. Give this bundle a "
                    f"log of its own. If the other folder is lost for good, write {theirs} into "
                    f"{mark} to use the log from here."
                )
            append.connection.execute(schema.log.update().values(folder=ours))

    def rows(self) -> list[Row]:
        """Return what the log knows of the models that are kept, the newest first."""
        with self.log.database.reading() as connection:
            return [row for row in catalogue.rows(connection) if row.digest and not row.gone]

    def row(self, name: str) -> Row:
        """Return what is known of a model; one that was put into the folder holds no events.

        Raises `UnknownIdError` where there is none of that name.
        """
        known = {row.name: row for row in self.rows()}
        if name not in known and name not in self._foreign(known):
            there = [*known, *self._foreign(known)]
            raise UnknownIdError(
                f"There is no model {name!r}; there are: {', '.join(there) or 'none'}."
            )
        return known.get(name) or Row(name, 0, 0, None, "", False)

    def names(self) -> list[str]:
        """Return the names of all bundles in the folder."""
        known = [row.name for row in self.rows()]
        return [*known, *self._foreign(known)]

    def place(self, name: str) -> Path:
        """Return the folder of a model."""
        return self.folder / name

    def open(self, name: str) -> Any:
        """Open a model, all of it read and checked.

        Raises `BundleError` where it is damaged.
        """
        place = self.place(name)
        before = digest_of(place)
        try:
            stored = storage.stored(bundle.read(place))
            _ = stored.bundle.ratings, stored.bundle.posterior
            return opening.recommender_of(stored)
        except BundleError:
            if digest_of(place) in (None, before):
                raise
        return self.open(name)  # it was rewritten in the middle

    def infos(self, active: str) -> list[ModelInfo]:
        """Return what there is to tell of each model, the newest first."""
        known = {row.name: row for row in self.rows()}
        found = [(row.name, row) for row in known.values()]
        found += [(name, self.row(name)) for name in self._foreign(known)]
        return [self._info(name, row, active) for name, row in found]

    def _info(self, name: str, row: Row, active: str) -> ModelInfo:
        told = look(self.place(name))
        problem = told.problem or self._damage(name)
        created, is_active = row.created or None, name == active
        return ModelInfo(
            name, told.kind, created, told.scores, is_active, told.size, row.position, problem
        )

    def _damage(self, name: str) -> str | None:
        """Return what is wrong with a bundle's files, which are read once for each change."""
        folder = self.place(name)
        stamp = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in folder.iterdir()]
        if self._checked.get(name, (None, None))[0] != sorted(stamp):
            self._checked[name] = (sorted(stamp), _damage(folder))
        return self._checked[name][1]

    def _foreign(self, known: Any) -> list[str]:
        """Return the names of folders that the log doesn't know: someone put them there."""
        with self.log.database.reading() as connection:
            ours = {row.name for row in catalogue.rows(connection)}
        names = (entry.name for entry in self.folder.iterdir() if entry.is_dir())
        return sorted(n for n in names if _NAME.fullmatch(n) and n not in ours and n not in known)

    # Changes; the caller is alone

    def sweep(self, source: Path) -> None:
        """Remove what killed processes left half written or half removed, here and at the source.

        Raises `UnavailableError` where that fails.
        """
        try:
            sweep(self.folder)
            sweep(source.absolute().parent, source.name)
        except OSError as error:
            raise UnavailableError(
                f"{error.filename} was left by a killed process and cannot be removed: "
                f"{error.strerror}. Remove it."
            ) from None

    def tidy(self) -> None:
        """Remove what a killed process left, and models beyond those that are to be kept."""
        with self.log.appending() as append:
            every = catalogue.rows(append.connection)
            half = [row.name for row in every if row.digest is None]
            whole = [row for row in every if row.digest and not row.gone]
            old = [row.name for row in whole[self.keep :] if row.name != append.head.active]
            for name in half:
                catalogue.drop(append.connection, name)
            for name in old:
                catalogue.change(append.connection, name, gone=True)
        for name in (*half, *old, *(row.name for row in every if row.gone)):
            shutil.rmtree(self.place(name), ignore_errors=True)

    def take_copy(self, source: Path, *, activate: bool) -> str:
        """Copy a bundle into the folder; return its name.

        Raises `BundleError` where it is damaged, or cannot be copied.
        """
        place = present(source)
        problem = look(place).problem or _damage(place)
        if problem:
            raise BundleError(problem)
        with self.log.appending() as append:
            name = catalogue.add(append.connection, None, 0)
        copied(place, self.place(name))
        with self.log.appending() as append:
            catalogue.change(append.connection, name, digest=digest_of(self.place(name)))
            if activate:
                catalogue.activate(append.connection, name, reload=True)
        return name

    def save(self, model: Any, position: int) -> str:
        """Save a model that holds the log up to a position, and let it answer; return its name.

        Raises `BundleError` where it cannot be written; nothing has changed then.
        """
        with self.log.appending() as append:
            name = catalogue.add(append.connection, None, position)
        try:
            model.save(self.place(name))
        except BundleError:
            with contextlib.suppress(UnavailableError), self.log.appending() as append:
                catalogue.drop(append.connection, name)  # `tidy` would do it later
            raise
        with self.log.appending() as append:
            catalogue.change(append.connection, name, digest=digest_of(self.place(name)))
            catalogue.activate(append.connection, name, reload=False)
        return name

    def adopt_all(self) -> list[str]:
        """Tell a log that is new of the models that an older log left; return the names."""
        with self.log.database.reading() as connection:
            if catalogue.rows(connection):
                return []
        found = [n for n in self._foreign({}) if look(self.place(n)).problem is None]
        with self.log.appending() as append:
            for name in found:
                catalogue.add(append.connection, name, 0, digest_of(self.place(name)))
            if found:
                catalogue.activate(append.connection, found[-1], reload=True)
        return found


class Look(NamedTuple):
    """What the card of a bundle tells."""

    kind: str
    scores: dict[str, float]
    size: int
    problem: str | None


def look(folder: Path) -> Look:
    """Return what a bundle's card tells, or why it cannot be read."""
    try:
        told = card.decode(verified.card_bytes(folder))
        size = sum(entry.stat().st_size for entry in folder.iterdir())
    except (Unfit, OSError, BundleError) as error:
        return Look("", {}, 0, _told(folder, error))
    history = told.get("history")
    records = history.get("records") if isinstance(history, dict) else None
    record: Any = {}
    if isinstance(records, list) and records:
        best = history.get("best")  # type: ignore[union-attr]
        record = records[best if type(best) is int and 0 <= best < len(records) else -1]
    numbers = record.items() if isinstance(record, dict) else ()
    scores = {name: float(value) for name, value in numbers if type(value) in (int, float)}
    return Look(str(told["kind"]), scores, size, None)


def digest_of(folder: Path) -> str | None:
    """Return the digest of a bundle's card, which vouches for all its files; None without one."""
    try:
        return str(card.decode(verified.card_bytes(folder))["sha256"])
    except (Unfit, OSError, BundleError):
        return None


def copied(source: Path, target: Path, *, replace: bool = False) -> None:
    """Copy a bundle, whole or not at all; raise `BundleError` where that fails."""
    try:
        with new_folder(target, replace=replace) as folder:
            for name in verified.names(source):
                shutil.copyfile(source / name, folder / name)
    except (Unfit, OSError) as error:
        raise BundleError(_told(source, error)) from None


def _damage(folder: Path) -> str | None:
    try:
        told = card.entries(card.decode(verified.card_bytes(folder)))
        there = verified.names(folder)
        if set(there) != {CARD, *told}:
            return _told(folder, f"it holds {sorted(there)}, its card lists {sorted(told)}")
        for name, entry in told.items():
            verified.verified_bytes(folder, name, entry)
    except (Unfit, OSError, BundleError) as error:
        return _told(folder, error)
    return None


def _told(folder: Path, error: object) -> str:
    why = getattr(error, "strerror", None) or str(error)
    return f"{folder} cannot be used: {why.rstrip('.')}. Copy the bundle again, or save it anew."


def made(folder: Path) -> None:
    """Make a folder of the owner's alone, or close one to all others that its group isn't of.

    What is in it needs no closing then, whoever writes it. Raises `UnavailableError` where there
    is none and none can be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # it is somebody else's, who may know better
            folder.chmod(folder.stat().st_mode & 0o770)
    except OSError as error:
        raise UnavailableError(
            f"{folder} cannot be made: {error.strerror}. A server keeps its log and its models "
            f"there: choose a place that you may write to."
        ) from None
