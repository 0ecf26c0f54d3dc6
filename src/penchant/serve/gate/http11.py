"""HTTP/1.1 as uvicorn speaks it, with what it lacks: clients that are slow or send too much."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from penchant.serve.gate.limits import Limits
from penchant.serve.gate.problems import MEDIA_TYPE, Problem, title_of

if TYPE_CHECKING:
    from asyncio import TimerHandle


class GuardedProtocol(HttpToolsProtocol):
    """A connection whose headers must come in time and in bounds.

    uvicorn waits for ever for a client that sends its headers letter by letter, for one that
    connects and says nothing, and for the rest of a body that nobody reads. Here the clock starts
    with the connection, and with each request.
    """

    limits = Limits()
    """Of all connections of this process."""

    waiting: ClassVar[OrderedDict[GuardedProtocol, None]] = OrderedDict()
    """Connections of this process whose client is to do something, the longest waiting first."""

    _clock: TimerHandle | None = None
    _writing: TimerHandle | None = None
    _in_headers = True
    _in_body = False
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; where there are too many, another one that waits for its client goes.

        So whoever holds connections open, and neither asks nor reads, keeps nobody else out.
        """
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            if not self.waiting:
                self._refuse(Problem(503, "The server has too many connections.", kind="busy"))
                return
            longest, _ = self.waiting.popitem(last=False)
            longest.transport.abort()
        self.waiting[self] = None
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.waiting.pop(self, None)
        self._stop_clock()
        self._stop_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request, unless its headers grow too large."""
        if self._in_headers:
            self._header_bytes += len(data)
            if self._clock is None:
                self._start_clock()
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_headers and self._header_bytes > self.limits.headers:
            self._refuse(
                Problem(431, f"The headers may have {self.limits.headers:,} bytes together.")
            )

    def on_headers_complete(self) -> None:
        """Stop the clock: the gate has one for the body."""
        self._in_headers, self._header_bytes, self._in_body = False, 0, True
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the headers of the next request."""
        super().on_message_complete()
        self._in_headers, self._in_body = True, False
        self.waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """Wait for the next request, unless what is left of this one was never asked for."""
        if self._in_body:
            self.transport.close()
        super().on_response_complete()
        if not (self.transport.is_closing() or self.pipeline):
            self.waiting[self] = None

    def pause_writing(self) -> None:
        """Wait for a client that doesn't read, but not for ever."""
        super().pause_writing()
        self.waiting[self] = None
        self._writing = self.loop.call_later(self.limits.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._stop_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self.waiting.pop(self, None)
        super().resume_writing()

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(Problem(400, "This is no request that HTTP/1.1 knows."))

    def _refuse(self, problem: Problem) -> None:
        """Send a problem and close; where an answer is on its way, close alone."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            if cycle is not None:  # whatever comes of this request, nobody waits for it
                cycle.disconnected = True
                cycle.message_event.set()
            body = problem.body(secrets.token_hex(8))
            head = (
                f"HTTP/1.1 {problem.status} {title_of(problem.status)}\r\n"
                f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
                f"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.limits.header_seconds, self._too_slow)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _too_slow(self) -> None:
        self._clock = None
        self._refuse(Problem(408, "The headers took too long to arrive."))
