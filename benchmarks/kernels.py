"""Times of the row step and the other loops of the sampler on S1's training rows.

    python benchmarks/kernels.py [--repeats 30]

A half sweep draws all users (or items) given the other side. Times are wall milliseconds, the
least of the repeats; beside them what `sgemm` reaches on one core in the same run, and the time
that a half sweep may take by the project's goal, scaled to that.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import penchant as pc
from penchant.kernels.rng import fill_normals, seed_key
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler
from penchant.threads import Threads

GOALS = {16: 2.7, 64: 21.0}  # milliseconds, users, one thread, at 97 GFLOP/s
GOAL_SPEED = 97.0


def least(work: Callable[[], Any], repeats: int) -> float:
    """Return the least wall time in milliseconds, after one call that isn't counted."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1e3 * min(times)


def sgemm_speed() -> float:
    """Return the GFLOP/s of a product of large float32 matrices on one thread."""
    n = 2048
    A = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
    with Threads(1):
        return 2 * n**3 / least(lambda: A @ A, 5) / 1e6


def half_sweep(sampler: Sampler, users: bool) -> None:
    half, other = sampler.users, sampler.items
    if not users:
        half, other = other, half
    half.draw_rows(other, sampler.alpha, sampler.sweep, sampler.key, sampler.threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    speed = sgemm_speed()
    print(f"sgemm, one thread: {speed:.0f} GFLOP/s")
    print("| k | threads | users ms | items ms | whole sweep ms | goal, users ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for k in (8, 16, 32, 64):
        for n in (1, 2):
            with Threads(n) as threads:
                problem = Problem.of(
                    train, side_information=True, bags=True, weigh=True, threads=threads
                )
                sampler = Sampler(problem, k, 0, threads, True)
                sampler.step()
                users, items = (
                    least(lambda s=sampler, u=u: half_sweep(s, u), repeats) for u in (True, False)
                )
                sweep = least(sampler.step, repeats)
            goal = f"{GOALS[k] * GOAL_SPEED / speed:.1f}" if k in GOALS and n == 1 else ""
            print(f"| {k} | {n} | {users:.2f} | {items:.2f} | {sweep:.2f} | {goal} |")
    out = np.empty((8000, 16), np.float32)
    ms = least(lambda: fill_normals(0, len(out), 1, 0, seed_key(0), out), repeats)
    print(f"normals: {1e6 * ms / out.size:.2f} ns each")


if __name__ == "__main__":
    main()
