"""Named sets, files, folders, frames and synthetic tables, all turned into `Ratings`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from penchant.console import tell
from penchant.errors import SettingsError, SourceError
from penchant.ids import IdMap
from penchant.ratings import Duplicates, Ratings, Scale
from penchant.sources import frames, side
from penchant.sources.columns import NAMES, plain
from penchant.sources.reading import Reading, read_file, read_frame, read_side
from penchant.sources.text import typed


def load(
    source: Any,
    *,
    users: Any = None,
    items: Any = None,
    columns: Mapping[str, str | int | None] | None = None,
    separator: str | None = None,
    header: bool | None = None,
    scale: Scale | tuple[float, float] | None = None,
    duplicates: Duplicates = "last",
    timestamps: bool = True,
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Ratings:
    """Read ratings from a named set, a file, a folder or a data frame.

    What isn't given is guessed, told in one line on standard error, and kept in
    `Ratings.notices`.

    Args:
        source: the name of a set ("ml-100k"); the path of a text file (CSV, tabs, ``::`` …, also
            ``.gz``) or of a Parquet file; a folder with MovieLens 100K's files or RecBole's; or a
            pandas, Polars or Arrow frame.
        users: a side table of users (age, occupation …), a frame or a path, with an id column:
            the one that is named as the ids are, else the first. Ids that have no ratings
            become known, cold users.
        items: the same of items (title, genres …).
        columns: which column is what, by name or by place from 0:
            ``{"user": …, "item": …, "rating": …, "timestamp": …}``; what isn't named is guessed.
        separator: what stands between two fields of a text file.
        header: whether the first line of a text file names the columns.
        scale: the lowest and highest rating allowed; the lowest and highest found if None.
        duplicates: what a repeated pair of user and item means: "last" keeps the newest, "mean"
            the mean, "error" refuses.
        timestamps: whether to read the times of the ratings, where there are any.
        cache: the folder for downloaded sets; else the environment variable ``PENCHANT_CACHE``,
            else the user's cache folder.
        quiet: tell nothing on standard error; the notices are kept all the same.

    Raises:
        SourceError: the file, folder, set or host cannot be read.
        DataError: what was read cannot be used as ratings; the message names the line.
        SettingsError: an argument makes no sense.

    >>> import pyarrow as pa
    >>> frame = pa.table({"userId": [1, 1, 2], "movieId": ["a", "b", "a"], "stars": [4, 2.5, 5]})
    >>> films = pa.table({"movieId": ["b", "a"], "title": ["Brazil", "Alien"]})
    >>> ratings = load(frame, items=films, quiet=True)
    >>> ratings
    Ratings(3 ratings, 2 users, 2 items, scale 2.5 to 5, mean 3.8333)
    >>> ratings.item_table["title"].to_pylist()
    [None, 'Alien', 'Brazil']
    >>> ratings.notices
    ("the frame: user = 'userId', item = 'movieId', rating = 'stars'; scale 2.5 to 5.",)
    """
    reading = Reading(columns, separator, header, scale, duplicates, timestamps)
    if frames.is_frame(source):
        ratings, told = read_frame(source, reading)
    elif isinstance(source, (str, os.PathLike)):
        ratings, told = _read_path(Path(source), reading)
    else:
        raise SettingsError(
            f"A source is the name of a set, a path or a data frame, not {source!r}."
        )
    ratings = dataclasses.replace(ratings, notices=(told, *ratings.notices, *_lonely(ratings)))
    ratings = _with_side(_with_side(ratings, "user", users, reading), "item", items, reading)
    if not quiet:
        for notice in ratings.notices:
            tell(notice)
    return ratings


def _read_path(path: Path, reading: Reading) -> tuple[Ratings, str]:
    if path.is_file():
        return read_file(path, reading)
    raise SourceError(f"There is no file, folder or set {str(path)!r}.")


def _lonely(ratings: Ratings) -> list[str]:
    """Say where all ratings are by one user or of one item: it goes on, but little is learnt."""
    told = []
    for ids, of in ((ratings.user_ids, "by"), (ratings.item_ids, "of")):
        if len(ids) == 1:
            told.append(
                f"All {len(ratings):,} ratings are {of} one {ids.what}, {ids.ids([1])[0]!r}: "
                f"nothing can be learnt about how {ids.what}s differ."
            )
    return told


def _with_side(ratings: Ratings, what: str, source: Any, reading: Reading) -> Ratings:
    """Return the ratings with a side table, aligned to their rows."""
    if source is None:
        return ratings
    table, where = read_side(source, reading)
    ids = ratings.user_ids if what == "user" else ratings.item_ids
    key = _key(table, what, reading)
    if not frames.is_frame(source):
        table = _typed(table, key, ids)
    return attach(ratings, what, table, key, where)


def attach(ratings: Ratings, what: str, table: pa.Table, key: str, where: str) -> Ratings:
    """Return the ratings with a side table; `key` is the name of its id column."""
    aligned = side.align(
        table, key, ratings.user_ids if what == "user" else ratings.item_ids, where
    )
    notices = ratings.notices
    if aligned.new:
        notices += (
            f"{aligned.new:,} {what}s of {where} have no ratings: they are known but cold.",
        )
    fields = {f"{what}_ids": aligned.ids, f"{what}_table": aligned.table, "notices": notices}
    return dataclasses.replace(ratings, **fields)


def _key(table: pa.Table, what: str, reading: Reading) -> str:
    """Return the name of the id column: named as in the ratings, or as ids are, or the first."""
    asked = (reading.columns or {}).get(what)
    if isinstance(asked, str) and asked in table.column_names:
        return asked
    names = {plain(name): name for name in reversed(table.column_names)}
    ids = [name for name in NAMES[what] if name in names and name.endswith(("id", "asin"))]
    return str(names[ids[0]] if ids else table.column_names[0])


def _typed(table: pa.Table, key: str, ids: IdMap) -> pa.Table:
    """Give the text columns of a file their types; ids are text where those of the ratings are."""
    rest = typed(table)
    return (
        rest.set_column(rest.column_names.index(key), key, table[key])
        if ids.kind == "str"
        else rest
    )
