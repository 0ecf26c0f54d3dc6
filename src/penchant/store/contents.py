"""What a block store holds, the names of its files, and how large anything in it may be."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

FORMAT = "penchant blocks"
VERSION = 1

INDEX = "index.json"
UNFINISHED = ".unfinished"
"""The folder of what a writer keeps for itself until the index is there."""

IDS = {"user": "users.parquet", "item": "items.parquet"}
TABLES = {"user": "user_columns.parquet", "item": "item_columns.parquet"}

Kind = Literal["user", "item", "test"]
"""Blocks by user, the copy by item, and the held-out ratings by user."""

MAX_INDEX_BYTES = 256 * 2**20
MAX_DEPTH = 16
MAX_BLOCKS = 10_000_000
MAX_ROWS = 2**31 - 1
"""Rows are int32."""
MAX_FOOTER_BYTES = 64 * 2**20
MAX_RATINGS_PER_BYTE = 64
"""Two columns of differences take at least 6 bytes for 128 ratings, so no honest file has more."""

MAX_BYTES_PER_BYTE = 16
"""Ids and side columns are written plain: in memory they take little more than in the file."""

ROWS_IN_GROUP = 2**20

COLUMNS = {
    "user": ("user_row", "item_row"),
    "item": ("item_row", "user_row"),
    "test": ("user_row", "item_row"),
}


def name(kind: Kind, number: int) -> str:
    """Return the name of a block's file.

    >>> name("user", 7)
    'user-00007.parquet'
    """
    return f"{kind}-{number:05d}.parquet"


def schema(kind: Kind, *, timestamps: bool) -> pa.Schema:
    """Return the columns of a block."""
    first, second = COLUMNS[kind]
    columns = [(first, pa.int32()), (second, pa.int32()), ("rating", pa.float32())]
    columns += [("timestamp", pa.int64())] if timestamps else []
    return pa.schema([pa.field(name, of, nullable=False) for name, of in columns])
