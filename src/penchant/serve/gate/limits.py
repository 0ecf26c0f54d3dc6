"""What one caller may ask of a server: how much, how often, how long."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from penchant.serve.gate.problems import Problem
from penchant.settings import Settings, require_count, require_number

BUSY = "The server is busy. Try again in a second."

CALLER: ContextVar[str] = ContextVar("CALLER", default="")
"""Whose request is worked on."""

MOST_CALLERS = 10_000
"""So many callers' buckets are kept; the one that was idle longest goes first."""


@dataclasses.dataclass(frozen=True)
class Limits(Settings):
    """The limits of a server.

    Attributes:
        body: bytes of a request's body.
        headers: bytes of a request's first line and headers.
        rate: requests a second of one key, or one address without keys, in the long run; in each
            worker.
        burst: requests at once beyond that.
        seconds: until an answer is given up, reading and writing included.
        header_seconds: until the headers of a request must be there.
        body_seconds: until the body of a request must be there.
        idle_seconds: until a connection that asks nothing is closed.
        concurrent: requests that are worked on or wait for it, in each worker.
        connections: open connections, in each worker.
        threads: that work on requests, in each worker.

    >>> Limits(rate=0)
    Traceback (most recent call last):
    penchant.errors.SettingsError: rate must be a number above 0, not 0.
    """

    body: int = 1_000_000
    headers: int = 32_768
    rate: float = 200.0
    burst: int = 400
    seconds: float = 30.0
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: float = 15.0
    concurrent: int = 64
    connections: int = 1_000
    threads: int = 4

    def __post_init__(self) -> None:
        for name in ("body", "headers", "burst", "concurrent", "connections", "threads"):
            require_count(name, getattr(self, name))
        for name in ("rate", "seconds", "header_seconds", "body_seconds", "idle_seconds"):
            require_number(name, getattr(self, name), 0, open_low=True)


class Buckets:
    """A bucket of tokens for each caller: it fills at a steady rate, and each request takes one.

    >>> now = [0.0]
    >>> buckets = Buckets(rate=2, burst=2, clock=lambda: now[0])
    >>> [buckets.wait("ann") for _ in range(3)]
    [0.0, 0.0, 0.5]
    >>> now[0] = 0.5
    >>> buckets.wait("ann"), buckets.wait("bob")
    (0.0, 0.0)
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Take a token; return 0, or the seconds until there is one where there is none now."""
        now = self._clock()
        tokens, then = self._buckets.pop(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._rate)
        enough = tokens >= 1
        self._buckets[caller] = (tokens - 1 if enough else tokens, now)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (1 - tokens) / self._rate


class Shares:
    """So many places; one caller can take three quarters of them, so that others find one.

    >>> shares = Shares(4)
    >>> with shares.taken("ann", BUSY), shares.taken("ann", BUSY), shares.taken("ann", BUSY):
    ...     with shares.taken("bob", BUSY):
    ...         len(shares)
    4
    """

    def __init__(self, places: int) -> None:
        self._places, self._share = places, max(1, places - places // 4)
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._taken.total()

    @contextmanager
    def taken(self, caller: str, told: str) -> Iterator[None]:
        """Take a place for a while; raise `Problem` 503 where there is none for the caller."""
        if len(self) >= self._places or self._taken[caller] >= self._share:
            raise Problem(503, told, kind="busy", headers={"Retry-After": "1"})
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]
