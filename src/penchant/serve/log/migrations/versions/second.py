"""Receipts that can be asked for again, what is still to be cleaned, and whose folder it is."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Add the table of receipts, and a receipt for each user that is leaving."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("log", sa.Column("folder", sa.String(32)))
    op.add_column(
        "log", sa.Column("unclean", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "receipts",
        sa.Column("number", whole, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("clean", sa.Boolean, nullable=False),
    )
    op.add_column(
        "forgetting", sa.Column("position", whole, nullable=False, server_default=sa.text("0"))
    )
    _give_receipts(op.get_bind())


def _give_receipts(connection: sa.Connection) -> None:
    log, receipts, forgetting = (
        sa.Table(name, sa.MetaData(), autoload_with=connection)
        for name in ("log", "receipts", "forgetting")
    )
    leaving = connection.execute(sa.select(forgetting)).all()
    position = connection.execute(sa.select(log.c.position)).scalar()
    for number, row in enumerate(leaving, start=1):
        made = {"number": number, "id": secrets.token_hex(16), "answer": row.receipt}
        connection.execute(receipts.insert().values(**made, clean=False))
        changed = forgetting.update().where(forgetting.c.user_id == row.user_id)
        connection.execute(changed.values(receipt=made["id"], position=position))
    if leaving:
        connection.execute(log.update().values(unclean=True))
