"""Forgetting a user in all that a server keeps: the answers, the log, the bundles.

In one transaction the user's events leave the log and the user is noted as leaving; whoever loads
a bundle from then on forgets the user in it first. What is left is a list of places, and none is
struck off before it is clean:

1. what killed processes left beside the bundles;
2. each bundle that holds the user: written anew, or deleted where it cannot be; then the note of
   the user goes;
3. the database's files, in which the deleted events stand, and the note; then, in a transaction
   that says nothing of the user, the receipt is clean.

A process that is killed in between leaves the note, or a receipt that isn't clean, and the next one
goes on from there; what cannot be cleaned now is tried again until it is.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import secrets
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
from penchant.serve import receipts
from penchant.serve.log import catalogue, schema
from penchant.serve.log.events import Append, Head, Leaving, head_of
from penchant.serve.log.replay import require_living
from penchant.serve.receipts import Receipt
from penchant.serve.service.live import Live, View
from penchant.serve.service.models import Models, copied, digest_of

_DISK = "blocks of the disk that files have given back, and backups: out of this program's reach"


class Bundles(NamedTuple):
    """What became of the bundles that held a user."""

    rewritten: list[str]
    deleted: list[str]
    remains: list[str]
    late: list[str]


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
        leaving, receipt = live.write(lambda append, view: _leave(append, view, user, key, held))
        if leaving is not None:
            _out_of_files(live, source, leaving)
            clean(live)
            with live.log.database.reading() as connection:
                receipt = receipts.kept(connection, leaving.receipt) or receipt
        return receipt


def finish_all(live: Live, source: Path, patience: float) -> tuple[str, ...]:
    """Go on with what was left to do; return what is still left."""
    with live.models.alone(patience):
        late = [
            line for one in live.log.head().forgetting for line in _out_of_files(live, source, one)
        ]
        return (*late, *clean(live))


def clean(live: Live) -> tuple[str, ...]:
    """Take what was deleted out of the database's files; return why that failed. One is alone."""
    if not live.log.head().unclean:
        return ()
    try:
        live.log.database.clean()
        with live.log.appending() as append:
            receipts.strike_off(append.connection)
    except UnavailableError as error:
        return (f"{receipts.FILES}: {error}",)
    return ()


def _out_of_files(live: Live, source: Path, leaving: Leaving) -> list[str]:
    """Take a user out of all bundles, then drop the note; return what could not be done yet."""
    live.models.sweep(source)
    found = _out_of_bundles(live, source, leaving)
    with live.log.appending() as append:
        receipt = receipts.kept(append.connection, leaving.receipt) or Receipt(_now())
        remains = (*found.remains, *live.log.database.unreached, _DISK)
        receipts.keep(
            append.connection,
            dataclasses.replace(
                receipt,
                rewritten=(*receipt.rewritten, *found.rewritten),
                deleted=(*receipt.deleted, *found.deleted),
                remains=remains,
                open=tuple(found.late),
                id=leaving.receipt,
            ),
        )
        if not found.late:
            append.note_left(leaving.user)
    return found.late


def _leave(
    append: Append, view: View, user: Id, key: str | None, held: Callable[[], bool]
) -> tuple[Any, Head, tuple[Leaving | None, Receipt]]:
    """Take a user out of the model and the log; return what is left to do, if anything."""
    noted = next((one for one in append.head.forgetting if one.user == user), None)
    told = append.answered(key, ["forget", user])
    before = None if told is None else receipts.kept(append.connection, told["receipt"])
    if before is not None:
        goes_on = noted if noted is not None and noted.receipt == before.id else None
        return view.model, append.head, (goes_on, before)
    require_living(view.model)
    model = copy.copy(view.model)
    known = _holds(model, user)
    change = model.forget(user).to_json() if known else {"when": _now()}
    receipt = Receipt.from_json({"remains": (), "events": append.drop_user(user), **change})
    if noted is None and not (known or receipt.events or held()):
        raise UnknownIdError(
            f"Neither the model nor the log nor a bundle that is kept knows a user {user!r}."
        )
    receipt = dataclasses.replace(receipt, id=noted.receipt if noted else secrets.token_hex(16))
    append.note_leaving(user, receipt.id)
    receipts.keep(append.connection, receipt)
    append.remember(key, ["forget", user], {"receipt": receipt.id})
    catalogue.activate(append.connection, view.name, reload=True)
    head = head_of(append.connection)
    leaving = Leaving(user, receipt.id, append.head.position)
    return model, head, (leaving, receipt)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat("T", "seconds")


def _out_of_bundles(live: Live, source: Path, leaving: Leaving) -> Bundles:
    models, done, user = live.models, Bundles([], [], [], []), leaving.user
    renamed: dict[str | None, Path] = {}
    for name in models.names():
        if models.row(name).position > leaving.position:
            continue  # it was saved without the user, who may have come back in it
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
    except _CannotForget as error:
        done.remains.append(f"{source}, which cannot forget: {error}")
    except (PenchantError, OSError) as error:
        done.late.append(f"{source}, which could not be rewritten: {error}")
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
        catalogue.change(append.connection, name, gone=True)
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
