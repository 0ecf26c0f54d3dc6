"""One solver on one split, in its own process and environment; prints one line of JSON.

    python worker.py SPLIT.npz JOB.json

The job: `solver`, `settings`, `threads`, `warm` (fits before the clock counts), `runs`. Wall and
CPU seconds are of `fit` alone, the CPU's over all threads.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class Clock:
    """Times the one block of a run that fits."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Time the block."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall, self.cpu = time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    with open(sys.argv[2], encoding="utf-8") as file:
        job: dict[str, Any] = json.load(file)
    with np.load(sys.argv[1]) as arrays:
        split = dict(arrays)
    if job["solver"] == "penchant":
        from ours import penchant

        known = {"penchant": penchant}
    else:
        from fits import PEERS

        known = PEERS
    fit, truth = known[job["solver"]], split["test_values"].astype(float)
    fits = []
    for run in range(job["warm"] + job["runs"]):
        clock = Clock()
        predicted = fit(split, clock, job["threads"], **job["settings"])
        error = np.clip(predicted, truth.min(), truth.max()) - truth
        scores = {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.abs(error).mean())}
        if run >= job["warm"]:
            fits.append({"wall": clock.wall, "cpu": clock.cpu, **scores})
    print(json.dumps({"fits": fits}))  # the last line: libraries print what they like before it


if __name__ == "__main__":
    main()
