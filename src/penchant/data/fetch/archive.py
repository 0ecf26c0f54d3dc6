"""A zip archive as a source: unpacked, once it is found harmless, into a folder that goes away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from penchant.data.fetch.cache import md5_of, unwritable
from penchant.data.fetch.datasets import NAMED_SETS
from penchant.data.fetch.unzip import Archive, opened
from penchant.errors import PenchantError, SourceError

_UNREAD = ("genome-scores.csv", "genome-tags.csv", "links.csv")
"""Members of MovieLens' archives that are large and not read."""


def is_archive(path: Path) -> bool:
    """Return whether a path is a zip archive by its name."""
    return path.suffix.lower() == ".zip"


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack an archive for the length of the block, which gets its one file, or its folder.

    The temporary folder's name doesn't show in errors: they name the archive.

    Raises `SourceError` where the archive is refused or damaged, holds no file, or where the disk
    is full.
    """
    with opened(path) as archive, tempfile.TemporaryDirectory(prefix="penchant-") as folder:
        root = Path(folder).resolve()
        try:
            yield _place(_unpack(archive, root), root)
        except PenchantError as error:
            message = str(error).replace(str(root), str(path))
            raise type(error)(message) from None


def edition(path: Path) -> str:
    """Say of an archive with the name of a published one whether it is that one; else nothing."""
    named = NAMED_SETS.get(path.stem)
    if named is None or named.md5 is None:
        return ""
    if md5_of(path) == named.md5:
        return f" {path.name}: its MD5 is the published one."
    return f" {path.name}: its MD5 is not that of the archive which {named.url} is known to be."


def _unpack(archive: Archive, root: Path) -> list[Path]:
    paths = []
    for name in archive.sizes:
        parts = PurePosixPath(name)
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts.parts)
        if hidden or (parts.name in _UNREAD and str(parts.parent / "movies.csv") in archive.sizes):
            continue
        path = root.joinpath(*parts.parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                for chunk in archive.chunks(name):
                    file.write(chunk)
        except SourceError:
            raise
        except OSError as error:
            raise _no_room(error, sum(archive.sizes.values()), root.parent) from None
        paths.append(path)
    if not paths:
        raise SourceError(f"{archive.path} holds no file. Was anything packed into it?")
    return paths


def _no_room(error: OSError, size: int, folder: Path) -> SourceError:
    why = str(unwritable(error, size, folder)).partition(" Choose")[0]
    return SourceError(f"{why} Choose another folder for temporary files: TMPDIR.")


def _place(paths: list[Path], root: Path) -> Path:
    """Return the one file, or the innermost folder that holds all of them."""
    if len(paths) == 1:
        return paths[0]
    folder = root
    while len(inside := list(folder.iterdir())) == 1:
        folder = inside[0]
    return folder
