"""Choose the peers' settings on a validation part of S1's training rows, by random search.

    python benchmarks/choose_peers.py PEER [--minutes 5] [--seed 0]

Prints all settings that no quicker one beats. The test rows are never opened.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from peers.environments import cache, work
from peers.splits import write


def draw(peer: str, rng: np.random.Generator) -> dict[str, Any]:
    def log(low: float, high: float) -> float:
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.2g}")

    def one(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    if peer == "libmf":
        l2 = log(0.03, 0.2)
        return {
            "center": one(True, False), "k": one(8, 16, 32, 64, 100, 128),
            "nr_iters": one(5, 10, 20, 40, 80), "eta": log(0.03, 0.2),
            "lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": l2, "lambda_q2": l2,
            "nr_bins": one(8, 20),
        }  # fmt: skip
    if peer == "cmfrec":
        scaled, implicit = one(True, True, False), one(True, False)
        return {
            "k": one(10, 20, 50, 80), "scale_lam": scaled,
            "lambda_": log(0.05, 0.25) if scaled else log(3, 30),
            "add_implicit_features": implicit, "niter": one(3, 6, 10, 15), "side": one(True, False),
            **({"w_implicit": log(0.1, 3), "w_user": log(0.1, 3), "w_item": log(0.1, 3)}),
        }  # fmt: skip
    if peer == "surprise":
        return {
            "algorithm": "SVD", "n_factors": one(50, 100, 200), "n_epochs": one(20, 40, 80),
            "lr_all": log(0.003, 0.015), "reg_all": log(0.03, 0.15),
        }  # fmt: skip
    if peer == "cornac":
        return {
            "k": one(20, 50, 100, 200), "max_iter": one(10, 20, 40, 80),
            "learning_rate": log(0.002, 0.03), "lambda_reg": log(0.02, 0.15),
        }  # fmt: skip
    if peer == "keras":
        return {
            "factors": 200, "l2": log(3e-5, 3e-4), "l2_bias": log(1e-6, 1e-4),
            "learning_rate": log(0.003, 0.02), "batch_size": one(256, 512, 1024),
            "epochs": one(15, 30),
        }  # fmt: skip
    return {
        "rank": one(4, 8, 10, 16), "iterations": one(40, 50, 100, 200),
        "bags": one(True, True, False), "side": one(True, False), "probit": one(True, False),
        "days": one(True, False),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng, until, tried = np.random.default_rng(args.seed), time.monotonic() + 60 * args.minutes, []
    split = write("choice", cache())
    while time.monotonic() < until:
        settings = draw(args.peer, rng)
        job = {"solver": args.peer, "threads": 1, "warm": 0, "runs": 1, "settings": settings}
        fit = work(split, job)["fits"][0]
        tried.append((fit["cpu"], fit["rmse"], settings))
    best = np.inf
    for cpu, score, settings in sorted(tried, key=lambda row: row[0]):
        if score < best:
            best = score
            print(f"{cpu:8.3f} s  {score:.4f}  {settings}", flush=True)
    print(len(tried), "tried")


if __name__ == "__main__":
    main()
