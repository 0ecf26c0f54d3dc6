"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make all tables, and the one row of `log`."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("identity", sa.String(32), nullable=False),
        sa.Column("position", whole, nullable=False),
        sa.Column("epoch", whole, nullable=False),
        sa.Column("active", sa.Text),
        sa.Column("n_keys", whole, nullable=False),
        sa.Column("n_models", whole, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("position", whole, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("seconds", whole),
    )
    op.create_index("events_by_pair", "events", ["user_id", "item_id", "position"])
    op.create_table(
        "keys",
        sa.Column("number", whole, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_table(
        "models",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", whole, nullable=False),
        sa.Column("position", whole, nullable=False),
        sa.Column("digest", sa.String(64)),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
    )
    op.create_table(
        "forgetting",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("receipt", sa.Text, nullable=False),
    )
