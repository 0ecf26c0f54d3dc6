"""Top-N for many users: ours against a blocked NumPy product with argpartition, in one run.

    python benchmarks/topn.py [--users 100000] [--items 20000] [--factors 64] [-n 10]

Times are wall seconds, the least of the repeats; memory is the peak of the process above what
stood before, so each way runs in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from typing import Any

import numpy as np

from penchant.arrays import Rows
from penchant.factors import Factors
from penchant.predict.top_n import top_n


def model(users: int, items: int, factors: int) -> Factors:
    rng = np.random.default_rng(0)
    shapes = ((users + 1,), (items + 1,), (users + 1, factors), (items + 1, factors))
    return Factors(3.5, *(rng.normal(0, 0.3, shape).astype(np.float32) for shape in shapes))


def by_numpy(factors: Factors, users: Rows, n: int, block: int = 256) -> Rows:
    """Multiply a block of users by all items, argpartition, sort what is left: the usual way."""
    out = np.empty((len(users), n), np.int32)
    Q, bias = factors.item_factors[1:].T, factors.item_bias[1:]
    for start in range(0, len(users), block):
        part = users[start : start + block]
        scores = factors.user_factors[part] @ Q
        scores += bias
        found = np.argpartition(scores, -n, axis=1)[:, -n:]
        order = np.argsort(-np.take_along_axis(scores, found, 1), axis=1)
        out[start : start + block] = np.take_along_axis(found, order, 1) + 1
    return out


def measure(way: str, threads: int, args: Any, answers: Any) -> None:
    from threadpoolctl import threadpool_limits

    factors = model(args.users, args.items, args.factors)
    users = np.arange(1, args.users + 1, dtype=np.int32)
    top_n(factors, users[:10], args.n)  # compiles
    before, times = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    with threadpool_limits(threads):
        for _ in range(args.repeats if way == "penchant" else 1):
            began = time.perf_counter()
            if way == "penchant":
                rows = top_n(factors, users, args.n, threads=threads).items
            else:
                rows = by_numpy(factors, users, args.n)
            times.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    answers.put((way, threads, min(times), peak / 1024, rows[:: args.users // 1000]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("-n", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    spawn, found = multiprocessing.get_context("spawn"), {}
    print(f"{args.users:,} users, {args.items:,} items, K = {args.factors}, n = {args.n}")
    print("way       threads  seconds  MB above the model")
    for way in ("penchant", "numpy"):
        for threads in (1, 2):
            answers = spawn.Queue()
            process = spawn.Process(target=measure, args=(way, threads, args, answers))
            process.start()
            name, n, seconds, peak, found[way] = answers.get()
            process.join()
            print(f"{name:9} {n:7} {seconds:8.2f} {peak:19.0f}", flush=True)
    print(f"equal places: {(found['penchant'] == found['numpy']).mean():.4%}")


if __name__ == "__main__":
    main()
