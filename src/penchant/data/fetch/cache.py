"""The cache folder of named sets: written whole or not at all, verified whenever it is read."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from penchant.atomic import new_file
from penchant.errors import ChecksumError, SourceError

_MANIFEST = "manifest.json"
_WAY_OUT = "Choose another folder: cache=… or the environment variable PENCHANT_CACHE."


class Kept(NamedTuple):
    """The files of a set in the cache, where they came from, and the MD5 of that archive."""

    folder: Path
    names: tuple[str, ...]
    origin: str
    md5: str | None


def cache_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the cache folder: what is given, else ``PENCHANT_CACHE``, else the user's own."""
    chosen = given or os.environ.get("PENCHANT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("penchant"))


def unwritable(error: OSError, size: int, folder: Path) -> SourceError:
    """Return the error that tells of a full disk, or of a folder that may not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "The disk is full" if full else f"Not writable ({error})"
    return SourceError(f"{what}: {size / 1e6:.1f} MB were to be kept in {folder}. {_WAY_OUT}")


def find_kept(
    folder: Path, ratings: str, *, ratings_sha256: str | None = None, md5: str | None = None
) -> Kept | str | None:
    """Return the set that is kept in a folder; what is wrong with it; or None if none is there.

    Args:
        folder: where it may be.
        ratings: the name of the file of ratings.
        ratings_sha256: what that file must be, if that is known.
        md5: else, what the archive must have been that it came from, if that is known.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        sums = {str(name): str(value) for name, value in manifest["sha256"].items()}
        if any(Path(name).name != name for name in sums):
            return f"{_MANIFEST} names files elsewhere"
        for name, value in sums.items():
            if _sha256(folder / name) != value:
                return f"the checksum of {name} doesn't match"
        kept = Kept(folder, tuple(sums), str(manifest["origin"]), manifest.get("md5"))
        if ratings not in sums or sums[ratings] != (ratings_sha256 or sums[ratings]):
            return f"{_MANIFEST} is not ours"
        if ratings_sha256 is None and kept.md5 != (md5 or kept.md5):
            return f"{_MANIFEST} is of another edition"
    except FileNotFoundError as missing:
        name = Path(str(missing.filename)).name
        return None if name == _MANIFEST else f"{name} is missing"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{_MANIFEST} is damaged"
    except OSError as error:
        raise SourceError(f"The cache {folder} cannot be read: {error}. {_WAY_OUT}") from None
    return kept


def is_kept(folder: Path) -> bool:
    """Return whether a set is in a folder, without a look at its files."""
    return (folder / _MANIFEST).is_file()


def keep(
    folder: Path,
    files: Mapping[str, Iterable[bytes]],
    origin: str,
    *,
    md5: str | None = None,
    ratings_sha256: str | None = None,
) -> Kept:
    """Write the files of a set, the manifest last, so that what it names is always whole.

    None takes its place before all are written. Files of the same name have the same content
    wherever they come from, so that several processes may do this at once.

    Args:
        folder: where to.
        files: the contents, in pieces, by name; the ratings first.
        origin: where they come from.
        md5: of the archive that they come from.
        ratings_sha256: what the file of ratings must be, if that is known.

    Raises:
        ChecksumError: the ratings are not what was published.
        SourceError: the disk is full or the folder can't be written.
    """
    sums: dict[str, str] = {}
    size = 0
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:  # left in the other order: the manifest takes its place last
            manifest = stack.enter_context(new_file(folder / _MANIFEST))
            for name, pieces in files.items():
                file = stack.enter_context(new_file(folder / name))
                digest = hashlib.sha256()
                for piece in pieces:
                    size += len(piece)
                    digest.update(piece)
                    file.write(piece)
                sums[name] = digest.hexdigest()
                file.flush()
            ratings = next(iter(files))
            require_sum(ratings, "SHA-256", sums[ratings], ratings_sha256)
            note = {"origin": origin, "md5": md5, "sha256": sums}
            manifest.write(json.dumps(note, indent=1).encode())
    except BaseException as error:
        if made:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError) and not isinstance(error, SourceError):
            raise unwritable(error, size, folder) from None
        raise
    return Kept(folder, tuple(files), origin, md5)


def require_sum(what: str, kind: str, arrived: str, published: str | None) -> None:
    """Raise `ChecksumError` where a checksum is published and what arrived has another."""
    if published is not None and arrived != published:
        raise ChecksumError(
            f"{what} is not what was published: its {kind} is {arrived} instead of {published}. "
            f"It was not kept. Try again; if it stays so, something on the way changes it."
        )


def md5_of(path: Path) -> str:
    """Return the MD5 of a file, in hex: what GroupLens publishes of its archives."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
