"""Whether who has no key may come in: decided before a worker exists, and only ever stricter.

====================================  ========================================================
no file of keys, a loopback listener  open, until a file of keys is seen; then closed
a file of keys, also one without any  closed
no file of keys, any other listener   the server doesn't start
====================================  ========================================================

A door that is closed never opens while its server runs, whatever becomes of the file of keys, in
any worker and in those that replace it. An open one lets nobody in who came through a proxy.
"""

from __future__ import annotations

import ipaddress
import multiprocessing
from collections.abc import Mapping

from penchant.errors import SettingsError

_PROXIES = (b"forwarded", b"via", b"x-real-ip")


class Door:
    """The door of one server, shared by all of its workers: a worker gets it when it is started.

    >>> door = Door(open_=True)
    >>> door.close()
    >>> door.open
    False
    """

    def __init__(self, *, open_: bool) -> None:
        # One byte of memory that the processes share, and no lock that a killed one could hold.
        self._closed = multiprocessing.get_context("spawn").RawValue("b", not open_)

    @property
    def open(self) -> bool:
        """Whether who has no key may come in."""
        return not self._closed.value

    def close(self) -> None:
        """Let nobody in without a key, from now on, in all workers."""
        self._closed.value = True


def decided(address: str, host: str, *, keyed: bool) -> Door:
    """Return the door of a server that begins.

    Args:
        address: that the listener is bound to.
        host: what was asked for, to be named in the error.
        keyed: whether there is a file of keys, be there keys in it or not.

    Raises `SettingsError` where everybody could come in.
    """
    if not keyed and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise SettingsError(
            f"There is no key, so the server answers this machine alone, and not at "
            f"--host {host!r}. Make a key first: penchant keys add BUNDLE --role read. Or leave "
            f"--host out."
        )
    return Door(open_=not keyed)


def was_forwarded(headers: Mapping[bytes, bytes], version: str) -> bool:
    """Return whether a request shows that it came through a proxy.

    nginx adds no header unless it is told to, but speaks HTTP/1.0 then.

    >>> was_forwarded({b"x-forwarded-for": b"203.0.113.7"}, "1.1"), was_forwarded({}, "1.0")
    (True, True)
    """
    return version == "1.0" or any(
        name in _PROXIES or name.startswith(b"x-forwarded-") for name in headers
    )
