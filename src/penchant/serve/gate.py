"""The gate before all routes: who asks, how much, how long; what is counted, logged and hidden."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NoReturn

from penchant.serve.access import Access, Caller
from penchant.serve.limits import Buckets, Limits
from penchant.serve.logs import LOGGER
from penchant.serve.metrics import Metrics
from penchant.serve.problems import MEDIA_TYPE, Problem, unexpected

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": CSP,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }.items()
)
_NOT_KEPT = (b"cache-control", b"no-store")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROBES = frozenset({"/health/live", "/health/ready"})  # not logged
_CATCH_UP = 1.5  # seconds: workers look at the log every second at least
_LOOK = 0.02
_TIMED_OUT = "This took longer than the server allows. Ask for less, or try again."


class Gate:
    """An ASGI application around another.

    Everything that comes passes here, so that nothing answers without a request id, the headers of
    a careful site, a look at the key, limits, a line in the log and a count.
    """

    def __init__(
        self,
        app: App,
        access: Access,
        limits: Limits,
        metrics: Metrics,
        position: Callable[[], int],
    ) -> None:
        self._app, self._access, self._limits, self._metrics = app, access, limits, metrics
        self._position = position
        self._rates = Buckets(limits.rate, limits.burst)
        self._working = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, or pass the start and the end of the server on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Request(self, scope, receive, send).answer()

    def admit(self, scope: Any, headers: dict[bytes, bytes]) -> Caller:
        """Return who asks; raise `Problem` where this request isn't answered.

        What costs least comes first: a request beyond its caller's rate costs a look at two tables.
        """
        path, limits = scope["path"], self._limits
        if len(path) + len(scope["query_string"]) > limits.headers:
            raise Problem(414, f"A path may have {limits.headers:,} characters.")
        caller = self._access.asker((scope.get("client") or ("", 0))[0], headers)
        # Probes have a rate of their own: whoever asks too much else still learns that it lives.
        wait = self._rates.wait(f"{caller.name} {path}" if path in _PROBES else caller.name)
        if wait:
            raise Problem(
                429,
                f"Too many requests: {limits.rate:g} a second are allowed.",
                headers={"Retry-After": str(max(1, math.ceil(wait)))},
            )
        self._access.require(caller, scope, headers)
        self._require_size(headers)
        return caller

    async def caught_up(self, wanted: bytes) -> None:
        """Wait until this worker has read the log up to a position, but not longer than a second.

        Who wrote by one worker and reads by another says so with the header Penchant-Position.
        """
        if not wanted.isdigit() or len(wanted) > 18:
            return
        until = time.monotonic() + _CATCH_UP
        while self._position() < int(wanted) and time.monotonic() < until:
            await asyncio.sleep(_LOOK)

    def _require_size(self, headers: dict[bytes, bytes]) -> None:
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise Problem(400, "The Content-Length is no number.")
        if len(length) > 18 or int(length) > self._limits.body:
            raise _too_large(self._limits)


class _Request:
    """One request on its way through the gate."""

    def __init__(self, gate: Gate, scope: Any, receive: Receive, send: Send) -> None:
        self.gate, self.scope, self._receive, self._send = gate, scope, receive, send
        self.headers = dict(scope["headers"])
        if b"range" in self.headers:  # parts of the page's files: nobody needs them
            scope["headers"] = [one for one in scope["headers"] if one[0] != b"range"]
        given = self.headers.get(b"x-request-id", b"")
        ours = secrets.token_hex(8)
        self.id = given.decode() if _REQUEST_ID.fullmatch(given) else ours
        scope["path"] = scope["raw_path"].decode("latin-1")  # "a%2Fb" is one part of a path
        scope["state"] = {**scope.get("state", {}), "request_id": self.id}
        self.caller: Caller | None = None
        self.status = 0
        self.ended = False
        self.received = 0
        self._body_until: float | None = None
        self._refusal: Problem | None = None

    async def answer(self) -> None:
        gate, begun = self.gate, time.perf_counter()
        gate._metrics.begun()
        try:
            async with asyncio.timeout(gate._limits.seconds):
                await self._passed()
        except Problem as problem:
            await self._refuse(problem)
        except TimeoutError:
            await self._refuse(Problem(503, _TIMED_OUT, kind="timeout"))
        except Exception:
            LOGGER.exception("failed", extra={"about": {"request_id": self.id}})
            await self._refuse(unexpected())
        finally:
            self._note(time.perf_counter() - begun)

    async def _passed(self) -> None:
        gate = self.gate
        self.caller = gate.admit(self.scope, self.headers)
        self.scope["state"]["caller"] = self.caller
        if gate._working >= gate._limits.concurrent:
            raise Problem(
                503,
                "The server is busy. Try again in a second.",
                kind="busy",
                headers={"Retry-After": "1"},
            )
        gate._working += 1
        try:
            if b"penchant-position" in self.headers:
                await gate.caught_up(self.headers[b"penchant-position"])
            await gate._app(self.scope, self._read, self._write)
        finally:
            gate._working -= 1
        if self._refusal is not None:
            raise self._refusal

    async def _read(self) -> Message:
        """Receive a part of the body, within its time and size."""
        if self._body_until is None:
            self._body_until = asyncio.get_running_loop().time() + self.gate._limits.body_seconds
        if self.ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._body_until):
                message = await self._receive()
        except TimeoutError:
            self._stop(
                Problem(408, "The body took too long to arrive.", headers={"Connection": "close"})
            )
        self.received += len(message.get("body", b""))
        if self.received > self.gate._limits.body:
            self._stop(_too_large(self.gate._limits))
        self.ended = not message.get("more_body", False)
        return message

    def _stop(self, problem: Problem) -> NoReturn:
        """Refuse, whatever the application makes of the error that it meets and answers then."""
        self._refusal = problem
        raise problem

    async def _write(self, message: Message) -> None:
        if self._refusal is None:
            await self._written(message)

    async def _written(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            names = {name for name, _ in headers}
            headers += _HEADERS
            headers.append((b"x-request-id", self.id.encode()))
            if b"cache-control" not in names:
                headers.append(_NOT_KEPT)
            message["headers"] = headers
        await self._send(message)

    async def _refuse(self, problem: Problem) -> None:
        """Send a problem; where an answer has begun, uvicorn cuts the connection instead."""
        if self.status:
            return
        if problem.status in (401, 403, 413, 421, 429, 503):
            self.gate._metrics.refused(problem.kind)
        body = problem.body(self.id)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
        ]
        if not self.ended and b"connection" not in dict(headers) and self._has_body():
            headers.append((b"connection", b"close"))  # what is left of the body isn't read
        await self._written(
            {"type": "http.response.start", "status": problem.status, "headers": headers}
        )
        await self._written({"type": "http.response.body", "body": body})

    def _has_body(self) -> bool:
        length = self.headers.get(b"content-length", b"0")
        return length != b"0" or b"transfer-encoding" in self.headers

    def _note(self, seconds: float) -> None:
        scope, caller = self.scope, self.caller
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.gate._metrics.done(method, route, self.status, seconds)
        if route in _PROBES and self.status < 500:
            return
        about = {
            "request_id": self.id,
            "method": method,
            "route": route,
            "status": self.status,
            "seconds": round(seconds, 6),
            "key": caller and caller.key,
        }
        LOGGER.info("answered", extra={"about": about})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _too_large(limits: Limits) -> Problem:
    return Problem(413, f"A body may have {limits.body:,} bytes. Send less at once.")
