"""Folders that hold ratings with their side tables: MovieLens', RecBole's, or by their name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from penchant.data import movielens
from penchant.data.columns.roles import plain
from penchant.data.files.text import typed
from penchant.errors import SourceError

_RATINGS = re.compile(
    r".*ratings?\.(csv|tsv|txt|dat|data|jsonl?|ndjson|parquet)(\.(gz|zst|bz2|xz))?", re.I
)
_NO_YEAR = "unkonwn"  # as it is misspelt in RecBole's copy, where title and year are missing


class Files(NamedTuple):
    """The files of a folder: the ratings, and the side tables where there are any."""

    ratings: Path
    users: Path | None
    items: Path | None
    tags: Path | None = None


def find_files(folder: Path) -> Files | None:
    """Say which files of a folder hold ratings, users and items; None where no name tells.

    Beside MovieLens' and RecBole's, that is a folder with one file called ratings; what its other
    files hold isn't known, so they are no side tables.

    Raises `SourceError` where there is more than one .inter file, or the folder can't be read.
    """
    try:
        names = {entry.name for entry in folder.iterdir() if entry.is_file()}
    except OSError as error:
        raise SourceError(f"The folder {folder} cannot be read: {error}.") from None

    def there(name: str) -> Path | None:
        return folder / name if name in names else None

    if "u.data" in names:
        ends = [sorted(name for name in names if name.endswith(end)) for end in (".user", ".item")]
        return Files(folder / "u.data", *(there(found[0]) if found else None for found in ends))
    if "ratings.dat" in names and ("movies.dat" in names or "users.dat" in names):
        side = there("users.dat"), there("movies.dat"), there("tags.dat")
        return Files(folder / "ratings.dat", *side)
    if {"ratings.csv", "movies.csv"} <= names and _is_movielens(folder / "movies.csv"):
        return Files(folder / "ratings.csv", None, folder / "movies.csv", there("tags.csv"))
    return _find_recbole(folder, names) or _find_named(folder, names)


def read_side(
    path: Path, what: Literal["user", "item"], tags: Path | None = None
) -> tuple[pa.Table, str]:
    """Return a side table of such a folder, and the name of its id column.

    MovieLens' tables, in all of their forms, get the same columns: age, sex, occupation and
    zip_code; title (with the year in brackets), year, genres and, where there are any, tags.
    """
    if path.name == "u.user":
        table = movielens.read_users(movielens.read_bare(path, "|"), path)
    elif path.name == "u.item":
        table = movielens.read_items_100k(path)
    elif path.name == "users.dat":
        table = movielens.read_users_1m(path)
    elif path.name in ("movies.dat", "movies.csv"):
        table = movielens.read_items(path, tags)
    else:
        table = _recbole(path)
    return table, table.column_names[0]


def _is_movielens(movies: Path) -> bool:
    try:
        with movies.open("rb") as file:
            first = file.readline(200).decode("utf-8-sig", "replace")
    except OSError as error:
        raise SourceError(f"{movies} cannot be read: {error}.") from None
    return [plain(name) for name in first.strip().split(",")] == ["movieid", "title", "genres"]


def _find_recbole(folder: Path, names: set[str]) -> Files | None:
    found = sorted(name for name in names if name.endswith(".inter"))
    if len(found) > 1:
        raise SourceError(
            f"The folder {folder} holds {len(found)} .inter files ({', '.join(found[:3])} …). Give "
            f"the one that holds the ratings, and the side tables as users= and items=."
        )
    if not found:
        return None
    ratings = folder / found[0]
    side = [ratings.with_suffix(ending) for ending in (".user", ".item")]
    return Files(ratings, *(path if path.name in names else None for path in side))


def _find_named(folder: Path, names: set[str]) -> Files | None:
    """Take the one file that is called ratings among files of other names."""
    found = [name for name in names if _RATINGS.fullmatch(name)]
    return Files(folder / found[0], None, None) if len(found) == 1 else None


def _recbole(path: Path) -> pa.Table:
    table = movielens.read_bare(path, "\t", header=True)
    names = [plain(name) for name in table.column_names]
    if names == ["userid", "age", "gender", "occupation", "zipcode"]:
        return movielens.read_users(table, path)
    if names == ["itemid", "movietitle", "releaseyear", "class"]:
        return _recbole_films(table)
    return _recbole_typed(table)


def _recbole_films(table: pa.Table) -> pa.Table:
    """Read RecBole's copy of u.item, which has cut the year off the title."""
    ids, names, years, genres = table.columns
    whole = pc.binary_join_element_wise(
        names, pc.binary_join_element_wise("(", years, ")", ""), " "
    )
    titles = pc.if_else(pc.equal(years, _NO_YEAR), "unknown", whole)
    return movielens.films(ids, titles, genres, " ")


def _recbole_typed(table: pa.Table) -> pa.Table:
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
