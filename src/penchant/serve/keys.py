"""Keys: who may read, write and administer; kept as hashes in a file beside the bundle."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from pathlib import Path
from typing import Any, Literal

from penchant.atomic import new_file
from penchant.errors import MissingExtraError, SourceError, UnknownIdError
from penchant.settings import require, require_choice

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = ("read", "write", "admin")
"""Each may do what those before it may."""

_FORMAT = 1
_TOKEN = re.compile(r"([0-9a-f]{12})\.([A-Za-z0-9_-]{43})")
_SECRET_BYTES = 32
_REMEMBERED = 10_000  # verified keys


def may(role: Role, needed: Role) -> bool:
    """Return whether a role may do what another may.

    >>> may("write", "read"), may("write", "admin")
    (True, False)
    """
    return ROLES.index(role) >= ROLES.index(needed)


@dataclasses.dataclass(frozen=True)
class Key:
    """One key, without its secret.

    Attributes:
        id: names it; no secret.
        role: what it may do.
        hash: Argon2id of the secret.
        created: the time, UTC.
    """

    id: str
    role: Role
    hash: str
    created: str


class KeyFile:
    """The keys of a bundle, in a file beside it that only its owner may read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = KeyFile.beside(f"{folder}/films.penchant")
    ...     key, token = file.add("read")
    ...     [known.role for known in file.read()], Verifier(file).verify(token) == key
    (['read'], True)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, bundle: str | os.PathLike[str]) -> KeyFile:
        """Return the file of a bundle's keys; there may be none yet."""
        folder = Path(os.path.abspath(bundle))
        return cls(folder.with_name(f"{folder.name}.keys.json"))

    def read(self) -> tuple[Key, ...]:
        """Return the keys, oldest first; none where there is no file.

        Raises `SourceError` where the file can't be read or isn't ours.
        """
        try:
            said = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            raise SourceError(f"The keys in {self.path} can't be read: {error}.") from None
        keys = _parsed(said)
        if keys is None:
            raise SourceError(f"{self.path} is no file of keys. Remove it, and add keys anew.")
        return keys

    def add(self, role: Role) -> tuple[Key, str]:
        """Make a key; return it with its token ``id.secret``, which is kept nowhere.

        Raises `SettingsError` for another role.
        """
        require_choice("role", role, ROLES)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        key = Key(secrets.token_hex(6), role, _hasher().hash(secret), now)
        self._write((*self.read(), key))
        return key, f"{key.id}.{secret}"

    def remove(self, id_: str) -> Key:
        """Take a key away; a server that runs refuses it within a second.

        Raises `UnknownIdError` where there is no such key.
        """
        keys = self.read()
        found = [key for key in keys if key.id == id_]
        if not found:
            raise UnknownIdError(
                f"There is no key {id_!r} in {self.path}. See: penchant keys list."
            )
        self._write(tuple(key for key in keys if key.id != id_))
        return found[0]

    def stamp(self) -> tuple[int, ...] | None:
        """Return what changes when the file does; None where there is none."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _write(self, keys: tuple[Key, ...]) -> None:
        require(
            self.path.parent.is_dir(),
            f"There is no folder {self.path.parent} to keep keys in. Give the path of the bundle.",
        )
        said = {"format": _FORMAT, "keys": [dataclasses.asdict(key) for key in keys]}
        try:
            with new_file(self.path) as file:
                os.chmod(file.name, 0o600)
                file.write(json.dumps(said, indent=1).encode())
        except OSError as error:
            raise SourceError(
                f"{self.path} can't be written: {error.strerror or error}. Choose a folder that "
                f"you may write to, and that has room."
            ) from error


class Verifier:
    """Says whose a token is.

    A token that was right once is remembered by its HMAC under a secret of this process, so that
    Argon2 runs once for each. A token with an unknown id is held against a hash that no secret has,
    so that it takes as long as a wrong secret of a known one.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._process_secret = secrets.token_bytes(32)
        self._right: dict[bytes, Key] = {}
        self._decoy = _hasher().hash(secrets.token_urlsafe(_SECRET_BYTES))
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._keys: dict[str, Key] = {}
        self.reload()

    @property
    def has_keys(self) -> bool:
        """Whether there is any key."""
        return bool(self._keys)

    def reload(self) -> None:
        """Read the file again where it has changed.

        Raises `SourceError` where it can't be read; then there is no key that is right.
        """
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        self._keys, self._stamp = {}, stamp
        self._keys = {key.id: key for key in self._file.read()}

    def remembered(self, token: str) -> Key | None:
        """Return the key of a token that was right before and still is, at the cost of an HMAC."""
        key = self._right.get(self._digest(token))
        return key if key is not None and self._keys.get(key.id) == key else None

    def verify(self, token: str) -> Key | None:
        """Return the key of a token, or None: some 20 ms of Argon2, whatever the token is."""
        form = _TOKEN.fullmatch(token)
        id_, secret = form.groups() if form else ("", "")
        key = self._keys.get(id_)
        with self._lock:  # one at a time: each takes 19 MiB
            right = _matches(self._decoy if key is None else key.hash, secret)
        if key is None or not right:
            return None
        if len(self._right) >= _REMEMBERED:
            self._right.clear()
        self._right[self._digest(token)] = key
        return key

    def _digest(self, token: str) -> bytes:
        given = token.encode("utf-8", "surrogatepass")
        return hmac.digest(self._process_secret, given, hashlib.sha256)


def _parsed(said: Any) -> tuple[Key, ...] | None:
    """Return the keys that a file holds, or None where it is no file of keys."""
    try:
        keys = tuple(Key(**one) for one in said["keys"])
        known = said["format"] == _FORMAT and all(key.role in ROLES for key in keys)
        text = all(isinstance(value, str) for key in keys for value in dataclasses.astuple(key))
    except (KeyError, TypeError):
        return None
    return keys if known and text else None


def _matches(hash_: str, secret: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(hash_, secret))
    except (VerificationError, InvalidHashError):
        return False


@functools.cache
def _hasher() -> Any:
    """Return Argon2id with OWASP's least settings: the secrets are random, of 256 bits."""
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise MissingExtraError(
            "Keys need Argon2, which isn't installed. Install it with: pip install penchant[serve]"
        ) from None
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
