"""Folders and named sets, with the side tables that belong to them, as `Ratings`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from penchant.console import tell
from penchant.data import side_tables
from penchant.data.fetch.cache import Kept, cache_folder, find_kept
from penchant.data.fetch.datasets import NamedSet
from penchant.data.fetch.fetch import fetch
from penchant.data.files.parts import find_parts
from penchant.data.folder import Files, find_files, read_side
from penchant.data.read import Reading, read_file, read_parts
from penchant.errors import SettingsError, SourceError
from penchant.ratings import Ratings


def read_folder(folder: Path, reading: Reading) -> tuple[Ratings, str]:
    """Return the ratings of a folder with their side tables, and what was guessed."""
    files = find_files(folder)
    if files is None:
        return read_parts(find_parts(folder), reading)
    return _read(files, reading)


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
    known = dataclasses.replace(reading, separator=named.separator, header=named.header)
    if known.scale is None:
        known = dataclasses.replace(known, scale=named.scale)
    files = find_files(kept.folder)
    if files is None:
        raise SourceError(f"The copy of {named.name} in {kept.folder} lacks a file. Remove it.")
    ratings, _ = _read(files._replace(ratings=kept.folder / named.ratings), known)
    ratings = dataclasses.replace(ratings, name=named.name)
    checked = "checksum verified"
    if named.md5 is None:
        checked = f"this set changes with time, so no checksum is published; MD5 {kept.md5}"
    return ratings, f"{named.name}: from {kept.origin}; {checked}; scale {ratings.scale}."


def _kept(named: NamedSet, folder: Path, quiet: bool) -> Kept:
    found = find_kept(folder, named.ratings, ratings_sha256=named.ratings_sha256, md5=named.md5)
    if isinstance(found, Kept):
        return found
    if found is not None and not quiet:
        tell(f"The copy of {named.name} in {folder} is damaged ({found}). Fetching it again.")
    return fetch(named, folder, quiet=quiet)


def _read(files: Files, reading: Reading) -> tuple[Ratings, str]:
    ratings, told = read_file(files.ratings, reading)
    tables: dict[side_tables.What, Path | None] = {"user": files.users, "item": files.items}
    for what, path in tables.items():
        if path is not None:
            table, key = read_side(path, what, files.tags)
            table = side_tables.with_key(table, key, ratings, what)
            ratings = side_tables.attach(ratings, what, table, key, path.name)
    return ratings, told
