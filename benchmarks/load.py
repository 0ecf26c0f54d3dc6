"""How fast the server answers: starts it, loads it with wrk, writes the table into docs/serve.md.

    python benchmarks/load.py [--seconds 15] [--models FOLDER] [--dry]

Needs wrk (Debian: apt-get install wrk). The client runs on the same machine as the server.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

from marks import put

import penchant as pc

RATING = b'[{"user": 1, "item": 1, "rating": 3}]'

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  kind, users, items, pause = args[1], tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  math.randomseed(number + 17)
end
function delay()  -- milliseconds: exponential, so that requests come as a Poisson process
  if pause == 0 then return 0 end
  return math.floor(-pause * math.log(1 - math.random()) + 0.5)
end
function request()
  local user, item = math.random(1, users), math.random(1, items)
  if kind == "write" then
    local pair = '{"user":' .. user .. ',"item":' .. item
    local body = '[' .. pair .. ',"rating":' .. math.random(1, 5) .. '}]'
    return wrk.format(nil, "/v1/ratings", nil, body)
  end
  local body = '{"user":' .. user .. ',"n":10'
  if kind == "new" then body = body .. ',"without":[' .. item .. ']' end
  return wrk.format(nil, "/v1/recommend", nil, body .. '}')
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('JSON {"rate":%.1f,"p50":%.3f,"p99":%.3f,"most":%.3f,"errors":%d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000,
    e.status + e.timeout + e.connect + e.read + e.write))
end
"""


class Size(NamedTuple):
    """A model to serve."""

    name: str
    users: int
    items: int
    ratings: int


SIZES = (
    Size("as MovieLens 100K", 943, 1_682, 100_000),
    Size("20,000 items", 10_000, 20_000, 1_000_000),
)


class Scene(NamedTuple):
    """Requests of one kind; rate 0 is as many as the server answers."""

    what: str
    kind: str
    rate: int
    workers: int


SCENES = (
    Scene("recommend, each answer found anew", "new", 200, 1),
    Scene("recommend, answers remembered until the next write", "same", 200, 1),
    Scene("write of a rating, folded in", "write", 20, 1),
    Scene("recommend at full speed, each answer found anew", "new", 0, 2),
    Scene("recommend at full speed, answers remembered", "same", 0, 2),
)


def saved(size: Size, folder: Path) -> Path:
    path = folder / f"load-{size.items}.penchant"
    if not path.exists():
        columns = (size.users, size.items, size.ratings)
        world = pc.synthetic(*columns, factors=8, noise=0.5, seed=1)
        gibbs = pc.Gibbs(rank=16, sweeps=70, burn_in=6, heads=64)
        pc.MatrixFactorization(200, gibbs).fit(world, validation=0.02, progress=False).save(path)
    return path


@contextlib.contextmanager
def server(bundle: Path, workers: int) -> Iterator[str]:
    shutil.rmtree(f"{bundle}.serving", ignore_errors=True)
    command = [sys.executable, "-m", "penchant", "serve", str(bundle), "--port", "0", "--json"]
    command += ["--rate", "1000000", "--burst", "1000000", "--workers", str(workers)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGTERM)


def wrk(url: str, scene: Scene, size: Size, seconds: int, script: Path) -> dict[str, float]:
    connections = 16
    pause = 1_000 * connections / scene.rate if scene.rate else 0
    kind = [scene.kind, str(size.users), str(size.items), str(pause)]
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    done = subprocess.run(
        ["wrk", *options, url, "--", *kind], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(re.search(r"JSON (.*)", done.stdout)[1])
    return found


def prepare(url: str, workers: int) -> None:
    """Ask each worker, by new connections, until all has loaded what it needs."""
    for path, body in (("recommend", b'{"user": 1}'), ("ratings", RATING)) * 8 * workers:
        asked = Request(f"{url}/v1/{path}", body, {"Content-Type": "application/json"})
        with urlopen(asked, timeout=120) as answer:
            answer.read()


def measured(folder: Path, seconds: int, script: Path) -> Iterator[str]:
    for size in SIZES:
        bundle = saved(size, folder)
        for scene in SCENES:
            with server(bundle, scene.workers) as url:
                prepare(url, scene.workers)
                wrk(url, scene, size, 3, script)
                found = wrk(url, scene, size, seconds, script)
            if found["errors"]:
                raise SystemExit(f"{scene}: {found}")
            asked = f"{scene.rate}" if scene.rate else "all it can"
            times = " | ".join(f"{found[name]:.1f}" for name in ("p50", "p99", "most"))
            row = f"| {size.name} | {scene.what} | {scene.workers} | {asked} | {found['rate']:.0f}"
            print(f"{row} | {times} |", flush=True)
            yield f"{row} | {times} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--models", type=Path, help="a folder to keep the models in")
    parser.add_argument("--dry", action="store_true", help="print alone, write nothing")
    wanted = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "load.lua")
        script.write_text(SCRIPT)
        rows = list(measured(wanted.models or Path(folder), wanted.seconds, script))
    if not wanted.dry:
        put("load", "Load, measured", table(rows, wanted.seconds), "serve.md")


def table(rows: list[str], seconds: int) -> str:
    names = ("model", "requests", "workers", "asked/s", "answered/s", "p50 ms", "p99 ms", "most ms")
    head = f"| {' | '.join(names)} |"
    cores = f"{os.cpu_count()} processors"
    machine = f"{cores}, {platform.machine()}, Python {platform.python_version()}"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- | --- |", *rows, ""]
    return "\n".join(
        [*lines, f"{seconds} s each, 16 connections; {machine}; wrk beside the server."]
    )


if __name__ == "__main__":
    main()
