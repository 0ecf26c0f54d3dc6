"""Writing a block store out of core: seconds of CPU, memory, bytes, at several sizes.

Each store is written in a process of its own. There are a hundredth as many users as ratings, at
most a million.

    python benchmarks/blocks_write.py [--ratings 10000000,100000000] [--work DIR] [--write]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import marks
import parts

TIMED = """
import json, pathlib, resource, sys, time
from penchant.blocks.write import build
from penchant.store import BlockStore
settings = json.loads(sys.argv[1])
start = time.perf_counter()
store = build(settings.pop("source"), settings.pop("folder"), quiet=True, **settings)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
status = pathlib.Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
start = time.process_time()
size = store.verify()
print(json.dumps(dict(
    seconds=seconds, cpu=used.ru_utime + used.ru_stime, peak=peak, ratings=store.n_ratings,
    tests=store.n_test, users=store.n_users, items=store.n_items, blocks=len(store.user_spans),
    bytes=sum(e.bytes for n, e in store.index.files.items() if n.startswith("user-")),
    size=size, verify=time.process_time() - start,
)))
"""


def measured(source: Path, folder: Path, **settings: object) -> dict[str, float]:
    """Write one store in a process of its own and return its figures."""
    if folder.exists():
        shutil.rmtree(folder)
    told = json.dumps({"source": str(source), "folder": str(folder), **settings})
    done = subprocess.run(
        [sys.executable, "-c", TIMED, told], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", default="10000000,100000000")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--memory", type=int, default=1024)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = [
        "| ratings | users | items | copy by item | CPU seconds | seconds | peak memory, MB | "
        "blocks | bytes a rating | all files, MB | verifying, CPU seconds |",
        "| --- " * 11 + "|",
    ]
    for ratings in map(int, given.ratings.split(",")):
        users, items = min(1_000_000, ratings // 100), min(50_000, ratings // 200)
        source = given.work / f"penchant-parts-{ratings}"
        parts.draw(source, ratings, users, items)
        for by_item in (False, True):
            folder = given.work / f"penchant-blocks-{ratings}-{'both' if by_item else 'users'}"
            got = measured(source, folder, by_item=by_item, test=0.1, memory=given.memory)
            lines.append(
                f"| {ratings:,} | {got['users']:,} | {got['items']:,} | "
                f"{'yes' if by_item else 'no'} | {got['cpu']:.0f} | {got['seconds']:.0f} | "
                f"{got['peak']:,.0f} | {got['blocks']} | {got['bytes'] / got['ratings']:.2f} | "
                f"{got['size'] / 1e6:,.0f} | {got['verify']:.1f} |"
            )
            print(lines[-1], flush=True)
    told = (
        f"Synthetic Parquet parts (`benchmarks/parts.py`), a tenth held out, "
        f"{given.memory:,} MB for sorting, processors: {len(os.sched_getaffinity(0))}; "
        f"`python benchmarks/blocks_write.py --write`.\n\n" + "\n".join(lines)
    )
    print(told)
    if given.write:
        marks.put("writing", "Writing, measured", told, "blocks.md")


if __name__ == "__main__":
    main()
