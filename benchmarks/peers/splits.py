"""The splits that all run on, as files that need nothing but NumPy to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import penchant as pc
from penchant.features import SideEncoder
from penchant.ratings import Ratings

Rows = npt.NDArray[np.int64]

FOLDS = 5


def rows_of(name: str) -> tuple[Rows, Rows]:
    """Return which rows train and which test.

    "S1" is the split of `train_test_split(test_size=0.2, random_state=2021)`; "choice" is 90 % and
    10 % of its training rows; "fold1" … "fold5" are random folds over all rows.
    """
    n = 100_000
    order = np.random.RandomState(2021).permutation(n)
    train, test = order[20_000:], order[:20_000]
    if name == "S1":
        return train, test
    if name == "choice":
        shuffled = np.random.default_rng(77).permutation(train)
        return shuffled[8000:], shuffled[:8000]
    parts = np.array_split(np.random.default_rng(7).permutation(n), FOLDS)
    held = int(name.removeprefix("fold")) - 1
    return np.concatenate([p for k, p in enumerate(parts) if k != held]), parts[held]


def write(name: str, folder: Path) -> Path:
    """Write a split; return its file."""
    ratings = pc.load("ml-100k", quiet=True)
    arrays: dict[str, Any] = {}
    for part, rows in zip(("train", "test"), rows_of(name), strict=True):
        arrays |= {f"{part}_{key}": column for key, column in columns(ratings.take(rows)).items()}
        arrays[f"{part}_rows"] = rows
    for side, ids in (("user", ratings.user_ids), ("item", ratings.item_ids)):
        table = getattr(ratings, f"{side}_table")
        encoded = SideEncoder.learn(table).encode(table, ids.size).toarray()
        by_id = np.zeros_like(encoded)  # the ids are 1, 2, 3 …; the rows are not in that order
        by_id[ids.array.to_numpy()] = encoded[1:]
        arrays[f"{side}_side"] = (by_id > 0).astype(np.float64)
    file = folder / f"{name}.npz"
    np.savez(file, **arrays)
    return file


def columns(ratings: Ratings) -> dict[str, npt.NDArray[Any]]:
    assert ratings.timestamps is not None
    return {
        "users": np.asarray(ratings.users),
        "items": np.asarray(ratings.items),
        "values": ratings.values.astype(np.float64),
        "days": ratings.timestamps // 86_400,
    }
