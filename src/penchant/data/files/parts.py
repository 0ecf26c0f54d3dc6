"""Several files that are one table: a pattern of names, or a folder of parts."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from pathlib import Path

from penchant.data.columns.building import Reading, build
from penchant.data.columns.checks import Where
from penchant.data.columns.gather import Batch, gather
from penchant.data.columns.opened import Opened, places_of
from penchant.data.columns.roles import Roles, describe
from penchant.data.files.stream import ENDINGS
from penchant.data.saved import is_of_bundle
from penchant.errors import SourceError
from penchant.ratings import Ratings

Open = Callable[[Path, Reading], Opened]

_KINDS = (
    ".csv", ".tsv", ".txt", ".dat", ".data", ".inter", ".json", ".jsonl", ".ndjson", ".parquet",
    ".pq", ".arrow", ".feather", ".ipc",
)  # fmt: skip


def is_pattern(source: str) -> bool:
    """Return whether a source is a pattern of file names rather than a file's own name."""
    return glob.has_magic(source) and not Path(source).expanduser().exists()


def matching(pattern: str) -> list[Path]:
    """Return the files that a pattern names, in the order of their names.

    Raises `SourceError` where there are none.
    """
    found = sorted(map(Path, glob.glob(str(Path(pattern).expanduser()), recursive=True)))
    files = [path for path in found if path.is_file()]
    if not files:
        raise SourceError(f"No file is named {pattern!r}. Check the pattern, and the folder.")
    return files


def find_parts(folder: Path) -> list[Path]:
    """Return the files of a folder that are parts of one table, in the order of their names.

    Raises `SourceError` where there are none, or they are of several kinds.
    """
    seen: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        if hidden or not path.is_file() or is_of_bundle(path):
            continue
        kind = _kind(path)
        if kind is not None:
            seen.setdefault(kind, []).append(path)
    if len(seen) != 1:
        raise SourceError(_no_parts(folder, seen))
    return next(iter(seen.values()))


def _kind(path: Path) -> str | None:
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in ENDINGS:
        endings.pop()
    if not endings:
        return "" if path.name.startswith("part-") else None
    return endings[-1] if endings[-1] in _KINDS else None


def _no_parts(folder: Path, seen: dict[str, list[Path]]) -> str:
    kinds = ", ".join(f"{len(paths):,} {kind or 'part'} files" for kind, paths in seen.items())
    return (
        f"The folder {folder} is expected to hold MovieLens' files (u.data, ratings.dat or "
        f"ratings.csv with movies beside it), one .inter file (RecBole's), or files of one kind "
        f"that are parts of one table, but it holds {kinds or 'no file of ratings'}. Give the "
        f"file of the ratings itself, or a pattern such as {str(folder / '*.csv')!r}, and the "
        f"side tables as users= and items=."
    )


def read_parts(paths: list[Path], reading: Reading, opening: Open) -> tuple[Ratings, str]:
    """Return the ratings of several files, and one line that tells what was guessed of them."""
    first = opening(paths[0], reading)
    roles = first.roles(reading)
    counts: list[int] = []

    def open_part(path: Path) -> tuple[Opened, Roles]:
        part = opening(path, reading)
        alike = part.header == first.header and len(part.sample) == len(first.sample)
        return part, roles if alike else part.roles(reading)

    found = gather(_batches(paths, open_part, counts))

    def locate(row: int, role: str) -> Where:
        for path, count in zip(paths, counts, strict=True):
            if row < count:
                part, theirs = open_part(path)
                return part.locate(row, getattr(theirs, role))
            row -= count
        raise IndexError(row)  # pragma: no cover

    name = paths[0].parent.name or "ratings"
    told = f"{len(paths):,} files as {first.told}; {describe(roles, first.header)}"
    return build(found, reading, locate, name, told)


def _batches(
    paths: list[Path], open_part: Callable[[Path], tuple[Opened, Roles]], counts: list[int]
) -> Iterator[Batch]:
    for path in paths:
        part, roles = open_part(path)
        counts.append(0)
        for batch in part.batches(places_of(roles)):
            counts[-1] += len(batch["user"])
            yield batch
