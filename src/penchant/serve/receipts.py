"""Receipts of what was forgotten: kept in the log, without a word on whom they are about.

A receipt is kept from the moment in which a user's events leave the log. It isn't clean until all
places are that held the user; what is left to do is told in `open` whenever it is asked for.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from penchant.serve.log import schema
from penchant.serve.service.answers import Plain

KEPT = 10_000
"""How many receipts are kept: the last ones."""

FILES = "deleted pages in the files of the log's database"
"""The place that is cleaned last."""


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
        remains: what still holds a trace, and is out of this program's reach.
        open: what may still hold a trace, and is tried again until it doesn't.
        id: by which it can be asked for again.
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
    open: tuple[str, ...] = ()
    id: str = ""

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Receipt:
        """Make it of what `to_json` gave."""
        names = ("rewritten", "deleted", "remains", "open")
        lists = {name: tuple(plain.get(name, ())) for name in names}
        return cls(**{**plain, **lists})


def keep(connection: sa.Connection, receipt: Receipt) -> None:
    """Keep a receipt, or what is new of one, as one that is yet to be cleaned."""
    table, answer = schema.receipts, json.dumps(receipt.to_json())
    changed = table.update().where(table.c.id == receipt.id).values(answer=answer, clean=False)
    if not connection.execute(changed).rowcount:
        asked = sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0) + 1)
        number = connection.execute(asked).scalar_one()
        row = {"number": number, "id": receipt.id, "answer": answer, "clean": False}
        connection.execute(table.insert().values(**row))
        connection.execute(table.delete().where(table.c.number <= number - KEPT))
    connection.execute(schema.log.update().values(unclean=True))


def kept(connection: sa.Connection, id_: str) -> Receipt | None:
    """Return a receipt as things stand; None where there is none of that id."""
    table = schema.receipts
    row = connection.execute(sa.select(table).where(table.c.id == id_)).first()
    if row is None:
        return None
    receipt = dataclasses.replace(Receipt.from_json(json.loads(row.answer)), id=id_)
    return receipt if row.clean else dataclasses.replace(receipt, open=(*receipt.open, FILES))


def strike_off(connection: sa.Connection) -> None:
    """Note that the database's files are clean of all that was deleted before."""
    connection.execute(schema.receipts.update().values(clean=True))
    connection.execute(schema.log.update().values(unclean=False))
