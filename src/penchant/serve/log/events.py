"""The log: ratings that were given or taken back, in the order in which they were acknowledged.

Whoever appends locks the one row of `log` first. So positions have no gaps, they become visible in
their order, and whoever has read up to a position has missed nothing before it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa

from penchant.errors import ConflictError, SettingsError
from penchant.ids import Id
from penchant.serve.log import schema
from penchant.serve.log.database import Database
from penchant.serve.log.replay import Effect, Said

KEYS_KEPT = 100_000
"""How many idempotency keys are remembered: the last ones, whenever they came."""
LONGEST_KEY = 255

_CHUNK = 500  # statements with more parameters are refused by older SQLites


class Leaving(NamedTuple):
    """A user that is leaving the bundles.

    Attributes:
        user: an id.
        receipt: the id of the receipt.
        position: of the log then; bundles that hold more of it never held the user's ratings.
    """

    user: Id
    receipt: str
    position: int


class Head(NamedTuple):
    """Where the log is.

    Attributes:
        identity: which log it is, 32 hexadecimal digits.
        position: of the last event.
        epoch: grows when every worker is to load its model again.
        active: the name of the model that answers, None before there is one.
        forgetting: the users that are leaving the bundles, each with the position of then.
        unclean: whether what was deleted may still stand in the database's files.
    """

    identity: str
    position: int
    epoch: int
    active: str | None
    forgetting: tuple[Leaving, ...] = ()
    unclean: bool = False


class EventLog:
    """Events in a database, and the answers that idempotency keys got."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def head(self) -> Head:
        """Return where the log is; raises `UnavailableError` where it is away."""
        with self.database.reading() as connection:
            return head_of(connection)

    def since(self, position: int) -> tuple[Head, Effect]:
        """Return where the log is, and what its events after a position come to."""
        with self.database.reading() as connection:
            head = head_of(connection)
            return head, effect_of(connection, position, head.position)

    @contextmanager
    def appending(self) -> Iterator[Append]:
        """Give what can be appended to; all of it is on disk when the block ends, or nothing.

        Others that append wait.
        """
        with self.database.writing() as connection:
            connection.execute(schema.log.update().values(id=1))  # the lock
            yield Append(connection, head_of(connection))


class Append:
    """The log while nobody else can append to it."""

    def __init__(self, connection: sa.Connection, head: Head) -> None:
        self.connection, self.head = connection, head

    def effect(self, position: int) -> Effect:
        """Return what the events after a position come to."""
        return effect_of(self.connection, position, self.head.position)

    def add(self, effect: Effect) -> int:
        """Append an event for each pair; return the position of the last one."""
        rows = [
            {
                "position": place,
                "user_id": written(user),
                "item_id": written(item),
                "value": None if said is None else float(said.value),
                "seconds": None if said is None or said.seconds is None else int(said.seconds),
            }
            for place, ((user, item), said) in enumerate(
                effect.items(), start=self.head.position + 1
            )
        ]
        for start in range(0, len(rows), _CHUNK):
            self.connection.execute(schema.events.insert(), rows[start : start + _CHUNK])
        position = self.head.position + len(rows)
        self.connection.execute(schema.log.update().values(position=position))
        return position

    def drop_user(self, user: Id) -> int:
        """Delete all events of a user; return how many there were."""
        theirs = schema.events.c.user_id == written(user)
        return self.connection.execute(schema.events.delete().where(theirs)).rowcount

    def note_leaving(self, user: Id, receipt: str) -> None:
        """Note that a user is leaving the bundles."""
        self.note_left(user)
        row = {"user_id": written(user), "receipt": receipt, "position": self.head.position}
        self.connection.execute(schema.forgetting.insert().values(**row))

    def note_left(self, user: Id) -> None:
        """Drop the note of a user who has left all bundles."""
        table = schema.forgetting
        self.connection.execute(table.delete().where(table.c.user_id == written(user)))

    def drop_superseded(self, after: int, until: int) -> None:
        """Delete the events of positions after + 1 … until on whose pair a later one speaks."""
        event, later = schema.events, schema.events.alias("later")
        again = sa.exists().where(
            later.c.user_id == event.c.user_id,
            later.c.item_id == event.c.item_id,
            later.c.position > event.c.position,
        )
        here = (event.c.position > after, event.c.position <= until)
        self.connection.execute(event.delete().where(*here, again))

    def answered(self, key: str | None, body: Any) -> dict[str, Any] | None:
        """Return the answer that a key got before, None where it is new.

        Raises `ConflictError` where that was the answer to another body.
        """
        if key is None:
            return None
        require_key(key)
        table = schema.keys
        row = self.connection.execute(
            sa.select(table.c.body, table.c.answer).where(table.c.digest == _digest(key))
        ).first()
        if row is None:
            return None
        if row.body != _body(key, body):
            raise ConflictError(
                "This idempotency key came before with another body. Send the body that belongs "
                "to it, or make a new key for each write."
            )
        answer: dict[str, Any] = json.loads(row.answer)
        return answer

    def remember(self, key: str | None, body: Any, answer: dict[str, Any]) -> None:
        """Keep the answer that a key got, and drop the oldest of more than `KEYS_KEPT`."""
        if key is None:
            return
        counted = schema.log.update().values(n_keys=schema.log.c.n_keys + 1)
        number = self.connection.execute(counted.returning(schema.log.c.n_keys)).scalar_one()
        self.connection.execute(
            schema.keys.insert().values(
                number=number, digest=_digest(key), body=_body(key, body), answer=json.dumps(answer)
            )
        )
        old = schema.keys.c.number <= number - KEYS_KEPT
        self.connection.execute(schema.keys.delete().where(old))


def head_of(connection: sa.Connection) -> Head:
    """Return where the log is."""
    row = connection.execute(sa.select(schema.log)).one()
    table = schema.forgetting
    leaving = connection.execute(sa.select(table.c.user_id, table.c.receipt, table.c.position))
    users = tuple(Leaving(json.loads(user), *rest) for user, *rest in leaving)
    return Head(row.identity, row.position, row.epoch, row.active, users, row.unclean)


def effect_of(connection: sa.Connection, after: int, until: int) -> Effect:
    """Return what the events of positions after + 1 … until come to."""
    if after >= until:
        return {}
    table = schema.events
    asked = (
        sa.select(table.c.user_id, table.c.item_id, table.c.value, table.c.seconds)
        .where(table.c.position > after, table.c.position <= until)
        .order_by(table.c.position)
    )
    found: dict[tuple[str, str], Said | None] = {}
    for user, item, value, seconds in connection.execute(asked).yield_per(10_000):
        found[user, item] = None if value is None else Said(value, seconds)
    ids = {text: json.loads(text) for pair in found for text in pair}
    return {(ids[user], ids[item]): said for (user, item), said in found.items()}


def written(id_: Id) -> str:
    """Return an id as the log has it: JSON in ASCII, in which 5 and "5" differ."""
    return json.dumps(id_)


def require_key(key: str) -> None:
    """Raise `SettingsError` where this can't be an idempotency key."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
        raise SettingsError(
            f"An idempotency key is a text of 1 to {LONGEST_KEY} characters, new for each write, "
            f"such as a UUID; received "
            f"{f'{len(key)} characters' if isinstance(key, str) else type(key).__name__}."
        )


def _digest(key: str) -> str:
    return hashlib.sha256(_bytes(key)).hexdigest()


def _body(key: str, body: Any) -> str:
    """Return a digest of a body that nobody can guess at without the key, which isn't kept."""
    return hmac.new(_bytes(key), json.dumps(body).encode(), "sha256").hexdigest()


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
