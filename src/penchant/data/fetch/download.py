"""One file from a web server, continued where an earlier attempt was broken off."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

from penchant.console import progress, tell
from penchant.data.fetch.resumable import Partial, partial_file
from penchant.errors import ChecksumError

_CHUNK = 262_144
_SECONDS = 15.0  # for the connection, and for each piece
_WINDOW, _LEAST = 30.0, 30_000  # so many bytes in so many seconds, or it counts as broken off
_ATTEMPTS = 6
_PAUSE = 1.0  # seconds before the second attempt; each later one waits as much longer
_EXPIRED = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED


class Unreachable(Exception):  # noqa: N818
    """One road is closed; another may be open. What has arrived so far is kept."""


class _BrokenOff(Exception):  # noqa: N818
    """The connection ended on the way."""


@contextmanager
def downloaded(url: str, place: Path, max_bytes: int, *, quiet: bool = False) -> Iterator[Path]:
    """Download a file for the length of the block, which verifies it and takes what it needs.

    What has arrived stands beside `place` with the ending ``.part`` and the server's mark of the
    edition (RFC 9110: ETag or Last-Modified); the next call asks for the rest of that edition. It
    is removed after the block, and where the block, or a full disk, raises an error.

    Raises:
        Unreachable: the server can't be reached, or not to the end; the message says how.
        ChecksumError: it sends more than `max_bytes`.
        SourceError: the disk is full, or the folder can't be written.
    """
    with partial_file(place) as part:
        _complete(url, part, max_bytes, quiet)
        yield part.path


def _complete(url: str, part: Partial, max_bytes: int, quiet: bool) -> None:
    """Ask again for the rest as long as each attempt brings something."""
    for attempt in range(1, _ATTEMPTS + 1):
        before = part.size
        if part.is_whole:
            return
        try:
            _attempt(url, part, max_bytes, quiet)
        except _BrokenOff as broken:
            if part.size == before or attempt == _ATTEMPTS:
                raise Unreachable(f"{broken} {_so_far(part)}{_kept(part)}") from None
            if not quiet:
                tell(f"{broken} {_so_far(part)}. Trying again.")
        else:
            return
        time.sleep(_PAUSE * attempt)


def _so_far(part: Partial) -> str:
    whole = "" if part.total is None else f" of {part.total:,}"
    return f"after {part.size:,}{whole} bytes"


def _kept(part: Partial) -> str:
    return ", which are kept: the next call continues there" if part.may_continue else ""


def _attempt(url: str, part: Partial, max_bytes: int, quiet: bool) -> None:
    try:
        answer = _ask(url, part)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not part.size:
            raise Unreachable(f"it answers {error.code} {error.reason}") from None
        part.restart()
        raise _BrokenOff("the server no longer has that edition") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_reason(error)) from None
    with answer:
        if not _continues(answer, part):
            part.restart()
            part.describe(url, _edition(answer), _length(answer))
        _receive(answer, part, url, max_bytes, quiet)


def _ask(url: str, part: Partial) -> http.client.HTTPResponse:
    headers = {"User-Agent": "penchant", "Accept-Encoding": "identity"}
    if part.continues(url):
        headers |= {"Range": f"bytes={part.size}-", "If-Range": str(part.edition)}
    elif part.size:
        part.restart()
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    opener = urllib.request.build_opener(_Redirects)
    return cast("http.client.HTTPResponse", opener.open(request, timeout=_SECONDS))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = (urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl))
        if new not in ("https", old):
            raise Unreachable(f"it redirects to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _continues(answer: http.client.HTTPResponse, part: Partial) -> bool:
    """Return whether the answer is the rest of what is there."""
    if answer.status != http.client.PARTIAL_CONTENT:
        return False
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range") or "")
    if found is None or (int(found[1]), int(found[2])) != (part.size, part.total):
        part.restart()
        raise _BrokenOff("the server sent another part than it was asked for")
    return True


def _edition(answer: http.client.HTTPResponse) -> str | None:
    """Return what a server calls this edition, byte for byte; a weak ETag doesn't serve."""
    tag = answer.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    return answer.headers.get("Last-Modified")


def _length(answer: http.client.HTTPResponse) -> int | None:
    stated = answer.headers.get("Content-Length") or ""
    return int(stated) if stated.isascii() and stated.isdigit() else None


def _receive(
    answer: http.client.HTTPResponse, part: Partial, url: str, max_bytes: int, quiet: bool
) -> None:
    label = f"Downloading {Path(urllib.parse.urlsplit(url).path).name}"
    with nullcontext() if quiet else progress(label, part.total, size=True) as advance:
        if advance is not None:
            advance(part.size)
        for chunk in _chunks(answer):
            if part.size + len(chunk) > max_bytes:
                raise ChecksumError(
                    f"{url} sends more than {max_bytes:,} bytes: it is not what was published. "
                    f"Try again, or from another network."
                )
            part.write(chunk)
            if advance is not None:
                advance(len(chunk))
    if part.total is not None and part.size < part.total:
        raise _BrokenOff("the connection ended")


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    since, arrived = time.monotonic(), 0
    while True:
        try:
            chunk = answer.read1(_CHUNK)  # what is there, without waiting for the rest
        except TimeoutError:
            raise _BrokenOff(f"nothing came for {_SECONDS:g} seconds") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _BrokenOff(f"the connection broke ({error})") from None
        if not chunk:
            return
        yield chunk
        arrived += len(chunk)
        if time.monotonic() - since > _WINDOW:
            if arrived < _LEAST:
                raise _BrokenOff(f"only {arrived:,} bytes came in {_WINDOW:g} seconds")
            since, arrived = time.monotonic(), 0


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        if cause.verify_code == _EXPIRED:
            today = time.strftime("%Y-%m-%d")
            return (
                f"its TLS certificate has expired (if this computer's date, {today}, is right, "
                f"only its owner can renew it)"
            )
        return f"its TLS certificate is not accepted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS connection ({cause})"
    if isinstance(cause, TimeoutError):
        return f"it doesn't answer within {_SECONDS:g} seconds"
    return f"it can't be reached ({cause})"
