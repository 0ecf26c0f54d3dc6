"""Saved recommenders where ratings are expected: their tables hold rows, and no ids."""

from __future__ import annotations

from pathlib import Path

from penchant.errors import SourceError

_CARD = "card.json"
_TABLES = ("ratings.parquet", "users.arrow", "items.arrow")


def is_of_bundle(path: Path) -> bool:
    """Return whether a path is a bundle, or one of the tables in one."""
    folder = path.parent if path.name in (_CARD, *_TABLES) else path
    return (folder / _CARD).is_file() and (folder / _TABLES[-1]).is_file()


def refuse_bundle(path: Path) -> None:
    """Raise `SourceError` for a bundle, and for a table of one."""
    if is_of_bundle(path):
        raise SourceError(
            f"{path} is a saved recommender, or a part of one, and no source of ratings: its table "
            f"holds rows of the model and no ids. Give the ratings that it was trained on, or "
            f"penchant.open the recommender to use it."
        )
