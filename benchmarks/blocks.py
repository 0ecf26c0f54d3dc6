"""Training from blocks on threads and on Ray: seconds of CPU, memory, bytes sent, equal bits.

Each training is a process of its own, which is charged with all that it starts, where there is a
loopback device alone (`accounts.py`). Of each engine one training is short and one long: the
difference tells what a sweep costs, without Ray's start and the passes before the first sweep.

    python benchmarks/blocks.py [--ratings 10000000,100000000] [--ray 10000000] [--work D] [--write]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import blocks_write
import marks
import parts
from accounts import account

SHORT, LONG, RANK = 2, 8, 64

TRAIN = """
import hashlib, json, sys
import numpy as np
import penchant as pc
from penchant.blocks.engines.by_name import engine_of
from penchant.blocks.train.start import train_blocks
from penchant.store import BlockStore
told = json.loads(sys.argv[1])
store = BlockStore.open(told["store"])
solver = pc.ALS(rank=told["rank"], sweeps=told["sweeps"])
threads = 2 if told["engine"] == "threads" else None
engine = engine_of(told["engine"], threads=threads)
fitted = train_blocks(solver, store, factors=told["rank"], seed=0, engine=engine)
digest = hashlib.sha256()
for array in fitted.factors.arrays().values():
    digest.update(np.ascontiguousarray(array).tobytes())
rows = np.arange(1, 1001, dtype=np.int32)
digest.update(fitted.factors.predict(rows, rows).tobytes())
records = fitted.history.records
print(json.dumps(dict(
    checksum=digest.hexdigest()[:16], rmse=records[-1]["network_watch_rmse"],
    sent=records[0]["sent"], blocks=len(store.user_spans), ratings=len(store),
    users=store.n_users, items=store.n_items,
)))
"""


def charged(**told: object) -> dict[str, Any]:
    """Train in a process of its own; return what it says, and what it and its children took."""
    command = [sys.executable, "-c", TRAIN, json.dumps(told)]
    took = account(command, RAY_USAGE_STATS_ENABLED="0")
    used = {"cpu": took.cpu, "seconds": took.seconds, "peak": took.peak}
    return json.loads(took.out.splitlines()[-1]) | used


def compared(store: Path, engine: str) -> str:
    """Return a line of the table."""
    short, long = (
        charged(store=str(store), engine=engine, sweeps=sweeps, rank=RANK)
        for sweeps in (SHORT, LONG)
    )
    sweep = (long["cpu"] - short["cpu"]) / (LONG - SHORT)
    wall = (long["seconds"] - short["seconds"]) / (LONG - SHORT)
    return (
        f"| {long['ratings']:,} | {long['users']:,} | {long['items']:,} | {long['blocks']} | "
        f"{engine} | {long['cpu']:.0f} | {long['seconds']:.0f} | {sweep:.2f} | {wall:.2f} | "
        f"{long['peak']:.2f} | {long['sent'] / 1e6:,.0f} | {long['rmse']:.4f} | "
        f"`{long['checksum']}` |"
    )


def store_of(work: Path, ratings: int) -> Path:
    """Return a store of synthetic ratings; it is written where it isn't there."""
    users, items = min(1_000_000, ratings // 100), min(50_000, ratings // 200)
    folder = work / f"penchant-blocks-{ratings}-users"
    if not (folder / "index.json").exists():
        source = work / f"penchant-parts-{ratings}"
        parts.draw(source, ratings, users, items)
        blocks_write.measured(source, folder, by_item=False, test=0.1, memory=1024)
    return folder


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", default="10000000,100000000")
    parser.add_argument("--ray", default="10000000", help="which of them on Ray too")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = [
        "| ratings | users | items | blocks | engine | CPU seconds | seconds | CPU seconds a sweep "
        "| seconds a sweep | largest process, GiB | sent for items a sweep, MB | RMSE held out | "
        "checksum |",
        "| --- " * 13 + "|",
    ]
    print("\n".join(lines), flush=True)
    on_ray = given.ray.split(",")
    for ratings in given.ratings.split(","):
        store = store_of(given.work, int(ratings))
        for engine in ("threads", "ray") if ratings in on_ray else ("threads",):
            lines.append(compared(store, engine))
            print(lines[-1], flush=True)
    told = (
        f"ALS of rank {RANK}, {LONG} sweeps, two tasks at once, "
        f"{len(os.sched_getaffinity(0))} processors, synthetic ratings of which a tenth is held "
        f"out: `python benchmarks/blocks.py --write`. A sweep is the difference of {LONG} and "
        f"{SHORT} sweeps. The checksum is of P, Q, biases and predictions.\n\n" + "\n".join(lines)
    )
    if given.write:
        marks.put("training", "Training, measured", told, "blocks.md")


if __name__ == "__main__":
    main()
