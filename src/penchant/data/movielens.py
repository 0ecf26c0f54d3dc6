"""The side tables of MovieLens' archives: films with year and genres, users, and tags."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from penchant.data.files.layout import guess_layout
from penchant.data.files.text import read_columns
from penchant.errors import DataError

USER = ("age", "sex", "occupation", "zip_code")
MOST_TAGS = 20
"""So many tags of a film are kept: those that most people gave it."""

_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_OCCUPATIONS = (
    "other", "educator", "artist", "clerical", "student", "customer service", "doctor",
    "executive", "farmer", "homemaker", "K-12 student", "lawyer", "programmer", "retired",
    "sales", "scientist", "self-employed", "technician", "tradesman", "unemployed", "writer",
)  # fmt: skip
_NO_GENRES = "(no genres listed)"
_YEAR = r"\((?P<year>\d{4})(?:[-–]\s*(?:\d{4})?)?\)[^()]*(?:\(V\))?\s*$"


def read_bare(path: Path, separator: str, *, header: bool = False) -> pa.Table:
    """Read a table whose fields stand in no quotes, all columns as text."""
    layout = dataclasses.replace(guess_layout(path, separator, header), quoted=False)
    return _texts(read_columns(layout)[0])


def read_users(table: pa.Table, path: Path) -> pa.Table:
    """Return 100K's users: age, sex, occupation and zip_code, by user_id."""
    require_width(table, 5, path)
    named = table.rename_columns(["user_id", *USER])
    return named.set_column(1, "age", _whole(named["age"], "an age", path))


def read_users_1m(path: Path) -> pa.Table:
    """Return 1M's users in 100K's columns; the age is the lowest of its band (1: under 18)."""
    table = read_bare(path, "::")
    require_width(table, 5, path)
    ids, sexes, ages, jobs, codes = table.columns
    places = _whole(jobs, "an occupation", path)
    if pc.any(pc.or_(pc.less(places, 0), pc.greater_equal(places, len(_OCCUPATIONS)))).as_py():
        raise DataError(
            f"{path}: an occupation is none of 0 to {len(_OCCUPATIONS) - 1}: it is not the file "
            f"that GroupLens publishes. Give your own side table as users=."
        )
    jobs = pc.take(pa.array(_OCCUPATIONS), places)
    columns = (ids, _whole(ages, "an age", path), sexes, jobs, codes)
    return pa.table(dict(zip(("user_id", *USER), columns, strict=True)))


def read_items_100k(path: Path) -> pa.Table:
    """Read u.item: id, title, two dates, an address, and a flag for each of 19 genres."""
    table = read_bare(path, "|")
    require_width(table, 5 + len(_GENRES), path)
    flags = [pc.equal(table.column(5 + at), "1").combine_chunks() for at in range(len(_GENRES))]
    empty = pa.nulls(len(table), pa.string())
    marked = [pc.if_else(flag, name, empty) for flag, name in zip(flags, _GENRES, strict=True)]
    joined = pc.binary_join_element_wise(*marked, "|", null_handling="skip")
    return films(table.column(0), table.column(1), joined, "|")


def read_items(path: Path, tags: Path | None) -> pa.Table:
    """Read movies.dat or movies.csv: id, title and genres; with the tags of each film, if any."""
    ids, titles, genres = _read(path, 3).columns
    none = pc.equal(pc.fill_null(genres, _NO_GENRES), _NO_GENRES)
    table = films(ids, titles, pc.if_else(none, None, genres), "|")
    return table if tags is None else _with_tags(table, tags)


def films(ids: pa.ChunkedArray, titles: pa.ChunkedArray, genres: pa.Array, mark: str) -> pa.Table:
    """Return item_id, title, the year that stands at the end of the title, and genres as lists."""
    years = pc.struct_field(pc.extract_regex(titles, _YEAR), "year")
    columns = {
        "item_id": ids,
        "title": titles,
        "year": years.cast(pa.int64()),
        "genres": pc.split_pattern(genres, mark),
    }
    return pa.table(columns)


def require_width(table: pa.Table, width: int, path: Path) -> None:
    """Raise `DataError` where a table has other columns than GroupLens' has."""
    if table.num_columns != width:
        raise DataError(
            f"{path} has {table.num_columns} columns instead of {width}: it is not the file that "
            f"GroupLens publishes. Give your own side table as users= or items=."
        )


def _read(path: Path, width: int) -> pa.Table:
    """Read a table in the form of 1M and 10M (::), or in that of all later ones (CSV)."""
    if path.suffix == ".dat":
        table = read_bare(path, "::")
    else:
        table = _texts(read_columns(guess_layout(path, ",", header=True))[0])
    require_width(table, width, path)
    return table


def _texts(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))


def _with_tags(table: pa.Table, path: Path) -> pa.Table:
    """Add the tags of each film, those that most people gave it first, in small letters."""
    given = _read(path, 4)
    tag = pc.utf8_lower(given.column(2))
    pairs = pa.table({"item_id": given.column(1), "tag": tag}).drop_null()
    counted = pairs.group_by(["item_id", "tag"]).aggregate([([], "count_all")])
    ranked = counted.sort_by([("count_all", "descending"), ("tag", "ascending")])
    lists = ranked.group_by("item_id", use_threads=False).aggregate([("tag", "list")])
    kept = pc.list_slice(lists["tag_list"], 0, MOST_TAGS)
    place = pc.index_in(table["item_id"], value_set=lists["item_id"].combine_chunks())
    return table.append_column("tags", kept.take(place))


def _whole(column: pa.ChunkedArray, what: str, path: Path) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: {what} is no whole number: {error}.") from None
