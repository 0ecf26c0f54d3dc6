"""One solver on one split, in its own process and environment; prints one line of JSON.

    python worker.py SPLIT.npz JOB.json

The job: `solver`, `settings`, `threads`, `warm` (fits before the clock counts), `runs`. Wall and
CPU seconds are of `fit` alone, the CPU's over all threads; for ours there are those up to the end
of the last round, too.
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
        self.marks: dict[str, float] = {}
        self._began = 0.0, 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Time the block."""
        self._began = time.perf_counter(), time.process_time()
        yield
        self.wall, self.cpu = self._since()

    def _since(self) -> tuple[float, float]:
        return time.perf_counter() - self._began[0], time.process_time() - self._began[1]

    def mark(self, _: Any) -> None:
        """Note how far the block is: a callback, called after each round."""
        wall, cpu = self._since()
        self.marks = {"rounds_wall": wall, "rounds_cpu": cpu}


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
            fits.append({"wall": clock.wall, "cpu": clock.cpu, **clock.marks, **scores})
    print(json.dumps({"fits": fits}))  # the last line: libraries print what they like before it


if __name__ == "__main__":
    main()
