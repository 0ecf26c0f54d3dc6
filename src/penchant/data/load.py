"""Named sets, files, folders, frames and synthetic tables, all turned into `Ratings`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penchant.console import tell
from penchant.data import database, frames, side_tables
from penchant.data.columns.unrated import Unrated
from penchant.data.fetch.archive import edition, is_archive, unpacked
from penchant.data.fetch.datasets import NAMED_SETS
from penchant.data.files import parts
from penchant.data.files.text import typed
from penchant.data.from_store import read_store
from penchant.data.read import Reading, read_file, read_frame, read_parts, read_side
from penchant.data.saved import refuse_bundle
from penchant.data.sets import read_folder, read_named
from penchant.errors import SettingsError, SourceError
from penchant.ratings import Duplicates, Ratings, Scale
from penchant.store import is_store
from penchant.urls import URL


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
    unrated: Unrated = None,
    encoding: str | None = None,
    query: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Ratings:
    """Read ratings from a named set, a file, a folder or a data frame.

    What isn't given is guessed, told in one line on standard error, and kept in
    `Ratings.notices`.

    Args:
        source: the name of a set ("ml-100k"); the path of a text file (CSV, tabs, ``::`` …, also
            ``.gz``) or of a Parquet file; a folder with MovieLens' files or RecBole's, also as a
            ``.zip`` archive, or one that `penchant blocks` wrote, of which the training ratings
            are read; or a pandas, Polars or Arrow frame.
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
        unrated: what means "no rating" and is left out: a number such as 0, -1 or 99, several,
            or "empty"; "nothing" if all are ratings. Where some look so and it isn't given, that
            is an error.
        encoding: how the letters of a text file are written: "utf-8", "cp1252", "cp949" …
        query: what to select from a database.
        cache: the folder for downloaded sets; else the environment variable ``PENCHANT_CACHE``,
            else the user's cache folder.
        quiet: tell nothing on standard error, not even a set's terms of use; the notices are
            kept all the same.

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
    >>> ratings.notices[0]
    "the frame: user = 'userId', item = 'movieId', rating = 'stars'; scale 2.5 to 5."
    """
    reading = Reading(columns, separator, header, scale, duplicates, timestamps, unrated, encoding)
    if frames.is_frame(source):
        ratings, told = read_frame(source, reading)
    elif isinstance(source, str) and database.is_url(source):
        ratings, told = database.read_database(source, query, reading)
    elif isinstance(source, str) and "://" in source:
        raise SourceError(
            f"{URL(source)} is no database that can be read: those are sqlite:///file.db and "
            f"postgresql://host/name. A file on the web is to be downloaded first."
        )
    elif query is not None:
        raise SettingsError("query= is for databases: load('sqlite:///file.db', query='select …').")
    elif isinstance(source, (str, os.PathLike)):
        ratings, told = _read_path(source, reading, cache, quiet)
    else:
        raise SettingsError(
            f"A source is the name of a set, a path or a data frame (pandas, Polars, Arrow), not "
            f"{type(source).__name__}."
        )
    ratings = dataclasses.replace(ratings, notices=(told, *ratings.notices, *_lonely(ratings)))
    ratings = attach_side(attach_side(ratings, "user", users, reading), "item", items, reading)
    if not quiet:
        for notice in ratings.notices:
            tell(notice)
    return ratings


def _read_path(
    source: str | os.PathLike[str],
    reading: Reading,
    cache: str | os.PathLike[str] | None,
    quiet: bool,
) -> tuple[Ratings, str]:
    if source in NAMED_SETS:
        return read_named(NAMED_SETS[str(source)], reading, cache, quiet=quiet)
    if parts.is_pattern(str(source)):
        return read_parts(parts.matching(str(source)), reading)
    path = Path(os.path.expanduser(source))
    try:
        there = path.exists()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None
    if not there:
        raise SourceError(
            f"There is no file or folder {str(path)!r}, and no set of that name; the sets are: "
            f"{', '.join(NAMED_SETS)}."
        )
    if not is_archive(path) or path.is_dir():
        return _read_place(path, reading)
    with unpacked(path) as place:
        ratings, told = _read_place(place, reading)
    return ratings, told + edition(path)


def _read_place(path: Path, reading: Reading) -> tuple[Ratings, str]:
    refuse_bundle(path)
    if path.is_dir() and is_store(path):
        return read_store(path, reading)
    return read_folder(path, reading) if path.is_dir() else read_file(path, reading)


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


def attach_side(ratings: Ratings, what: side_tables.What, source: Any, reading: Reading) -> Ratings:
    """Return the ratings with a side table that is given as a frame or a path, or as they are."""
    if source is None:
        return ratings
    table, where = read_side(source)
    key = side_tables.find_key(table, what, (reading.columns or {}).get(what))
    if not frames.is_frame(source):
        table = side_tables.with_key(typed(table, key), key, ratings, what)
    told = (
        f"{where}: {what}s by {key!r}, with {', '.join(n for n in table.column_names if n != key)}."
    )
    ratings = dataclasses.replace(ratings, notices=(*ratings.notices, told))
    return side_tables.attach(ratings, what, table, key, where)
