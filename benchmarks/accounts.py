"""What a command takes with all that it starts: CPU seconds, and the largest process.

Linux alone. The command runs in a network namespace of its own (`unshare -n`, root), which its
children can't leave however they are started; whatever lives there is read from `/proc` a few times
a second. Waiting for children doesn't do: a process that ignores their end, as Ray's do, hides what
they used. What a process uses in its last moments, a poll's length at the most, is missed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

POLL = 0.1
TICKS = os.sysconf("SC_CLK_TCK")
INSIDE = 'ip link set lo up && exec "$0" "$@"'


class Account(NamedTuple):
    """What was used.

    Attributes:
        out: what the command printed.
        cpu: seconds of all processes.
        seconds: wall time.
        peak: GiB, the largest resident size of a process.
    """

    out: bytes
    cpu: float
    seconds: float
    peak: float


def account(command: list[str], **environment: str) -> Account:
    """Run a command to its end, and count; raises where it fails."""
    used: dict[tuple[str, str], tuple[float, float]] = {}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", INSIDE, *command],
            stdout=out,
            env={**os.environ, **environment},
        )
        outside = _namespace("self")
        while process.poll() is None:
            inside = _namespace(str(process.pid))
            if inside not in (None, outside):
                _read(inside, used)
            time.sleep(POLL)
        seconds = time.perf_counter() - began
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        out.seek(0)
        said = out.read()
    cpu, peaks = (list(column) for column in zip(*used.values(), strict=True))
    return Account(said, sum(cpu), seconds, max(peaks))


def _namespace(pid: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:  # it has ended
        return None


def _read(inside: str | None, used: dict[tuple[str, str], Any]) -> None:
    """Note what each process in a namespace has used so far, by its number and start."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if _namespace(pid) != inside:
            continue
        try:
            fields = (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            )
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        peak = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        cpu = (int(fields[11]) + int(fields[12])) / TICKS
        used[pid, fields[19]] = cpu, max(peak, default=0) / 2**20
