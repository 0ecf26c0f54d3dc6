"""Who may do what: closed by default."""

from __future__ import annotations

import dataclasses
import ipaddress
import time
from collections.abc import Mapping
from typing import Any

from penchant.errors import SourceError
from penchant.serve.gate.door import Door, was_forwarded
from penchant.serve.gate.keys import Role, Verifier, may
from penchant.serve.gate.logs import LOGGER
from penchant.serve.gate.problems import Problem

OPEN = frozenset({"/health/live", "/"})
"""What answers without a key; beside it the page's files, which hold no data."""

_READING_POSTS = frozenset(
    f"/v1/{name}" for name in ("predict", "recommend", "recommend/group", "explain", "interview")
)
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_RELOAD = 1.0  # seconds between two looks at the file of keys

Headers = Mapping[bytes, bytes]


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who asks: a key or, without one, an address.

    Attributes:
        name: whose requests are counted together: a key's id or an address.
        key: the id of the key, or None.
        role: what the caller may do; None for what is open to all.
    """

    name: str
    key: str | None
    role: Role | None


def role_for(method: str, path: str) -> Role | None:
    """Return the role that a request needs; None for what is open to all.

    What isn't listed here is for admins.

    >>> role_for("GET", "/v1/model"), role_for("DELETE", "/v1/users/7"), role_for("GET", "/")
    ('read', 'admin', None)
    """
    looking = method in ("GET", "HEAD")
    if looking and (path in OPEN or path.startswith("/page/")):
        return None
    if path == "/v1/models" or path.startswith(("/v1/models/", "/v1/receipts/")):
        return "admin"
    if looking or (method == "POST" and path in _READING_POSTS):
        return "read"
    return "write" if path == "/v1/ratings" else "admin"


class Access:
    """Decides who asks and whether that may be.

    Args:
        verifier: knows the keys.
        door: whether who has no key may come in.
        hosts: names and addresses by which the server may be called where there are no keys.
    """

    def __init__(self, verifier: Verifier, door: Door, hosts: frozenset[str] = frozenset()) -> None:
        self._verifier, self._door = verifier, door
        self._hosts = _LOOPBACK_NAMES | hosts
        self._next_look = 0.0

    def asker(self, address: str, headers: Headers) -> Caller:
        """Return whose requests this one is counted with: a right key's, or else an address'.

        Nothing is refused here.
        """
        self._look_for_keys()
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        key = self._verifier.key_of(token) if scheme.lower() == "bearer" else None
        if key is not None:
            return Caller(key.id, key.id, key.role)
        return Caller(_network(address), None, "admin" if self._door.open else None)

    def require(self, caller: Caller, scope: Mapping[str, Any], headers: Headers) -> None:
        """Raise `Problem` where a caller may not ask this.

        401 without a key or with a wrong one, 403 where the role is too small or another site's
        page asks, 421 for another host's name and for what came through a proxy without a key.
        """
        needed = role_for(scope["method"], scope["path"])
        if self._door.open:
            self._require_own_page(needed, scope, headers)
        elif needed is None:
            return
        elif caller.key is None or caller.role is None:
            raise _unauthorized(b"authorization" in headers)
        elif not may(caller.role, needed):
            raise Problem(
                403, f"This needs a key whose role is {needed}; this one's is {caller.role}."
            )

    def _look_for_keys(self) -> None:
        """Read the keys again, once a second; where there ever was a file, the door is closed."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _RELOAD
        try:
            self._verifier.reload()
        except SourceError as error:
            LOGGER.error("the keys can't be read, so none is right: %s", error)
        if self._verifier.keyed:
            self._door.close()

    def _require_own_page(
        self, needed: Role | None, scope: Mapping[str, Any], headers: Headers
    ) -> None:
        """Without keys, refuse what comes from elsewhere: by a proxy, by another site's page."""
        if was_forwarded(headers, scope["http_version"]):
            raise Problem(
                421,
                "Without keys the server answers programs of this machine alone, and this request "
                "came through a proxy. Add a key: penchant keys add.",
            )
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if _without_port(host) not in self._hosts:
            raise Problem(
                421,
                "Without keys the server answers on this machine alone, to a Host header such as "
                "localhost or 127.0.0.1. To call it by another name, add a key: penchant keys add.",
            )
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        site = headers.get(b"sec-fetch-site", b"same-origin").lower()
        foreign = origin not in ("", f"http://{host}", f"https://{host}")
        if foreign or (needed is not None and site in (b"cross-site", b"same-site")):
            raise Problem(403, "A page of another site may not use this server.")


def _unauthorized(tried: bool) -> Problem:
    detail = "Send a key: Authorization: Bearer ID.SECRET."
    if tried:
        detail = "This key is not known here. Ask whoever runs the server for one."
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
