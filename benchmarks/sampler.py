"""Our Gibbs sampler beside myFM's: equal rank, equal sweeps, the same side information, one thread.

    python benchmarks/sampler.py [--runs 3] [--ranks 8 16] [--sweeps 100]

Both read who rated what and the side columns of S1 (`peers.fits.myfm`), throw the first 20 sweeps
away and fit on one thread, each in its own environment, in turn; ours fits once before, to compile.
Least times of the runs. myFM keeps all draws and averages when it predicts: so the sampling alone,
from the table of ratings to the end of the last sweep, is like with like. Our `fit` goes on to
distil them into one network of 200 factors and to solve the users' rows. CPU times stand beside: a
busy machine changes them less. Writes the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from typing import Any

from marks import put
from peers.environments import cache, refresh, versions, work
from peers.splits import write

BURN_IN = 20  # as `peers.fits.myfm`


def jobs(rank: int, sweeps: int) -> dict[str, dict[str, Any]]:
    """Return the job of each sampler."""
    ours = {"solver": "Gibbs", "rank": rank, "sweeps": sweeps, "burn_in": BURN_IN}
    theirs = {"rank": rank, "iterations": sweeps, "bags": True, "side": True}
    return {
        "penchant": {"solver": "penchant", "settings": ours, "warm": 1},
        "myfm": {"solver": "myfm", "settings": theirs, "warm": 0},
    }


def measure(rank: int, sweeps: int, runs: int) -> str:
    """Run both samplers in turn; return a line of the table."""
    split = write("S1", cache())
    fits: dict[str, list[dict[str, float]]] = {"penchant": [], "myfm": []}
    for _ in range(runs):  # in turn, so that a busy minute is shared
        for name, job in jobs(rank, sweeps).items():
            fits[name] += work(split, {**job, "threads": 1, "runs": 1})["fits"]
    ours, theirs = (
        {key: min(fit[key] for fit in fits[name]) for key in fits[name][0]} for name in fits
    )
    faster = [
        f"{theirs[kind] / ours[part + kind]:.1f}"
        for kind in ("wall", "cpu")
        for part in ("rounds_", "")
    ]
    return (
        f"| {rank} | {sweeps} | {ours['rounds_wall']:.2f} | {ours['wall']:.2f} | "
        f"{theirs['wall']:.2f} | {' | '.join(faster)} | {ours['rmse']:.4f} | {theirs['rmse']:.4f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ranks", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--sweeps", type=int, default=100)
    args = parser.parse_args()
    refresh()
    lines = [
        f"{versions('penchant')} and {versions('myfm')} on S1's training rows, one thread each.",
        "",
        "| rank | sweeps | our sampling, s | our fit, s | myFM, s | sampling, times as fast | "
        "fit, times as fast | sampling, CPU | fit, CPU | RMSE, ours | myFM |",
        "| ---: " * 11 + "|",
    ]
    for rank in args.ranks:
        lines.append(measure(rank, args.sweeps, args.runs))
        print(lines[-1], flush=True)
    put("sampler", "The sampler beside myFM", "\n".join(lines))


if __name__ == "__main__":
    main()
