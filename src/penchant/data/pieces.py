"""Sources that lie in files, opened to be read piece by piece instead of at once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from penchant.data import folder, side_tables
from penchant.data.columns.opened import Opened
from penchant.data.columns.roles import Roles, describe
from penchant.data.fetch.archive import edition, is_archive, unpacked
from penchant.data.files import faults, parts
from penchant.data.read import Reading, open_file
from penchant.data.saved import refuse_bundle
from penchant.errors import SourceError

SideTable = tuple[pa.Table, str, str]
"""A table, the name of its id column, and what it is called in messages."""


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A table of ratings in one or more files.

    Attributes:
        paths: the files, in their order.
        name: what the ratings are called.
        reading: how they are read.
        sides: what reads the side tables that lie beside them, by "user" and "item".
        edition: what else is told of it.
    """

    paths: tuple[Path, ...]
    name: str
    reading: Reading
    sides: dict[side_tables.What, Callable[[], SideTable]] = dataclasses.field(default_factory=dict)
    edition: str = ""

    def encoded(self, error: faults.OtherEncodingError) -> Pieces:
        """Return the same files, read in the encoding that they turned out to have."""
        return dataclasses.replace(
            self, reading=dataclasses.replace(self.reading, encoding=error.codec)
        )

    def open(self) -> Iterator[tuple[Opened, Roles]]:
        """Yield each file, opened, with the roles of its columns; alike files have the first's."""
        first: tuple[Opened, Roles] | None = None
        for path in self.paths:
            part = open_file(path, self.reading)
            if first is None:
                first = part, part.roles(self.reading)
                yield first
                continue
            model, roles = first
            alike = part.header == model.header and len(part.sample) == len(model.sample)
            yield part, roles if alike else part.roles(self.reading)

    def told(self) -> str:
        """Say how the files are laid out."""
        opened, roles = next(self.open())
        if len(self.paths) == 1:
            mark = "; " if ": " in opened.told else ": "
            return f"{opened.told}{mark}{describe(roles, opened.header)}"
        return f"{len(self.paths):,} files as {opened.told}; {describe(roles, opened.header)}"


@contextmanager
def open_pieces(source: str | os.PathLike[str], reading: Reading) -> Iterator[Pieces]:
    """Find the files of a path, a folder, an archive or a pattern.

    Raises `SourceError` where there are none.
    """
    if parts.is_pattern(str(source)):
        yield _parts(parts.matching(str(source)), reading)
        return
    path = Path(source).expanduser()
    if not path.exists():
        raise SourceError(f"There is no file or folder {str(path)!r}.")
    if not is_archive(path) or path.is_dir():
        yield _of_place(path, reading)
        return
    with unpacked(path) as place:
        yield dataclasses.replace(_of_place(place, reading), edition=edition(path))


def _of_place(path: Path, reading: Reading) -> Pieces:
    refuse_bundle(path)
    if not path.is_dir():
        return _parts([path], reading)
    files = folder.find_files(path)
    if files is None:
        return _parts(parts.find_parts(path), reading)
    tables: dict[side_tables.What, Path | None] = {"user": files.users, "item": files.items}
    sides = {
        what: _side_reader(table, what, files.tags)
        for what, table in tables.items()
        if table is not None
    }
    return dataclasses.replace(_parts([files.ratings], reading), sides=sides)


def _side_reader(path: Path, what: side_tables.What, tags: Path | None) -> Callable[[], SideTable]:
    def read() -> SideTable:
        return *folder.read_side(path, what, tags), path.name

    return read


def _parts(paths: list[Path], reading: Reading) -> Pieces:
    for path in paths:
        refuse_bundle(path)
    name = paths[0].name if len(paths) == 1 else paths[0].parent.name or "ratings"
    return Pieces(tuple(paths), name, reading)
