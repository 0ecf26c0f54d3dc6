"""Who may do what: closed by default."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import ipaddress
import math
import time
from collections.abc import Mapping

from penchant.errors import SourceError
from penchant.serve.keys import Key, Role, Verifier, may
from penchant.serve.limits import FAILURES, Buckets
from penchant.serve.logs import LOGGER
from penchant.serve.problems import Problem

OPEN = frozenset({"/health/live", "/"})
"""What answers without a key; beside it the page's files, which hold no data."""

_READING_POSTS = frozenset(
    f"/v1/{name}" for name in ("predict", "recommend", "recommend/group", "explain", "interview")
)
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_RELOAD = 1.0  # seconds between two looks at the file of keys
_MOST_TRIES = 16  # unknown tokens that wait for Argon2 at once


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who asks: a key or, where there are no keys, whoever reaches the loopback address.

    Attributes:
        name: whose requests are counted together: a key's id or an address.
        key: the id of the key, or None.
        role: what the caller may do.
    """

    name: str
    key: str | None
    role: Role


def role_for(method: str, path: str) -> Role | None:
    """Return the role that a request needs; None for what is open to all.

    What isn't listed here is for admins.

    >>> role_for("GET", "/v1/model"), role_for("DELETE", "/v1/users/7"), role_for("GET", "/")
    ('read', 'admin', None)
    """
    looking = method in ("GET", "HEAD")
    if looking and (path in OPEN or path.startswith("/page/")):
        return None
    if path == "/v1/models" or path.startswith("/v1/models/"):
        return "admin"
    if looking or (method == "POST" and path in _READING_POSTS):
        return "read"
    return "write" if path == "/v1/ratings" else "admin"


class Access:
    """Decides who asks and whether that may be.

    Args:
        verifier: knows the keys.
        hosts: names and addresses by which the server may be called where there are no keys.
    """

    def __init__(self, verifier: Verifier, hosts: frozenset[str] = frozenset()) -> None:
        self._verifier = verifier
        self._hosts = _LOOPBACK_NAMES | hosts
        self._keyed = verifier.has_keys
        self._next_look = time.monotonic() + _RELOAD
        self._failures = Buckets(FAILURES / 60, FAILURES)
        self._trying = 0
        self._hashing = concurrent.futures.ThreadPoolExecutor(1, "penchant-keys")

    def close(self) -> None:
        """End the thread that tries keys."""
        self._hashing.shutdown(wait=False, cancel_futures=True)

    async def caller(
        self, method: str, path: str, address: str, headers: Mapping[bytes, bytes]
    ) -> Caller:
        """Return who asks.

        Raises `Problem`: 401 without a key or with a wrong one, 403 where the role is too small or
        another site's page asks, 421 for another host's name, 429 after too many wrong keys.
        """
        self._look_for_keys()
        needed = role_for(method, path)
        if not self._keyed:
            self._require_own_page(method, headers)
            return Caller(_network(address), None, "admin")
        if needed is None:
            return Caller(_network(address), None, "read")
        caller = await self._with_key(address, headers.get(b"authorization"))
        if not may(caller.role, needed):
            raise Problem(
                403, f"This needs a key whose role is {needed}; this one's is {caller.role}."
            )
        return caller

    def _look_for_keys(self) -> None:
        """Read the keys again, once a second; once there was a key, there must always be one."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _RELOAD
        try:
            self._verifier.reload()
        except SourceError as error:
            self._keyed = True
            LOGGER.error("the keys can't be read, so none is right: %s", error)
        self._keyed = self._keyed or self._verifier.has_keys

    def _require_own_page(self, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Without keys, refuse what another site's page makes a browser ask."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if _without_port(host) not in self._hosts:
            raise Problem(
                421,
                "Without keys the server answers on this machine alone, to a Host header such as "
                "localhost or 127.0.0.1. To call it by another name, add a key: penchant keys add.",
            )
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        site = headers.get(b"sec-fetch-site", b"same-origin")
        foreign = origin not in ("", f"http://{host}", f"https://{host}")
        if foreign or (method not in ("GET", "HEAD") and site in (b"cross-site", b"same-site")):
            raise Problem(403, "A page of another site may not use this server.")

    async def _with_key(self, address: str, given: bytes | None) -> Caller:
        scheme, _, token = (given or b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("Send a key: Authorization: Bearer ID.SECRET.")
        key = self._verifier.remembered(token)
        if key is None:
            key = await self._try(token, _network(address))
        return Caller(key.id, key.id, key.role)

    async def _try(self, token: str, network: str) -> Key:
        wait = self._failures.wait(network)
        if wait or self._trying >= _MOST_TRIES:
            if not wait:
                self._failures.give_back(network)
            raise Problem(
                429,
                "Too many keys are being tried. Wait, and check the key.",
                headers={"Retry-After": str(max(1, math.ceil(wait)))},
            )
        self._trying += 1
        try:
            loop = asyncio.get_running_loop()
            key = await loop.run_in_executor(self._hashing, self._verifier.verify, token)
        finally:
            self._trying -= 1
        if key is None:
            raise _unauthorized("This key is not known here. Ask whoever runs the server for one.")
        self._failures.give_back(network)
        return key


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _network(address: str) -> str:
    """Return an address, of IPv6 the network of 64 bits that one machine commonly has.

    >>> _network("10.0.0.7"), _network("2001:db8::1:2"), _network("a socket")
    ('10.0.0.7', '2001:db8::', 'a socket')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)).network_address)


def _without_port(host: str) -> str:
    """Return the name in a Host header.

    >>> _without_port("[::1]:80"), _without_port("localhost:8000"), _without_port("evil.example")
    ('::1', 'localhost', 'evil.example')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
