"""How our solvers grow: time of a round, memory, threads, on 1 to 100 million synthetic ratings.

    python benchmarks/growth.py [--millions 1 10 25 100] [--factors 32] [--solvers SGD ALS Gibbs]

Each measurement is a process of its own: rounds of the solver, training error included, the first
left out; wall time, and beside it the CPU time of all threads, which a busy machine changes less.
Memory is the peak of the process above what stood before `fit`, the ratings themselves (12 bytes
each) added to it. It is told in two parts, in bytes a rating: the model, which grows with the rows
and not with the ratings, counted exactly from the shapes (factors, biases, and for ALS and Gibbs
the tables that hold side information: directions, weights, prior means), and what is left beside.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from marks import put

import penchant as pc
from penchant.ids import IdMap
from penchant.ratings import Ratings, Scale
from penchant.solvers.spectrum import DIRECTIONS

SHAPES = {1: (6_000, 4_000), 10: (70_000, 10_000), 25: (160_000, 40_000), 100: (500_000, 80_000)}
"""Users and items for so many million ratings, about as in MovieLens' sets and beyond."""

ROUNDS = {1: 6, 10: 4, 25: 3, 100: 3}
_CHUNK = 5_000_000
_TRUTH = 4  # factors that the ratings are made of


def skewed(rng: np.random.Generator, size: int, n: int, power: float) -> Any:
    """Draw rows 1 … size, those in front far more often."""
    return (size * rng.random(n, dtype=np.float32) ** power).astype(np.int32) + 1


def ratings_of(millions: int, seed: int = 0) -> Ratings:
    """Make ratings from 1 to 5 of a known truth with noise."""
    M, N = SHAPES[millions]
    rng, n = np.random.default_rng(seed), millions * 1_000_000
    P = rng.normal(0, 0.5, (M + 1, _TRUTH)).astype(np.float32)
    Q = rng.normal(0, 0.5, (N + 1, _TRUTH)).astype(np.float32)
    users, items = np.empty(n, np.int32), np.empty(n, np.int32)
    values = np.empty(n, np.float32)
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        m = part.stop - part.start
        users[part], items[part] = skewed(rng, M, m, 1.7), skewed(rng, N, m, 2.5)
        dots = np.einsum("nk,nk->n", P[users[part]], Q[items[part]])
        noise = rng.standard_normal(m, dtype=np.float32)
        values[part] = np.clip(np.rint(3.5 + 1.2 * dots + 0.8 * noise), 1, 5)
    ids = (IdMap.of(np.arange(1, size + 1), name) for size, name in ((M, "user"), (N, "item")))
    return Ratings(users, items, values, *ids, Scale(1, 5), name=f"{millions}M")


def peak() -> float:
    """Return the most memory that the process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def now() -> float:
    """Return the memory that the process holds, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return float(pages * resource.getpagesize())


def solver_of(name: str, factors: int, rounds: int) -> Any:
    if name == "SGD":
        return pc.SGD(epochs=rounds)
    if name == "ALS":
        return pc.ALS(rank=factors, sweeps=rounds)
    return pc.Gibbs(rank=factors, sweeps=rounds, burn_in=rounds - 1, heads=1)


def model_bytes(name: str, M: int, N: int, factors: int, directions: int) -> tuple[float, float]:
    """Return the bytes of factors with biases, and those of the side matrices.

    The tables that stand at the peak, each once: for SGD those that train and those that are kept.
    ALS and Gibbs hold the halves, the kept ones or the head, the posterior's draws and the network;
    of side information the directions U and their V of both sides, the posterior's weights B, and
    the prior means of the larger side.
    """
    one = 4.0 * (M + N) * (factors + 1)
    if name == "SGD":
        return 2 * one, 0.0
    side = 4.0 * 2 * (M + N) * directions
    side += 4.0 * ((M + N) + max(M, N)) * (factors + 1)
    return 4 * one, side


def measure(name: str, millions: int, factors: int, threads: int) -> dict[str, float]:
    """Train for some rounds; return seconds and bytes."""
    small = ratings_of(1).take(np.arange(20_000))
    solver_of(name, factors, 2).fit(small, factors=factors, threads=threads)  # compiles
    ratings = ratings_of(millions)
    M, N = ratings.user_ids.size, ratings.item_ids.size
    table = 12.0 * len(ratings)
    before, marks, cpu = now(), [time.perf_counter()], [time.process_time()]

    def mark(_: Any) -> None:
        marks.append(time.perf_counter())
        cpu.append(time.process_time())

    solver = solver_of(name, factors, ROUNDS[millions])
    fitted = solver.fit(
        ratings, factors=factors, threads=threads,
        callbacks=[mark],
    )  # fmt: skip
    model, side = model_bytes(name, M, N, factors, DIRECTIONS)
    above = peak() - before + table
    return {
        "total": time.perf_counter() - marks[0],
        "round": float(np.diff(marks)[1:].min()),
        "cpu": float(np.diff(cpu)[1:].min()),
        "peak": peak(),
        "factors": model / len(ratings),
        "side": side / len(ratings),
        "beside": (above - model - side) / len(ratings),
        "rmse": float(fitted.history.column("train_rmse")[-1]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=list(SHAPES))
    parser.add_argument("--factors", type=int, default=32)
    parser.add_argument("--solvers", nargs="+", default=["SGD", "ALS", "Gibbs"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--one", action="store_true", help="measure here and print JSON")
    args = parser.parse_args()
    if args.one:
        one = measure(args.solvers[0], args.millions[0], args.factors, args.threads[0])
        print(json.dumps(one))
        return
    lines = [
        "Bytes are those of a rating.",
        "",
        "| solver | ratings | threads | s a round | ns a rating | CPU ns a rating | "
        "bytes beside | side matrices | factors | peak GB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in args.solvers:
        for millions in args.millions:
            for threads in args.threads:
                lines.append(line(name, millions, args.factors, threads))
                print(lines[-1], flush=True)
    put("growth", f"Growth, {args.factors} factors", "\n".join(lines))


def line(name: str, millions: int, factors: int, threads: int) -> str:
    """Measure in a process of its own; return a line of the table."""
    command = [sys.executable, __file__, "--one", "--factors", str(factors)]
    command += ["--solvers", name, "--millions", str(millions), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        what = f"failed: {done.stderr[-200:].strip()}"
        return f"| {name} | {millions}M | {threads} | {what} | | | | | | |"
    got = json.loads(done.stdout.splitlines()[-1])
    return (
        f"| {name} | {millions}M | {threads} | {got['round']:.2f} | "
        f"{got['round'] / millions * 1000:.0f} | {got['cpu'] / millions * 1000:.0f} | "
        f"{got['beside']:.0f} | {got['side']:.0f} | {got['factors']:.0f} | "
        f"{got['peak'] / 1e9:.1f} |"
    )


if __name__ == "__main__":
    main()
