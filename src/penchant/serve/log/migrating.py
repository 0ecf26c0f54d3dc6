"""Bringing a log's tables to this version."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError

from penchant.errors import UnavailableError
from penchant.serve.log import schema

_one = threading.Lock()  # Alembic's `op` is one for the whole process


def migrate(connection: sa.Connection) -> None:
    """Run the steps that a log has not seen, in the transaction of a connection that writes.

    Raises `UnavailableError` where a newer version made the log.
    """
    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    try:
        steps = list(scripts.iterate_revisions("head", current or "base"))
    except RevisionError:
        raise UnavailableError(
            f"A newer Penchant made this log (its tables are of version {current!r}). Upgrade: "
            f"pip install --upgrade penchant."
        ) from None
    with _one, Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
            context.stamp(scripts, step.revision)
    if connection.execute(sa.select(schema.log.c.id)).first() is None:
        row = {"id": 1, "position": 0, "epoch": 0, "n_keys": 0, "n_models": 0}
        row["unclean"] = False
        connection.execute(schema.log.insert().values(identity=secrets.token_hex(16), **row))
