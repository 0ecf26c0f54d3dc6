"""What writes to a server's log cost, how long a start takes, and whether memory grows.

    python benchmarks/serving_log.py [ratings.penchant]

A model of the size of MovieLens 100K (943 users, 1,682 items, 100,000 ratings; the default solver)
is trained on drawn ratings, or a bundle is given. In one process, with the log in SQLite:

- writes: 1,000 ratings of known pairs and new ones, each acknowledged (synced to the disk, folded
  in) before the next; the time of each, as a whole and of its parts.
- start: 100,000 events are in the log and none of them in the bundle; the time until a service
  answers, in a fresh process, imports apart.
- forget: of a user with an average number of ratings, with three bundles kept.
- memory: resident memory after 2,000 and after 10,000 further writes of the same 2,000 pairs.

Times are the process' own; its table goes into docs/serve-faults.md.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import marks
import numpy as np

import penchant as pc
from penchant.serve import Rating, Service
from penchant.serve.log.replay import Said

WRITES, EVENTS, LONG = 1_000, 100_000, 10_000


def resident():
    """Resident memory in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def drawn(random, n, users, items):
    """Distinct pairs of user and item, and a rating of each."""
    pairs = random.choice(users * items, n, replace=False)
    return [
        Rating(int(pair // items) + 1, int(pair % items) + 1, float(random.integers(1, 6)))
        for pair in pairs
    ]


def bundle_in(folder):
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    ratings = pc.synthetic(
        n_users=943, n_items=1682, n_ratings=100_000, factors=8, noise=0.6, seed=1
    )
    model = pc.MatrixFactorization(seed=0).fit(ratings, progress=False)
    model.save(folder / "films.penchant")
    return folder / "films.penchant"


def milliseconds(times):
    part = np.percentile(np.array(times) * 1000, [50, 99, 100])
    return " / ".join(f"{value:.1f}" for value in part)


def writes(bundle, random, folder):
    with Service.open(bundle, compact_after=None, folder=folder) as service:
        each, alone, cpu = [], [], []
        ratings = drawn(random, WRITES, 1000, 1700)  # new users and items among them
        service.rate([ratings[0]])
        for rating in ratings:
            begin, worked = time.perf_counter(), time.thread_time()
            service.rate([rating])
            each.append(time.perf_counter() - begin)
            cpu.append(time.thread_time() - worked)
        for _ in range(200):
            begin = time.perf_counter()
            with service._log.appending() as append:
                append.add({(1, 1): Said(3.0, None)})
            alone.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        service.compact()
        compacted = time.perf_counter() - begin
        begin = time.perf_counter()
        service.forget(500)
        forgotten = time.perf_counter() - begin
    return (each, cpu, alone), compacted, forgotten


START = """
import sys, time
from penchant.serve import Service
import penchant.posterior, penchant.fold_in.by_posterior, penchant.recommender.matrix_factorization
begin, cpu = time.perf_counter(), time.process_time()
with Service.open(sys.argv[1], compact_after=None, folder=sys.argv[2]) as service:
    with service.reading() as model:
        model.recommend(1)
    print(time.perf_counter() - begin, time.process_time() - cpu, service.status().position)
"""


def start(bundle, random, folder):
    with Service.open(bundle, compact_after=None, folder=folder) as service:
        with service.reading() as model:
            newest = model.newest_time
        ratings = drawn(random, EVENTS, 1000, 1700)
        for begin in range(0, EVENTS, 5_000):
            some = {(r.user, r.item): Said(r.value, newest) for r in ratings[begin : begin + 5_000]}
            with service._log.appending() as append:
                append.add(some)
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", START, str(bundle), str(folder)],
            capture_output=True,
            text=True,
            check=True,
        )
        wall, cpu, position = map(float, done.stdout.split())
        assert position == EVENTS
        runs.append((wall, cpu))
    return min(runs)


def memory(bundle, random, folder):
    with Service.open(bundle, compact_after=None, folder=folder) as service:
        ratings = drawn(random, 2_000, 943, 1682)
        for rating in ratings:
            service.rate([rating])
        before = resident()
        for n in range(LONG):
            service.rate([ratings[n % len(ratings)]._replace(value=float(1 + n % 5))])
        return before, resident()


def main():
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        bundle = bundle_in(folder)
        (each, cpu, alone), compacted, forgotten = writes(bundle, random, folder / "writes")
        wall, worked = start(bundle, random, folder / "start")
        before, after = memory(bundle, random, folder / "memory")
    rows = [
        ("a rating: in the log and folded in, ms (median / p99 / worst)", milliseconds(each)),
        ("of that the processor's time, ms", milliseconds(cpu)),
        ("the log alone, synced, ms", milliseconds(alone)),
        ("start with 100,000 events to put in, s (of it processor)", f"{wall:.2f} ({worked:.2f})"),
        ("compaction, s", f"{compacted:.2f}"),
        ("forgetting a user in answers, log and 3 bundles, s", f"{forgotten:.2f}"),
        (
            "resident memory after 2,000 writes, and 10,000 further ones, MB",
            f"{before / 1e6:.0f}, {after / 1e6:.0f}",
        ),
    ]
    text = "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])
    print(text)
    marks.put("serving-log", "Figures", text, "serve-faults.md")


if __name__ == "__main__":
    main()
