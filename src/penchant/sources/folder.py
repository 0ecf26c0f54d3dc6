"""Folders that hold ratings with their side tables: MovieLens 100K's files, or RecBole's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from penchant.errors import DataError, SourceError
from penchant.sources.columns import plain
from penchant.sources.layout import guess_layout
from penchant.sources.text import read_columns, typed

_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_USER = ("age", "sex", "occupation", "zip_code")
_YEAR = r"\((?P<year>\d{4})\)[^()]*(?:\(V\))?\s*$"
_NO_YEAR = "unkonwn"  # as it is misspelt in RecBole's copy, where title and year are missing


class Files(NamedTuple):
    """The files of a folder: the ratings, and the side tables where there are any."""

    ratings: Path
    users: Path | None
    items: Path | None


def find_files(folder: Path) -> Files:
    """Say which files of a folder hold ratings, users and items.

    Raises `SourceError` where there are no ratings, or more than one file of them.
    """
    movielens = folder / "u.data"
    if movielens.is_file():
        return Files(movielens, _if_there(folder / "u.user"), _if_there(folder / "u.item"))
    recbole = sorted(folder.glob("*.inter"))
    if len(recbole) == 1:
        side = [_if_there(recbole[0].with_suffix(ending)) for ending in (".user", ".item")]
        return Files(recbole[0], *side)
    found = f"it holds {len(recbole)} .inter files" if recbole else "it holds neither"
    raise SourceError(
        f"The folder {folder} is expected to hold u.data (MovieLens 100K's) or one .inter file "
        f"(RecBole's), but {found}. For another layout, give the file of the ratings itself, "
        f"and the side tables as users= and items=."
    )


def read_side(path: Path, what: Literal["user", "item"]) -> tuple[pa.Table, str]:
    """Return a side table of such a folder, and the name of its id column.

    MovieLens 100K's, in either of its forms, get the same columns: age, sex, occupation and
    zip_code; title (with the year in brackets), year and genres.
    """
    if path.name in ("u.user", "u.item"):
        table = _read(path, "|", header=False)
        table = _movielens_users(table, path) if what == "user" else _movielens_items(table, path)
    else:
        table = _read(path, "\t", header=True)
        names = [plain(name) for name in table.column_names]
        if names == ["userid", "age", "gender", "occupation", "zipcode"]:
            table = _movielens_users(table, path)
        elif names == ["itemid", "movietitle", "releaseyear", "class"]:
            table = _recbole_films(table)
        else:
            table = _recbole(table)
    return table, table.column_names[0]


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read(path: Path, separator: str, *, header: bool) -> pa.Table:
    layout = dataclasses.replace(guess_layout(path, separator, header), quoted=False)
    return read_columns(layout)[0]


def _movielens_users(table: pa.Table, path: Path) -> pa.Table:
    _require_width(table, 5, path)
    named = table.rename_columns(["user_id", *_USER])
    try:
        ages = named["age"].cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: an age is no whole number: {error}.") from None
    return named.set_column(1, "age", ages)


def _movielens_items(table: pa.Table, path: Path) -> pa.Table:
    """Read u.item: id, title, two dates, an address, and a flag for each of 19 genres."""
    _require_width(table, 5 + len(_GENRES), path)
    flags = [pc.equal(table.column(5 + at), "1").combine_chunks() for at in range(len(_GENRES))]
    empty = pa.nulls(len(table), pa.string())
    marked = [pc.if_else(flag, name, empty) for flag, name in zip(flags, _GENRES, strict=True)]
    joined = pc.binary_join_element_wise(*marked, "|", null_handling="skip")
    return _films(table.column(0), table.column(1), joined, "|")


def _recbole_films(table: pa.Table) -> pa.Table:
    """Read RecBole's copy of u.item, which has cut the year off the title."""
    ids, names, years, genres = table.columns
    whole = pc.binary_join_element_wise(
        names, pc.binary_join_element_wise("(", years, ")", ""), " "
    )
    titles = pc.if_else(pc.equal(years, _NO_YEAR), "unknown", whole)
    return _films(ids, titles, genres, " ")


def _films(ids: pa.ChunkedArray, titles: pa.ChunkedArray, genres: pa.Array, mark: str) -> pa.Table:
    years = pc.struct_field(pc.extract_regex(titles, _YEAR), "year")
    columns = {
        "item_id": ids,
        "title": titles,
        "year": years.cast(pa.int64()),
        "genres": pc.split_pattern(genres, mark),
    }
    return pa.table(columns)


def _recbole(table: pa.Table) -> pa.Table:
    """Give the columns of a RecBole table the types that its header states."""
    names = [name.partition(":")[0] for name in table.column_names]
    kinds = [name.partition(":")[2] for name in table.column_names]
    inferred = typed(table.rename_columns(names), names[0])
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind in ("token_seq", "float_seq"):
            parts = pc.split_pattern(table.column(at), " ")
            parts = parts.cast(pa.list_(pa.float64())) if kind == "float_seq" else parts
            inferred = inferred.set_column(at, name, parts)
    return inferred


def _require_width(table: pa.Table, width: int, path: Path) -> None:
    if table.num_columns != width:
        raise DataError(
            f"{path} has {table.num_columns} columns instead of {width}: it is not the file that "
            f"GroupLens publishes. Give your own side table as users= or items=."
        )
