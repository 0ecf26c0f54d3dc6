"""Folders and named sets, with the side tables that belong to them, as `Ratings`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from penchant.console import tell
from penchant.errors import SettingsError
from penchant.ratings import Ratings
from penchant.sources import side
from penchant.sources.cache import Kept, cache_folder, find_kept, keep
from penchant.sources.fetch import fetch
from penchant.sources.folder import Files, find_files, read_side
from penchant.sources.named import NamedSet
from penchant.sources.reading import Reading, read_file


def read_folder(folder: Path, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of a folder with their side tables, and what was guessed."""
    return _read(find_files(folder), reading)


def read_named(
    named: NamedSet,
    reading: Reading,
    cache: str | os.PathLike[str] | None = None,
    *,
    quiet: bool = False,
) -> tuple[Ratings, str]:
    """Return a named set, from the cache if it is there, and a line that says where it is from."""
    if reading.columns or reading.separator is not None or reading.header is not None:
        raise SettingsError(
            f"The layout of {named.name} is known: columns=, separator= and header= are for files."
        )
    kept = _kept(named, cache_folder(cache) / named.name, quiet)
    paths = [next((n for n in kept.names if n.endswith(end)), None) for end in (".user", ".item")]
    side_files = [kept.folder / name if name else None for name in paths]
    known = dataclasses.replace(reading, separator="\t", header=False)
    if known.scale is None:
        known = dataclasses.replace(known, scale=named.scale)
    ratings, _ = _read(Files(kept.folder / _ratings(named), *side_files), known)
    ratings = dataclasses.replace(ratings, name=named.name)
    return ratings, f"{named.name}: from {kept.origin}; checksum verified; scale {ratings.scale}."


def _ratings(named: NamedSet) -> str:
    return next(iter(named.members))


def _kept(named: NamedSet, folder: Path, quiet: bool) -> Kept:
    found = find_kept(folder, _ratings(named), named.ratings_sha256)
    if isinstance(found, Kept):
        return found
    if found is not None and not quiet:
        tell(f"The copy of {named.name} in {folder} is damaged ({found}). Fetching it again.")
    return keep(folder, *fetch(named, quiet=quiet))


def _read(files: Files, reading: Reading) -> tuple[Ratings, str]:
    ratings, told = read_file(files.ratings, reading)
    tables: dict[side.What, Path | None] = {"user": files.users, "item": files.items}
    for what, path in tables.items():
        if path is not None:
            table, key = read_side(path, what)
            table = side.with_key(table, key, ratings, what)
            ratings = side.attach(ratings, what, table, key, path.name)
    return ratings, told
