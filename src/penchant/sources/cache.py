"""The cache folder of named sets: written whole or not at all, verified whenever it is read."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from penchant.atomic import new_file
from penchant.errors import SourceError

_MANIFEST = "manifest.json"
_WAY_OUT = "Choose another folder: cache=… or the environment variable PENCHANT_CACHE."


class Kept(NamedTuple):
    """The files of a set in the cache, and where they came from."""

    folder: Path
    names: tuple[str, ...]
    origin: str


def cache_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the cache folder: what is given, else ``PENCHANT_CACHE``, else the user's own."""
    chosen = given or os.environ.get("PENCHANT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("penchant"))


def find_kept(folder: Path, ratings: str, ratings_sha256: str) -> Kept | str | None:
    """Return the set that is kept in a folder; what is wrong with it; or None if none is there."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        sums = {str(name): str(value) for name, value in manifest["sha256"].items()}
        if any(Path(name).name != name for name in sums):
            return f"{_MANIFEST} names files elsewhere"
        for name, value in sums.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != value:
                return f"the checksum of {name} doesn't match"
        if sums.get(ratings) != ratings_sha256:
            return f"{_MANIFEST} is not ours"
        return Kept(folder, tuple(sums), str(manifest["origin"]))
    except FileNotFoundError as missing:
        name = Path(str(missing.filename)).name
        return None if name == _MANIFEST else f"{name} is missing"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{_MANIFEST} is damaged"
    except OSError as error:
        raise SourceError(f"The cache {folder} cannot be read: {error}. {_WAY_OUT}") from None


def keep(folder: Path, files: dict[str, bytes], origin: str) -> Kept:
    """Write the files of a set, the manifest last, so that what it names is always whole.

    Files of the same name have the same content wherever they come from, so that several
    processes may do this at once.

    Raises `SourceError` where the disk is full or the folder can't be written.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = json.dumps({"origin": origin, "sha256": sums}, indent=1).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (files | {_MANIFEST: manifest}).items():
            with new_file(folder / name) as file:
                file.write(content)
    except OSError as error:
        size = sum(map(len, files.values()))
        what = "The disk is full" if error.errno == errno.ENOSPC else f"Not writable ({error})"
        raise SourceError(
            f"{what}: {size / 1e6:.1f} MB were to be kept in {folder}. {_WAY_OUT}"
        ) from None
    return Kept(folder, tuple(files), origin)
