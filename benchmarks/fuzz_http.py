"""Malformed requests, thousands of them or for minutes, and what a real server makes of them.

    python benchmarks/fuzz_http.py [--requests 10000] [--seconds 300]

No answer may be a 500 or hold a stack trace, each refusal is a problem document, and the server's
memory may not grow. Prints a line now and then, and the memory at the end.
"""

from __future__ import annotations

import argparse
import collections
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fuzz_requests import exchanged, fault, request

import penchant as pc

PROGRAM = """
import sys
from penchant.serve.gate.limits import Limits
from penchant.serve.running import Serving, serve
limits = Limits(rate=1e9, burst=10**9, header_seconds=0.3, body_seconds=0.3)
serve(Serving(sys.argv[1], port=0, limits=limits), lambda url, keys, open_: print(url, flush=True))
"""


def saved(folder: Path) -> Path:
    world = pc.synthetic(n_users=200, n_items=100, n_ratings=4_000, factors=3, noise=0.4, seed=1)
    gibbs = pc.Gibbs(rank=4, sweeps=12, burn_in=4, heads=4)
    model = pc.MatrixFactorization(8, gibbs).fit(world, validation=0.1, progress=False)
    model.save(folder / "films.penchant")
    return folder / "films.penchant"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0, help="go on for so long, a soak")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", PROGRAM, str(saved(Path(folder)))]
        log = Path(folder, "log")
        with (
            log.open("w") as lines,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, text=True) as process,
        ):
            try:
                url = process.stdout.readline().strip()
                host, _, port = url.removeprefix("http://").partition(":")
                faults, memory, done = fuzz((host, int(port)), process.pid, wanted)
            finally:
                process.send_signal(signal.SIGTERM)
        errors = [line for line in log.read_text().splitlines() if not is_quiet(line)]
    print(f"{done:,} requests, {len(faults)} faults, {len(errors)} errors in the log")
    print("memory in MB: " + " ".join(f"{one:.1f}" for one in memory))
    for number, told in faults[:20]:
        print(f"request({number}): {told}")
    for line in errors[:5]:
        print(line)
    sys.exit(bool(faults or errors))


def is_quiet(line: str) -> bool:
    """Whether a line of the log is one object, and tells of no error."""
    try:
        return json.loads(line)["level"] in ("info", "warning")
    except ValueError:
        return False


def megabytes(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the server is gone")


def fuzz(address, process, wanted):
    faults, memory, begun = [], [], time.monotonic()
    statuses: collections.Counter[str] = collections.Counter()
    every = max(1, wanted.requests // 10)
    number = 0
    while number < wanted.requests or time.monotonic() - begun < wanted.seconds:
        data, method = request(number)
        answer = exchanged(address, data, method)
        statuses[answer[9:12].decode() or "none"] += 1
        told = fault(method, answer)
        if told:
            faults.append((number, told))
        number += 1
        if number % every == 0:
            memory.append(megabytes(process))
            print(f"{number:,} {dict(statuses)} {memory[-1]:.1f} MB", flush=True)
    return faults, memory, number


if __name__ == "__main__":
    main()
