"""The frontier of error against time: our solvers and the peers, each in its own environment.

    python benchmarks/frontier.py [--splits S1 fold1 fold2 fold3 fold4 fold5] [--runs 3]

On S1 each solver fits once to warm up, then `--runs` times: medians of wall and CPU seconds of
`fit` and of the error; beside them the wall time of a whole process that imports and fits once.
Slow ones are timed once, and without warming up where they compile nothing.
The random folds give errors only. Settings were chosen by `choose_peers.py`, `choose_sgd.py` and
`choose_als.py` on validation parts of S1's training rows. Writes the table into
docs/benchmarks.md, between its marks, and docs/images/frontier.png.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from marks import DOCS, put
from peers.environments import NEEDS, cache, refresh, versions, work
from peers.points import POINTS, Point
from peers.splits import FOLDS, write

THREADS = 2


class Measured(NamedTuple):
    """A point with what was measured of it."""

    point: Point
    rmse: float
    mae: float
    folds: float | None
    wall: float
    cpu: float
    process: float


_FOLDS_AT = Measured._fields.index("folds") - 1


def median(fits: list[dict[str, float]], name: str) -> float:
    return float(np.median([fit[name] for fit in fits]))


def measure(point: Point, splits: list[str], runs: int) -> Measured:
    """Run a point on all splits; the clock counts on S1."""
    files = {name: write(name, cache()) for name in splits}
    job = {"solver": point.solver, "threads": THREADS, "settings": point.settings}
    if point.slow and not point.compiles:
        once = work(files["S1"], {**job, "warm": 0, "runs": 1})
        timed, whole = once["fits"], once["process_wall"]
    else:
        many = 1 if point.slow else runs
        timed = work(files["S1"], {**job, "warm": 1, "runs": many})["fits"]
        whole = work(files["S1"], {**job, "warm": 0, "runs": 1})["process_wall"]
    folds = [
        work(file, {**job, "warm": 0, "runs": 1})["fits"][0]["rmse"]
        for name, file in files.items()
        if name != "S1"
    ]
    found = Measured(
        point, *(median(timed, name) for name in ("rmse", "mae")),
        float(np.mean(folds)) if folds else None,
        *(median(timed, name) for name in ("wall", "cpu")), whole,
    )  # fmt: skip
    print(f"{point.label}: {found.rmse:.4f} in {found.wall:.2f} s", file=sys.stderr, flush=True)
    return found


def beaten_by(one: Measured, all_of_them: list[Measured]) -> str:
    """Return the quickest of ours that is both lower in error and faster than a peer's point."""
    ahead = [
        m
        for m in all_of_them
        if m.point.ours
        and m.rmse < one.rmse
        and m.wall < one.wall
        and m.point.timestamps <= one.point.timestamps
    ]
    return min(ahead, key=lambda m: m.wall).point.label if ahead else "none"


def table(found: list[Measured], *, timestamps: bool) -> str:
    lines = [
        "| solver | RMSE | MAE | RMSE, folds | fit, wall s | fit, CPU s | process, s | beaten by |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    chosen = [m for m in found if m.point.timestamps == timestamps]
    for m in sorted(chosen, key=lambda m: m.rmse):
        name = f"**{m.point.label}**" if m.point.ours else m.point.label
        folds = "" if m.folds is None else f"{m.folds:.4f}"
        ahead = "" if m.point.ours else beaten_by(m, found)
        lines.append(
            f"| {name} | {m.rmse:.4f} | {m.mae:.4f} | {folds} | {m.wall:.3f} | {m.cpu:.3f} | "
            f"{m.process:.2f} | {ahead} |"
        )
    return "\n".join(lines)


def machine() -> str:
    model = "an unknown processor"
    if Path("/proc/cpuinfo").exists():
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = (re.findall(r"model name\s*: (.*)", info) or [platform.processor()])[0]
    solvers = sorted({m.solver for m in POINTS}, key=list(NEEDS).index)
    return f"{model}, {THREADS} threads. {', '.join(versions(s) for s in solvers)}."


def report(found: list[Measured]) -> str:
    parts = [
        machine(),
        "![RMSE against wall time](images/frontier.png)",
        "Without timestamps:",
        table(found, timestamps=False),
    ]
    if any(m.point.timestamps for m in found):
        parts += ["With timestamps (effects of user × day):", table(found, timestamps=True)]
    return "\n\n".join(parts)


def draw(found: list[Measured], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.5), dpi=150)
    families = list(dict.fromkeys(m.point.family for m in found))
    for number, family in enumerate(families):
        mine = sorted((m for m in found if m.point.family == family), key=lambda m: m.wall)
        ours = mine[0].point.ours
        axes.plot(
            [m.wall for m in mine], [m.rmse for m in mine],
            marker="o" if ours else "x", linestyle="-" if ours else ":", color=f"C{number}",
            label=family, linewidth=1.5 if ours else 0.8,
        )  # fmt: skip
        for m in mine:
            if m.point.timestamps:
                axes.plot(m.wall, m.rmse, marker="s", fillstyle="none", markersize=11, color="0.5")
    axes.set_xscale("log")
    axes.set_xlabel(f"wall seconds of fit, {THREADS} threads (log)")
    axes.set_ylabel("RMSE on the test rows of S1")
    axes.set_title("MovieLens 100K, random split: error against time (square: reads timestamps)")
    axes.grid(alpha=0.3)
    axes.legend(ncols=2, fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--splits", nargs="+", default=["S1", *(f"fold{k + 1}" for k in range(FOLDS))]
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="families to run; the others keep their figures")
    args = parser.parse_args()
    refresh()
    file = cache() / "frontier.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for point in POINTS:
        if not args.only or point.family in args.only:
            fresh = measure(point, args.splits, args.runs)
            if fresh.folds is None and point.label in known:  # S1 alone: the folds' errors stand
                fresh = fresh._replace(folds=known[point.label][_FOLDS_AT])
            known[point.label] = fresh[1:]
            file.write_text(json.dumps(known), encoding="utf-8")
    found = [Measured(point, *known[point.label]) for point in POINTS if point.label in known]
    text = report(found)
    print(text)
    put("frontier", "The frontier of error against time", text)
    draw(found, DOCS / "images" / "frontier.png")


if __name__ == "__main__":
    main()
