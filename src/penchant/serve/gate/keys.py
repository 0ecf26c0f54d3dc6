"""Keys: who may read, write and administer; kept as hashes in a file beside the bundle."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import hmac
import json
import os
import re
import secrets
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

from penchant.atomic import new_file
from penchant.errors import SourceError, UnknownIdError
from penchant.serve.locking import alone
from penchant.settings import require, require_choice

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = ("read", "write", "admin")
"""Each may do what those before it may."""

_FORMAT = 2
_TOKEN = re.compile(r"([0-9a-f]{12})\.([A-Za-z0-9_-]{43})")
_SECRET_BYTES = 32
_NOBODY = "0" * 64
_PATIENCE = 30.0  # seconds to wait for others who add or remove keys


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
        digest: SHA-256 of the secret.
        created: the time, UTC.
    """

    id: str
    role: Role
    digest: str
    created: str


class KeyFile:
    """The keys of a bundle, in a file beside it that only its owner may read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = KeyFile.beside(f"{folder}/films.penchant")
    ...     key, token = file.add("read")
    ...     [known.role for known in file.read()], Verifier(file).key_of(token) == key
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
            raise SourceError(
                f"{self.path} is no file of keys of this version. Remove it, and add keys anew."
            )
        return keys

    def add(self, role: Role) -> tuple[Key, str]:
        """Make a key; return it with its token ``id.secret``, which is kept nowhere.

        Raises `SettingsError` for another role.
        """
        require_choice("role", role, ROLES)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        key = Key(secrets.token_hex(6), role, _digest(secret), now)
        with self._alone():
            self._write((*self.read(), key))
        return key, f"{key.id}.{secret}"

    def remove(self, id_: str) -> Key:
        """Take a key away; a server that runs refuses it within a second.

        Raises `UnknownIdError` where there is no such key.
        """
        with self._alone():
            keys = self.read()
            found = [key for key in keys if key.id == id_]
            if not found:
                raise UnknownIdError(
                    f"There is no key {id_!r} in {self.path}. See: penchant keys list."
                )
            self._write(tuple(key for key in keys if key.id != id_))
        return found[0]

    def stamp(self) -> tuple[int, ...] | None:
        """Return what changes when the file does; None where there is surely none."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _alone(self) -> AbstractContextManager[None]:
        """Be the only one who changes the file, from reading it to writing it."""
        require(
            self.path.parent.is_dir(),
            f"There is no folder {self.path.parent} to keep keys in. Give the path of the bundle.",
        )
        lock = self.path.with_suffix(".lock")
        return alone(lock, _PATIENCE, f"{self.path} is being changed. Try again.")

    def _write(self, keys: tuple[Key, ...]) -> None:
        said = {"format": _FORMAT, "keys": [dataclasses.asdict(key) for key in keys]}
        try:
            with new_file(self.path, mode=0o600) as file:
                file.write(json.dumps(said, indent=1).encode())
        except OSError as error:
            raise SourceError(
                f"{self.path} can't be written: {error.strerror or error}. Choose a folder that "
                f"you may write to, and that has room."
            ) from error


class Verifier:
    """Says whose a token is.

    The secret of an unknown id is held against a digest that no secret has, so that it takes as
    long as a wrong secret of a known one.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._stamp: tuple[int, ...] | None = None
        self._keys: dict[str, Key] = {}
        self.reload()

    @property
    def keyed(self) -> bool:
        """Whether there was a file of keys at the last look, be there keys in it or not."""
        return self._stamp is not None

    def reload(self) -> None:
        """Read the file again where it has changed.

        Raises `SourceError` where it can't be read; then there is no key that is right.
        """
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        self._keys, self._stamp = {}, stamp
        self._keys = {key.id: key for key in self._file.read()}

    def key_of(self, token: str) -> Key | None:
        """Return the key of a token, or None."""
        form = _TOKEN.fullmatch(token)
        id_, secret = form.groups() if form else ("", "")
        key = self._keys.get(id_)
        right = hmac.compare_digest(_NOBODY if key is None else key.digest, _digest(secret))
        return key if right else None


def _parsed(said: Any) -> tuple[Key, ...] | None:
    """Return the keys that a file holds, or None where it is no file of keys."""
    try:
        keys = tuple(Key(**one) for one in said["keys"])
        known = said["format"] == _FORMAT and all(key.role in ROLES for key in keys)
        text = all(isinstance(value, str) for key in keys for value in dataclasses.astuple(key))
        ascii_ = text and all(key.digest.isascii() for key in keys)
    except (KeyError, TypeError):
        return None
    return keys if known and ascii_ else None


def _digest(secret: str) -> str:
    """Return what is kept of a secret.

    A slow hash makes guessing hard where people choose the secrets. These have 256 random bits:
    nobody guesses one, and a fast hash leaves whoever sends wrong ones nothing to slow down.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
