"""Which models the log knows: their names, and how much of the log each holds."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import sqlalchemy as sa

from penchant.serve.log import schema


class Row(NamedTuple):
    """What the log knows of a model.

    Attributes:
        name: of its folder.
        number: models are numbered as they come.
        position: how much of the log it holds.
        digest: of its card; None while it is being written.
        created: when it came, UTC.
        gone: whether newer models took its place on the disk.
    """

    name: str
    number: int
    position: int
    digest: str | None
    created: str
    gone: bool


def rows(connection: sa.Connection) -> list[Row]:
    """Return all models, the newest first."""
    table = schema.models
    asked = sa.select(
        table.c.name,
        table.c.number,
        table.c.position,
        table.c.digest,
        table.c.created,
        table.c.gone,
    ).order_by(table.c.number.desc())
    return [Row(*row) for row in connection.execute(asked)]


def add(
    connection: sa.Connection, name: str | None, position: int, digest: str | None = None
) -> str:
    """Add a model, under its number where it has no name; return the name."""
    counted = schema.log.update().values(n_models=schema.log.c.n_models + 1)
    number = connection.execute(counted.returning(schema.log.c.n_models)).scalar_one()
    name = name or f"{number:04d}"
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    row = Row(name, number, position, digest, when, False)
    connection.execute(schema.models.insert().values(**row._asdict()))
    return name


def change(connection: sa.Connection, name: str, **changes: object) -> None:
    """Change what is known of a model."""
    table = schema.models
    connection.execute(table.update().where(table.c.name == name).values(**changes))


def drop(connection: sa.Connection, name: str) -> None:
    """Take a model out."""
    connection.execute(schema.models.delete().where(schema.models.c.name == name))


def activate(connection: sa.Connection, name: str, *, reload: bool) -> None:
    """Say which model answers; `reload` tells every worker to load it."""
    epoch = schema.log.c.epoch + int(reload)
    connection.execute(schema.log.update().values(active=name, epoch=epoch))
