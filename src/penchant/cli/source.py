"""What a person gives as ratings or as a saved recommender, and what it turns out to be."""

from __future__ import annotations

import glob
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from penchant.errors import BundleError, SettingsError, SourceError
from penchant.urls import URL


class Source:
    """A source of ratings as it was given: a named set, a path, a pattern or a URL.

    Shown, a URL lacks its password; `reveal` returns it whole.

    >>> source = Source("postgresql://ann:hunter2@db/shop")
    >>> f"{source}", source.stem, source.public
    ('postgresql://db/shop', 'shop', 'a database')
    >>> Source("in/plain.*").stem, Source("parts/*.csv").stem, Source("ml-100k").stem
    ('plain', 'parts', 'ml-100k')
    """

    def __init__(self, given: str) -> None:
        self._given: str | URL = URL(given) if "://" in given else given

    def __str__(self) -> str:
        return str(self._given)

    def __repr__(self) -> str:
        return repr(self._given)

    def reveal(self) -> str:
        """Return what was given, for who reads it."""
        return self._given.reveal() if isinstance(self._given, URL) else self._given

    @cached_property
    def stem(self) -> str:
        """What files that are made of it are called."""
        if isinstance(self._given, URL):
            return self._given.name
        path = Path(self._given).expanduser()
        if path.exists():
            return path.resolve().name.split(".")[0] or "ratings"
        if not glob.has_magic(self._given):
            return path.name or "ratings"
        fixed = _fixed(path.name.split(".")[0]).strip("-_ ")
        folders = (part for part in reversed(path.parts[:-1]) if not glob.has_magic(part))
        return fixed or next(folders, "").strip(os.sep) or "ratings"

    @property
    def public(self) -> str:
        """What a bundle may say of it: no folder, no address."""
        from penchant.model.provenance import DATABASE

        if isinstance(self._given, URL):
            return DATABASE
        return Path(self._given).name[:200] or "ratings"

    def require_ratings(self) -> None:
        """Raise `SourceError` where it is a saved recommender."""
        from penchant.data.saved import is_of_bundle

        path = None if isinstance(self._given, URL) else Path(self._given).expanduser()
        if path is not None and is_of_bundle(path):
            raise SourceError(
                f"{self} is a saved recommender, and no source of ratings. Give the ratings that "
                f"it was trained on, or others. What it is tells: penchant report {self}"
            )


def _fixed(name: str) -> str:
    """Return what stands in a name before the first sign of a pattern."""
    return name[: next((at for at, c in enumerate(name) if c in "*?["), len(name))]


def open_model(bundle: str) -> Any:
    """Open a saved recommender.

    Raises `BundleError` where it is none, in the words of the command line.
    """
    from penchant.recommender.opening import open

    require_bundle(bundle)
    return open(bundle)


def require_bundle(bundle: str) -> None:
    """Raise `BundleError` unless a saved recommender stands there."""
    if _is_bundle(bundle):
        return
    what = Source(bundle)
    if "://" in bundle:
        raise BundleError(
            f"{what} is no saved recommender: that is a folder, made by penchant fit."
        )
    if not os.path.lexists(bundle):
        raise BundleError(
            f"There is no saved recommender {what}. Check the path, or make it: penchant fit "
            f"SOURCE --out {what}"
        )
    kind = "a folder without card.json" if os.path.isdir(bundle) else "a file"
    raise BundleError(
        f"{what} is no saved recommender, but {kind}. If it holds ratings, make one of them: "
        f"penchant fit {what}"
    )


def _is_bundle(path: str) -> bool:
    from penchant.atomic import present

    return (present(Path(path).expanduser()) / "card.json").is_file()


def require_place(target: Path, option: str = "--out") -> None:
    """Say before the work, not after it, that a file or folder can't be put there.

    Raises `SettingsError`.
    """
    if not target.parent.is_dir():
        raise SettingsError(f"{option}: there is no folder {target.parent}. Make it first.")
    if not os.access(target.parent, os.W_OK):
        raise SettingsError(
            f"{option}: {target.parent} can't be written to. Choose another folder."
        )
