"""What a bundle holds, the names of its files, and how large anything in it may be."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.arrays import F32, Rows
from penchant.ids import IdMap

FORMAT = 2

CARD = "card.json"
WEIGHTS = "weights.safetensors"
POSTERIOR = "posterior.safetensors"
USERS = "users.arrow"
ITEMS = "items.arrow"
RATINGS = "ratings.parquet"

REQUIRED = (WEIGHTS, USERS, ITEMS)
FILES = (*REQUIRED, POSTERIOR, RATINGS)
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What file managers leave in any folder; it is never read."""

MAX_BYTES = 32 * 2**30
"""The largest bundle that is read unless the caller allows more."""
MAX_CARD_BYTES = 16 * 2**20
MAX_CARD_DEPTH = 32
MAX_ARRAYS = 1024
MAX_DIMENSIONS = 8
MAX_HEADER_BYTES = 2**20
MAX_NAME = 256
MAX_COLUMNS = 1024
MAX_FOOTER_BYTES = 16 * 2**20

Arrays = dict[str, npt.NDArray[Any]]


class Unfit(Exception):  # noqa: N818 - never leaves the package: reader and writer tell it
    """What was read or is to be written breaks a rule of the format."""


class Columns(NamedTuple):
    """The ratings, by row.

    Attributes:
        user_rows: (n,) int32, 1 … M-1.
        item_rows: (n,) int32, 1 … N-1.
        values: (n,) float32, finite.
        timestamps: (n,) int64, seconds since 1970, or None.
    """

    user_rows: Rows
    item_rows: Rows
    values: F32
    timestamps: npt.NDArray[np.int64] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Contents:
    """What is written into a bundle.

    Attributes:
        kind: the kind of recommender; the caller checks it against its closed list.
        card: JSON-able entries of the caller's own, under any names but the format's
            (`format`, `sha256`, `kind`, `written_by`, `files`).
        weights: named arrays of float16, float32, float64, int32, int64 or uint8, finite.
            One named ``user_…`` has M rows, one named ``item_…`` has N.
        users: the map of the M-1 user ids.
        items: the map of the N-1 item ids.
        user_table: side columns, M rows, or None.
        item_table: side columns, N rows, or None.
        ratings: the ratings, or None.
        posterior: further named arrays, or None.
    """

    kind: str
    card: dict[str, Any]
    weights: Arrays
    users: IdMap
    items: IdMap
    user_table: pa.Table | None = None
    item_table: pa.Table | None = None
    ratings: Columns | None = None
    posterior: Arrays | None = None
