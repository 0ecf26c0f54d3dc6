"""A block store, read into memory as one table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from penchant.data.columns.building import Reading
from penchant.errors import SettingsError
from penchant.ratings import Ratings
from penchant.store import BlockStore


def read_store(folder: Path, reading: Reading) -> tuple[Ratings, str]:
    """Return the training ratings of a block store, by user and item, and a line on what it is.

    Raises:
        SettingsError: something is said of how to read it, which was settled when it was written.
        SourceError: the store isn't finished, or is damaged.
    """
    settled = ("columns", "separator", "header", "scale", "unrated", "encoding")
    for name in settled:
        if getattr(reading, name) is not None:
            raise SettingsError(
                f"{folder} is a block store: {name}= was settled when it was written. Leave it "
                f"out, or write the blocks again."
            )
    store = BlockStore.open(folder)
    ratings = store.ratings()
    if not reading.timestamps:
        ratings = dataclasses.replace(ratings, timestamps=None)
    aside = f"; the {store.n_test:,} held-out ratings stay aside" if store.n_test else ""
    told = (
        f"{folder.name}: a block store, {store.n_ratings:,} ratings in "
        f"{len(store.user_spans):,} blocks{aside}; scale {store.scale}."
    )
    return ratings, told
