"""How often ratings lie in their intervals, and how wide those are.

    python benchmarks/intervals.py [--seeds 2021 1 2 3] [--picture docs/images/calibration.png]
    python benchmarks/intervals.py --uncalibrated  # the posterior's own, no validation rows

Protocol: random splits of MovieLens 100K, 80 % training and 20 % test (seed 2021 is S1), the five
random folds of seed 0, and synthetic sets. A tenth of each training part is kept out by
`fit(..., validation=0.1)` and calibrates; the test rows are opened once, for the table. A rating is
covered if it lies in [low, high]; all intervals are cut off by the scale. The least and the most
active quarter are those of the users by their number of training ratings.

Beside them stands the interval of constant width, r̂ ± q with q from the same validation rows (split
conformal), cut off by the scale too. "narrower" is by how much the mean width is below that of a
constant interval which is given, on the test rows themselves, the very coverage of ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import penchant as pc
from penchant.plots import plot_calibration
from penchant.ratings import Ratings

LEVELS = (0.5, 0.8, 0.9, 0.95)
CURVE = np.arange(0.05, 1.0, 0.05)


class Measured(NamedTuple):
    """Coverage and mean widths at one level."""

    coverage: float
    least: float
    most: float
    width: float
    constant_coverage: float
    constant_width: float
    narrower: float


def quarters(counts: np.ndarray[Any, Any], users: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    low, high = np.quantile(counts[counts > 0], [0.25, 0.75])
    return counts[users] <= low, counts[users] >= high


def mean_width(ratings: Any, q: float, scale: Any) -> float:
    return float((scale.clip(ratings + q) - scale.clip(ratings - q)).mean())


def measure(model: Any, validation: Ratings, test: Ratings, level: float) -> Measured:
    truth, scale = test.values, test.scale
    rating, low, high = model.predict(test.users, test.items, interval=level)
    inside = (low <= truth) & (truth <= high)
    least, most = quarters(model.knowledge.user_counts, test.user_rows)
    errors = np.sort(np.abs(validation.values - model.predict(validation.users, validation.items)))
    place = min(int(np.ceil((len(errors) + 1) * level)), len(errors)) - 1
    constant = float(errors[place])
    same = float(np.quantile(np.abs(truth - rating), inside.mean()))
    width = float((high - low).mean())
    return Measured(
        inside.mean(), inside[least].mean(), inside[most].mean(), width,
        float((np.abs(truth - rating) <= constant).mean()), mean_width(rating, constant, scale),
        1 - width / mean_width(rating, same, scale),
    )  # fmt: skip


def sets(seeds: list[int]) -> Iterator[tuple[str, Ratings, Ratings]]:
    ratings = pc.load("ml-100k", quiet=True)
    for seed in seeds:
        yield f"ml-100k, seed {seed}", *pc.split(ratings, test=0.2, seed=seed)
    for fold, (train, test) in enumerate(pc.folds(ratings, k=5, seed=0), 1):
        yield f"ml-100k, fold {fold}", train, test
    for seed, (users, items, n, k, noise) in enumerate(
        [(600, 400, 40_000, 5, 0.8), (3000, 800, 100_000, 8, 0.6), (2000, 500, 60_000, 3, 1.0)]
    ):
        made = pc.synthetic(users, items, n, k, noise, seed=seed)
        yield f"synthetic, {n:,}, noise {noise}", *pc.split(made, test=0.2, seed=seed)


def uncalibrated() -> None:
    """Print how many test ratings of S1 the posteriors' own intervals hold."""
    _, train, test = next(sets([2021]))
    for solver in ("gibbs", "als"):
        model = pc.MatrixFactorization(solver=solver, seed=0).fit(train, progress=False)
        inside = []
        for level in LEVELS:
            _, low, high = model.predict(test.users, test.items, interval=level)
            inside.append(float(((low <= test.values) & (test.values <= high)).mean()))
        print(solver, *(f"{share:.1%}" for share in inside))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[2021, 1, 2, 3])
    parser.add_argument("--picture")
    parser.add_argument("--uncalibrated", action="store_true")
    args = parser.parse_args()
    if args.uncalibrated:
        uncalibrated()
        return
    print("                               least   most         constant")
    print("set                      level  cover  active active  width   cover  width  narrower")
    curves: dict[str, list[Any]] = {"all": [], "least": [], "most": []}
    for name, train, test in sets(args.seeds):
        model = pc.MatrixFactorization(seed=0).fit(train, validation=0.1, progress=False)
        _, validation = pc.split(train, test=0.1, seed=0)
        began = time.perf_counter()
        model.predict(test.users, test.items, interval=0.9)
        seconds = time.perf_counter() - began
        for level in LEVELS:
            m = measure(model, validation, test, level)
            shares = "  ".join(f"{100 * share:5.1f}" for share in m[:3])
            print(
                f"{name:24} {level:5.0%}  {shares}  {m.width:5.3f}   "
                f"{100 * m.constant_coverage:5.1f}  {m.constant_width:5.3f}  {m.narrower:7.2%}",
                flush=True,
            )
        print(f"{name:24} {len(test):,} intervals in {seconds:.2f} s", flush=True)
        if args.picture and name.startswith("ml-100k, fold"):
            found = [measure(model, validation, test, level)[:3] for level in CURVE]
            for curve, values in zip(curves.values(), np.transpose(found), strict=True):
                curve.append(values)
    if args.picture:
        labels = ("all users", "most active", "least active")
        means = [np.mean(curves[name], axis=0) for name in ("all", "most", "least")]
        plot_calibration(CURVE, dict(zip(labels, means, strict=True)), args.picture)


if __name__ == "__main__":
    main()
