"""Forgetting a user in all that a server keeps: the answers, the log, the bundles.

In one transaction the user's events leave the log and the user is noted as leaving; whoever loads
a bundle from then on forgets the user in it first. Then each bundle that holds the user is written
anew, or deleted where it cannot be; then the note goes, and the database's files are cleaned. A
process that is killed in between leaves the note, and the next one goes on from there.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from penchant.errors import (
    BundleError,
    DataError,
    PenchantError,
    UnavailableError,
    UnknownIdError,
    UnsupportedError,
)
from penchant.ids import Id
from penchant.recommender import opening
from penchant.serve import registry, schema
from penchant.serve.answers import Plain
from penchant.serve.effect import require_living
from penchant.serve.events import Append, Head, head_of
from penchant.serve.live import Live, View
from penchant.serve.models import Models, copied, digest_of

_DISK = "blocks of the disk that files have given back, and backups: out of this program's reach"


@dataclasses.dataclass(frozen=True)
class Receipt(Plain):
    """What forgetting did; it doesn't say whom it was about.

    Attributes:
        when: the time, UTC.
        ratings: how many ratings left the model.
        items: how many items' rows were solved again without them.
        users: how many other users' rows were solved again.
        events: how many events left the log.
        rewritten: the bundles that held the user and were written anew.
        deleted: the bundles that held the user and were deleted, for they cannot forget.
        before: SHA-256 of each array of the model before, by name.
        after: the same afterwards.
        remains: what still holds a trace.
    """

    when: str
    ratings: int = 0
    items: int = 0
    users: int = 0
    events: int = 0
    rewritten: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    before: Mapping[str, str] = dataclasses.field(default_factory=dict)
    after: Mapping[str, str] = dataclasses.field(default_factory=dict)
    remains: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Receipt:
        """Make it of what `to_json` gave."""
        lists = {name: tuple(plain.get(name, ())) for name in ("rewritten", "deleted", "remains")}
        return cls(**{**plain, **lists})


class Bundles(NamedTuple):
    """What became of the bundles that held a user."""

    rewritten: list[str]
    deleted: list[str]
    remains: list[str]


def forget(live: Live, source: Path, user: Id, key: str | None) -> Receipt:
    """Forget a user everywhere.

    Args:
        live: what answers.
        source: the bundle that the service was opened with; it is rewritten too.
        user: an id.
        key: an idempotency key.
    """

    def held() -> bool:
        return _is_held(live.models, source, user)

    with live.models.alone():
        done, receipt = live.write(lambda append, view: _leave(append, view, user, key, held))
        return receipt if done else finish(live, source, user, receipt, key)


def finish_all(live: Live, source: Path, patience: float) -> None:
    """Go on with what a process that was killed, or met a full disk, left to do."""
    with live.models.alone(patience):
        for user, receipt in live.log.leaving().items():
            finish(live, source, user, Receipt.from_json(receipt), None)


def finish(live: Live, source: Path, user: Id, receipt: Receipt, key: str | None) -> Receipt:
    """Take a user out of the bundles; then the note of the user goes. The caller is alone."""
    found = _out_of_bundles(live, source, user)
    receipt = dataclasses.replace(
        receipt,
        rewritten=tuple(found.rewritten),
        deleted=tuple(found.deleted),
        remains=(*receipt.remains, *found.remains, *live.log.database.unreached, _DISK),
    )
    with live.log.appending() as append:
        append.note_left(user)
        append.remember(key, ["forget", user], receipt.to_json())
    try:
        live.log.database.clean()
    except UnavailableError as error:
        late = f"deleted pages in the database's files, until they are used again: {error}"
        return dataclasses.replace(receipt, remains=(*receipt.remains, late))
    return receipt


def _leave(
    append: Append, view: View, user: Id, key: str | None, held: Callable[[], bool]
) -> tuple[Any, Head, tuple[bool, Receipt]]:
    """Take a user out of the model and the log; tell whether that was done before."""
    before = append.answered(key, ["forget", user])
    if before is not None:
        return view.model, append.head, (True, Receipt.from_json(before))
    require_living(view.model)
    model = copy.copy(view.model)
    told: dict[str, Any] = {"when": datetime.datetime.now(datetime.UTC).isoformat("T", "seconds")}
    known = _holds(model, user)
    if known:
        told = model.forget(user).to_json()
    receipt = Receipt.from_json({"remains": (), "events": append.drop_user(user), **told})
    noted = append.leaving(user)
    if not (known or receipt.events):
        if noted is None and not held():
            raise UnknownIdError(
                f"Neither the model nor the log nor a bundle that is kept knows a user {user!r}."
            )
        receipt = receipt if noted is None else Receipt.from_json(noted)
    append.note_leaving(user, receipt.to_json())
    registry.activate(append.connection, view.name, reload=True)
    return model, head_of(append.connection), (False, receipt)


def _out_of_bundles(live: Live, source: Path, user: Id) -> Bundles:
    models, done = live.models, Bundles([], [], [])
    renamed: dict[str | None, Path] = {}
    for name in models.names():
        place = models.place(name)
        before = digest_of(place)
        try:
            rewritten = _without(place, user)
        except _CannotForget as error:
            if name == live.view.name:
                done.rewritten.append(models.save(live.view.model, live.view.head.position))
                live.follow()
            _delete(models, name)
            done.deleted.append(f"{name}: {error}")
            continue
        if rewritten:
            renamed[before] = place
            done.rewritten.append(name)
    try:
        if _source_without(models, source, user, renamed):
            done.rewritten.append(str(source))
    except (PenchantError, _CannotForget) as error:
        done.remains.append(f"{source}, which could not be rewritten: {error}")
    return done


def _source_without(
    models: Models, source: Path, user: Id, renamed: Mapping[str | None, Path]
) -> bool:
    """Rewrite the bundle that the service was opened with, where it holds the user."""
    before = digest_of(source)
    if before is None:
        return False
    if before in renamed:  # the very bundle that was copied: it stays that
        copied(renamed[before], source, replace=True)
    elif not _without(source, user):
        return False
    _note_digest(models, before, digest_of(source))
    return True


class _CannotForget(Exception):  # noqa: N818 - never leaves this module
    """A bundle is damaged, or of a kind that can't forget."""


def _without(place: Path, user: Id) -> bool:
    """Rewrite a bundle without a user; return False where it doesn't hold the user."""
    try:
        model = opening.open(place)
        if not _holds(model, user):
            return False
        require_living(model)
        model.forget(user)
    except (BundleError, UnsupportedError) as error:
        raise _CannotForget(str(error)) from None
    model.save(place, overwrite=True)
    return True


def _delete(models: Models, name: str) -> None:
    with models.log.appending() as append:
        registry.change(append.connection, name, gone=True)
    shutil.rmtree(models.place(name))


def _note_digest(models: Models, before: str | None, after: str | None) -> None:
    """Let a start know the rewritten bundle by its digest, so that it isn't taken for a new one."""
    with models.log.appending() as append:
        table = schema.models
        changed = table.update().where(table.c.digest == before).values(digest=after)
        append.connection.execute(changed)


def _is_held(models: Models, source: Path, user: Id) -> bool:
    """Return whether a bundle holds a user."""
    for place in (*map(models.place, models.names()), source):
        with contextlib.suppress(BundleError):
            if _holds(opening.open(place), user):
                return True
    return False


def _holds(model: Any, user: Id) -> bool:
    try:
        return bool(model.knowledge.user_ids.rows([user])[0])
    except DataError:  # its ids are of the other type
        return False
