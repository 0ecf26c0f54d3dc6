"""URLs whose passwords never show."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

_PLACE = re.compile(
    r"(?:[^@/?#]*@)?"  # user and password
    r"(?P<place>(?:\[[\da-fA-F:.]*\]|[^@/?#:,\[]*)(?::\d*)?(?:,[^@/?#:,]*(?::\d*)?)*(?:/[^@?#]*)?)"
    r"(?:\?[^@]*|(?<=@)\?.*)?"
)
_SECRET = re.compile(r"pass|secret|token|key|credential", re.I)
_UNCLEAR = "…"
_SAFE = re.compile(r"[^\w.-]+")


class URL:
    """The URL of a database or another place, which shows where it is and nothing else.

    Text that is made of it, in any way, lacks user, password and settings; where it isn't clear
    what of it is the password, all is left out. `reveal` alone returns the whole.

    >>> url = URL("postgresql://ann:hunter2@db:5432/shop?sslpassword=other2")
    >>> print(url, repr(url), f"{url}", url.name)
    postgresql://db:5432/shop 'postgresql://db:5432/shop' postgresql://db:5432/shop shop
    >>> url.hide("no password hunter2 for postgresql://ann:hunter2@db:5432/shop")
    'no password *** for postgresql://ann:***@db:5432/shop'
    """

    __slots__ = ("_whole",)

    def __init__(self, whole: str) -> None:
        self._whole = whole

    def reveal(self) -> str:
        """Return the whole URL, for a driver and for nobody else."""
        return self._whole

    @property
    def scheme(self) -> str:
        """What stands before the colon, in small letters and without a driver's name."""
        return self._whole.partition("://")[0].partition("+")[0].lower()

    def __str__(self) -> str:
        scheme, _, _ = self._whole.partition("://")
        return f"{scheme}://{self._place()}"

    def __repr__(self) -> str:
        return repr(str(self))

    @property
    def name(self) -> str:
        """What files that are made of it are called: the database's name, or "ratings"."""
        last = unquote(self._place()).rstrip("/").rpartition("/")
        name = last[2].partition(".")[0] if self.scheme == "sqlite" else last[1] and last[2]
        return _SAFE.sub("_", name).strip("._") or "ratings"

    def hide(self, text: str) -> str:
        """Return a text, such as a driver's message, with stars for what is secret in the URL."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def reason(self, error: Exception) -> str:
        """Return what a driver says, on one line and without what is secret.

        Of a URL of which it isn't clear what is the password, a driver may take any part for a
        port or a host, and name it.
        """
        if not self._is_clear:
            return (
                "its parts can't be told apart. Write letters such as @ : / ? # in the user, the "
                "password and the settings as %40 %3A %2F %3F %23"
            )
        return self.hide(" ".join(str(error).split()))

    @property
    def _is_clear(self) -> bool:
        return self._place() != _UNCLEAR

    def _place(self) -> str:
        rest = self._whole.partition("://")[2]
        if self.scheme == "sqlite" and rest.startswith("/"):
            return rest.partition("?")[0]
        found = _PLACE.fullmatch(rest)
        return found["place"] if found else _UNCLEAR

    def _secrets(self) -> set[str]:
        rest = self._whole.partition("://")[2]
        found = {rest.rpartition("@")[0].partition(":")[2]}
        found.add(rest.partition("?")[0].rpartition("@")[0].partition(":")[2])
        for part in re.split(r"[?&]", rest)[1:]:
            name, _, value = part.partition("=")
            if _SECRET.search(name):
                found.add(value)
        return {form for one in found for form in (one, unquote(one), unquote_plus(one))} - {""}


def hide(text: str, given: list[str]) -> str:
    """Return a text without the passwords of the URLs among what a person gave.

    >>> hide("what is --log postgresql://ann:x@db?", ["--log=postgresql://ann:x@db"])
    'what is --log postgresql://ann:***@db?'
    """
    for one in given:
        if "://" in one:
            text = URL(one).hide(text)
    return text
