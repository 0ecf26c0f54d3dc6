"""The tables of a log, as queries see them; `migrations` makes them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits in both: SQLite's INTEGER, which alone may be a key that is the row's own number."""

log = sa.Table(
    "log",  # one row: whoever writes locks it first, so positions have no gaps and come in order
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("identity", sa.String(32), nullable=False),
    sa.Column("position", whole, nullable=False),  # of the last event
    sa.Column("epoch", whole, nullable=False),  # grows when all are to load their model again
    sa.Column("active", sa.Text),
    sa.Column("n_keys", whole, nullable=False),  # how many keys there were ever
    sa.Column("n_models", whole, nullable=False),  # how many models there were ever
    sa.Column("folder", sa.String(32)),  # which folder holds the models; null until one does
    sa.Column("unclean", sa.Boolean, nullable=False),  # what was deleted stands in the files still
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("position", whole, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text, nullable=False),  # JSON, so that 5 is not "5"
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("value", sa.Double),  # null: the rating was taken out
    sa.Column("seconds", whole),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("number", whole, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("body", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", whole, nullable=False),
    sa.Column("position", whole, nullable=False),
    sa.Column("digest", sa.String(64)),  # of its card; null while it is being written
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),  # its folder, for newer ones
)

receipts = sa.Table(
    "receipts",  # of users who were forgotten, without their ids
    metadata,
    sa.Column("number", whole, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("clean", sa.Boolean, nullable=False),  # whether the database's files are
)

forgetting = sa.Table(
    "forgetting",  # users whose ratings have left the log, and not yet all bundles
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("receipt", sa.Text, nullable=False),  # its id
    sa.Column("position", whole, nullable=False),  # of the log then: a later bundle never held them
)
