"""The gate before all routes: who asks, how much, how long; what is counted, logged and hidden."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from penchant.serve.gate.access import Access, Caller
from penchant.serve.gate.limits import BUSY, CALLER, Buckets, Limits, Shares
from penchant.serve.gate.logs import LOGGER
from penchant.serve.gate.problems import MEDIA_TYPE, Problem, unexpected
from penchant.serve.gate.prometheus import Metrics

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
_STRANGERS_LINES = (1.0, 100)  # a second, and at once: lines in the log on who may do nothing
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
        catch_up: Callable[[int], Awaitable[int]],
    ) -> None:
        self._app, self._access, self._limits, self._metrics = app, access, limits, metrics
        self._catch_up = catch_up
        self._rates = Buckets(limits.rate, limits.burst)
        self._bodies, self._places = Shares(limits.concurrent), Shares(limits.concurrent)
        self._lines, self._unlogged = Buckets(*_STRANGERS_LINES), 0

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
            answered = {"Retry-After": str(max(1, math.ceil(wait)))}
            if caller.role is None:  # what a stranger has sent beyond this one isn't looked at
                answered["Connection"] = "close"
            told = f"Too many requests: {limits.rate:g} a second are allowed."
            raise Problem(429, told, headers=answered)
        self._access.require(caller, scope, headers)
        self._require_size(headers)
        return caller

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
        self._body: bytes | None = b""
        self._position: int | None = None

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
        if self.caller.role is not None and self._has_body():
            with gate._bodies.taken(self.caller.name, BUSY):
                await self._read_body()
        with gate._places.taken(self.caller.name, BUSY):
            CALLER.set(self.caller.name)
            if self.caller.role is not None:
                await self._catch_up(self.headers.get(b"penchant-position", b""))
            await gate._app(self.scope, self._read, self._written)

    async def _catch_up(self, wanted: bytes) -> None:
        """Let this worker read the log as far as its caller knows that it goes.

        Who wrote by one worker and reads by another says so with the header Penchant-Position; the
        answer's says how far it came.
        """
        if wanted.isdigit() and len(wanted) <= 18:
            self._position = await self.gate._catch_up(int(wanted))

    async def _read_body(self) -> None:
        """Receive all of the body, within its time and size, before it takes anybody's place."""
        limits, parts, size = self.gate._limits, list[bytes](), 0
        try:
            async with asyncio.timeout(limits.body_seconds):
                while not self.ended:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        raise Problem(400, "The body broke off.")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limits.body:
                        raise _too_large(limits)
                    self.ended = not message.get("more_body", False)
        except TimeoutError:
            raise Problem(
                408, "The body took too long to arrive.", headers={"Connection": "close"}
            ) from None
        self._body = b"".join(parts)

    async def _read(self) -> Message:
        """Give the application the body, once, and then what comes after it."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def _written(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            names = {name for name, _ in headers}
            headers += _HEADERS
            headers.append((b"x-request-id", self.id.encode()))
            if self._position is not None:
                headers.append((b"penchant-position", str(self._position).encode()))
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
        about: dict[str, Any] = {
            "request_id": self.id,
            "method": method,
            "route": route,
            "status": self.status,
            "seconds": round(seconds, 6),
            "key": caller and caller.key,
        }
        if caller is None or caller.role is None:
            if self.gate._lines.wait(""):
                self.gate._unlogged += 1
                return
            about["unlogged"], self.gate._unlogged = self.gate._unlogged, 0
        LOGGER.info("answered", extra={"about": about})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _too_large(limits: Limits) -> Problem:
    return Problem(413, f"A body may have {limits.body:,} bytes. Send less at once.")
