"""How our solvers grow: time of a round, memory, threads, on 1 to 100 million synthetic ratings.

    python benchmarks/growth.py [--millions 1 10 25 100] [--solvers SGD ALS Gibbs] [--write]

Each measurement is a process of its own: rounds of the solver, training error included, the first
left out; wall time, and beside it the CPU time of all threads, which a busy machine changes less.
Memory is the most that the process holds while it trains. How many bytes of it go with a rating is
measured, too: the same training is done with half of the ratings of as many users and items, and
the difference is told, the ratings' own 12 bytes within it. The rest grows with users and items:
factors, side information, what solving them takes.
"""

from __future__ import annotations

import argparse
import json
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

SHAPES = {1: (6_000, 4_000), 10: (70_000, 10_000), 25: (160_000, 40_000), 100: (500_000, 80_000)}
"""Users and items for so many million ratings, about as in MovieLens' sets and beyond."""

ROUNDS = {1: 6, 10: 4, 25: 3, 100: 3}
_CHUNK = 5_000_000
_TRUTH = 4  # factors that the ratings are made of


def skewed(rng: np.random.Generator, size: int, n: int, power: float) -> Any:
    """Draw rows 1 … size, those in front far more often."""
    return (size * rng.random(n, dtype=np.float32) ** power).astype(np.int32) + 1


def ratings_of(millions: int, share: float = 1.0, seed: int = 0) -> Ratings:
    """Make ratings from 1 to 5 of a known truth with noise, or a share of so many."""
    M, N = SHAPES[millions]
    rng, n = np.random.default_rng(seed), int(millions * 1_000_000 * share)
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
    """Return the most memory that the process has held since `forget_peak`, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return float(line.split()[1]) * 1024


def forget_peak() -> None:
    """Start to look for the most memory anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def solver_of(name: str, factors: int, rounds: int) -> Any:
    if name == "SGD":
        return pc.SGD(epochs=rounds)
    if name == "ALS":
        return pc.ALS(rank=factors, sweeps=rounds)
    return pc.Gibbs(rank=factors, sweeps=rounds, burn_in=rounds - 1, heads=1)


def measure(name: str, millions: int, share: float, factors: int, threads: int) -> dict[str, float]:
    """Train for some rounds; return seconds and bytes."""
    small = ratings_of(1).take(np.arange(20_000))
    solver_of(name, factors, 2).fit(small, factors=factors, threads=threads)  # compiles
    ratings = ratings_of(millions, share)
    forget_peak()
    marks, cpu = [time.perf_counter()], [time.process_time()]

    def mark(_: Any) -> None:
        marks.append(time.perf_counter())
        cpu.append(time.process_time())

    solver = solver_of(name, factors, ROUNDS[millions])
    solver.fit(ratings, factors=factors, threads=threads, callbacks=[mark])
    return {
        "ratings": len(ratings),
        "total": time.perf_counter() - marks[0],
        "round": float(np.diff(marks)[1:].min()),
        "cpu": float(np.diff(cpu)[1:].min()),
        "peak": peak(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=list(SHAPES))
    parser.add_argument("--factors", type=int, default=32)
    parser.add_argument("--solvers", nargs="+", default=["SGD", "ALS", "Gibbs"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--one", action="store_true", help="measure here and print JSON")
    parser.add_argument("--share", type=float, default=1.0, help="of the ratings, with --one")
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    args = parser.parse_args()
    if args.one:
        name, millions, threads = args.solvers[0], args.millions[0], args.threads[0]
        print(json.dumps(measure(name, millions, args.share, args.factors, threads)))
        return
    lines = [
        "Peak is of the whole process. Bytes a rating are those that the peak grows by.",
        "",
        "| solver | ratings | threads | s a round | ns a rating | CPU ns a rating | s in all | "
        "bytes a rating | peak GB |",
        "| --- " + "| ---: " * 8 + "|",
    ]
    for name in args.solvers:
        for millions in args.millions:
            for threads in args.threads:
                lines.append(line(name, millions, args.factors, threads))
                print(lines[-1], flush=True)
    if args.write:
        put("growth", f"Growth, {args.factors} factors", "\n".join(lines))


def line(name: str, millions: int, factors: int, threads: int) -> str:
    """Measure twice, each in a process of its own; return a line of the table."""
    command = [sys.executable, __file__, "--one", "--factors", str(factors)]
    command += ["--solvers", name, "--millions", str(millions), "--threads", str(threads)]
    whole, half = (
        json.loads(subprocess.check_output([*command, "--share", share]).splitlines()[-1])
        for share in ("1", "0.5")
    )
    grown = (whole["peak"] - half["peak"]) / (whole["ratings"] - half["ratings"])
    return (
        f"| {name} | {millions}M | {threads} | {whole['round']:.2f} | "
        f"{whole['round'] / millions * 1000:.0f} | {whole['cpu'] / millions * 1000:.0f} | "
        f"{whole['total']:.1f} | {grown:.1f} | {whole['peak'] / 1e9:.2f} |"
    )


if __name__ == "__main__":
    main()
