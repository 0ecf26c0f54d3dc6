"""Our Gibbs sampler beside myFM's: equal rank, equal sweeps, the same side information, one thread.

    python benchmarks/sampler.py [--runs 3] [--ranks 8 16] [--sweeps 100]

Both read who rated what and the side columns of S1 (`peers.fits.myfm`), throw the first 20 sweeps
away and fit on one thread, each in its own environment; ours fits once before, to compile. Medians
of the wall time of `fit`, which for ours holds the distillation to the network of 200 factors too;
beside them the CPU time, which a busy machine changes less. Writes the table into
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
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
    split, got = write("S1", cache()), {}
    for name, job in jobs(rank, sweeps).items():
        fits = work(split, {**job, "threads": 1, "runs": runs})["fits"]
        got[name] = {key: float(np.median([fit[key] for fit in fits])) for key in fits[0]}
    ours, theirs = got["penchant"], got["myfm"]
    return (
        f"| {rank} | {sweeps} | {ours['wall']:.2f} | {theirs['wall']:.2f} | "
        f"{theirs['wall'] / ours['wall']:.1f} | {theirs['cpu'] / ours['cpu']:.1f} | "
        f"{ours['rmse']:.4f} | {theirs['rmse']:.4f} |"
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
        "| rank | sweeps | ours, s | myFM, s | times as fast | in CPU time | RMSE, ours | myFM |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rank in args.ranks:
        lines.append(measure(rank, args.sweeps, args.runs))
        print(lines[-1], flush=True)
    put("sampler", "The sampler beside myFM", "\n".join(lines))


if __name__ == "__main__":
    main()
