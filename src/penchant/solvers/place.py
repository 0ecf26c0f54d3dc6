"""A file on this machine or at a URL, read and replaced as a whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from penchant.atomic import new_file
from penchant.errors import MissingExtraError, SourceError


def is_url(folder: object) -> bool:
    """Return whether a folder is given as a URL, such as ``s3://bucket/films``.

    >>> is_url("s3://bucket/films"), is_url("/films")
    (True, False)
    """
    return "://" in str(folder)


class Place:
    """A file in a folder: of this machine, or at any URL that fsspec knows.

    >>> folder = tempfile.TemporaryDirectory()
    >>> place = Place(folder.name + "/new", "note.txt")
    >>> place.write(b"whole")
    >>> with place.local() as path:
    ...     path.read_bytes()
    b'whole'
    >>> folder.cleanup()
    """

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        self._fs: Any = None
        if is_url(folder):
            self._fs, root = _file_system(str(folder))
            self._name = f"{root.rstrip('/')}/{name}"
            self._told = f"{str(folder).rstrip('/')}/{name}"
        else:
            self._path = Path(folder) / name
            self._told = str(self._path)

    def __str__(self) -> str:
        return self._told

    def exists(self) -> bool:
        """Return whether the file is there.

        Raises `SourceError` where that can't be found out.
        """
        with _told(self, "read"):
            return bool(self._fs.exists(self._name) if self._fs else self._path.exists())

    def write(self, content: bytes) -> None:
        """Put the file in the place of the one before: all of it, or nothing.

        Raises `SourceError` where it can't be written.
        """
        with _told(self, "written"):
            if not self._fs:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with new_file(self._path) as file:
                    file.write(content)
                return
            aside = f"{self._name}.new"
            self._fs.makedirs(self._name.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(aside, content)
            self._fs.mv(aside, self._name)

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Yield a path of this machine under which the file can be read.

        Raises `SourceError` where it can't be fetched.
        """
        if not self._fs:
            yield self._path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fetched"
            with _told(self, "read"):
                self._fs.get_file(self._name, str(path))
            yield path


@contextmanager
def _told(place: Place, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"The checkpoint {place} can't be {verb}: {error.strerror or error}. Free some space, "
            f"or choose another folder."
        ) from error


def _file_system(url: str) -> Any:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingExtraError(
            f"A checkpoint at {url} needs fsspec. Install it: pip install 'penchant[ray]'."
        ) from None
    try:
        return url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise SourceError(f"The checkpoint {url} can't be reached: {error}.") from error
