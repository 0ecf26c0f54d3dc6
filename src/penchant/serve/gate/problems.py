"""What a server says when it can't answer: problem documents (RFC 9457)."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

from penchant.errors import (
    BundleError,
    ConflictError,
    DataError,
    NotFittedError,
    PenchantError,
    SettingsError,
    SourceError,
    UnavailableError,
    UnknownIdError,
    UnsupportedError,
)

MEDIA_TYPE = "application/problem+json"

_LONGEST = 1_000  # characters of a detail

_STATUS: tuple[tuple[type[PenchantError], int], ...] = (
    (UnknownIdError, 404),
    (ConflictError, 409),
    (UnavailableError, 503),
    (UnsupportedError, 409),
    (NotFittedError, 409),
    (BundleError, 409),
    (SourceError, 503),
    (SettingsError, 422),
    (DataError, 422),
)


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A request that gets a problem document for an answer.

    Attributes:
        status: of the answer.
        detail: what was wrong and what to do, a sentence or two.
        kind: the problem's type in one word or two; the status' phrase if None.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        self.kind = kind or title_of(status).lower().replace(" ", "-")

    def body(self, request_id: str) -> bytes:
        """Return the document."""
        document: dict[str, Any] = {
            "type": f"urn:penchant:problem:{self.kind}",
            "title": title_of(self.status),
            "status": self.status,
            "detail": self.detail[:_LONGEST],
            "request_id": request_id,
        }
        return json.dumps(document, separators=(",", ":")).encode()


def title_of(status: int) -> str:
    """Return the phrase of a status.

    >>> title_of(404), title_of(599)
    ('Not Found', 'Error')
    """
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


_NAMES_PLACES = (UnavailableError, BundleError, SourceError)
_SOMETHING = "Something that the server keeps cannot be used now. Its log tells what."


def problem_of(error: PenchantError, *, to_admin: bool = False) -> Problem:
    """Return the problem that an error of ours is to a caller.

    Where the server's files and its database are is told to admins alone.

    >>> problem_of(UnknownIdError("The model knows no item 7.")).status
    404
    """
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if status == 500:
        return unexpected()
    headers = {"Retry-After": "1"} if status == 503 else {}
    detail = str(error)
    if isinstance(error, _NAMES_PLACES) and not to_admin:
        detail = getattr(error, "public", _SOMETHING)
    return Problem(status, detail, kind=_dashed(type(error).__name__), headers=headers)


def unexpected() -> Problem:
    """Return the problem of an error that nobody thought of; the log has its trace."""
    return Problem(
        500, "The server failed at this. Its log tells why, under the request id of this answer."
    )


def _dashed(name: str) -> str:
    """Return a class name in small letters.

    >>> _dashed("UnknownIdError")
    'unknown-id'
    """
    plain = name.removesuffix("Error")
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in plain).lstrip("-")
