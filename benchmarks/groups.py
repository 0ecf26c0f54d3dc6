"""How often what a group's ratings come to lies in its interval.

    python benchmarks/groups.py [--seeds 2021 1 2 3] [--draws 20]

Protocol: random splits of MovieLens 100K, 80 % training and 20 % test (seed 2021 is S1); a tenth of
each training part calibrates (`fit(..., validation=0.1)`). A group is some users who all rated one
item in the test rows, drawn at random, `draws` for each item that has enough of them; its outcome
is the mean, the least or the greatest of their true ratings. It is inside if low ≤ outcome ≤ high.
The table goes into docs/intervals.md.
"""

from __future__ import annotations

import argparse
from typing import Any

import marks
import numpy as np

import penchant as pc
from penchant.answers.group_intervals import of_average, of_extreme
from penchant.predict.intervals import normal_factor, widths

LEVELS = (0.5, 0.8, 0.9, 0.95)
WAYS = {"average": np.mean, "least misery": np.min, "most pleasure": np.max}
SIZES = (2, 3, 5)


def ends(how: str, ratings: Any, deviations: Any, level: float) -> tuple[Any, Any]:
    if how == "average":
        return of_average(ratings, deviations, level)
    return of_extreme(ratings, deviations, level, least=how == "least misery")


def groups(items: Any, size: int, draws: int, rng: np.random.Generator) -> Any:
    """Return (size, n) places of test rows: each column is of one item, no place twice in it."""
    order = np.argsort(items, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(items[order])) + 1)
    found = [rng.permutation(run)[:size] for run in runs if len(run) >= size for _ in range(draws)]
    return np.stack(found, axis=1)


def measure(seed: int, draws: int) -> dict[tuple[int, str], list[float]]:
    train, test = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=seed)
    model = pc.MatrixFactorization().fit(train, validation=0.1, progress=False)
    scale, rng = test.scale, np.random.default_rng(seed)
    rating = model.predict(test.users, test.items)
    inside: dict[tuple[int, str], list[float]] = {}
    for level in LEVELS:
        rows = test.user_rows, test.item_rows
        factor, wide = widths(model.predictor, level, *rows, rating)
        deviations = factor / normal_factor(level) * wide
        for size in SIZES:
            places = groups(test.item_rows, size, draws, rng)
            for how, way in WAYS.items():
                outcome = way(test.values[places], axis=0)
                low, high = ends(how, rating[places], deviations[places], level)
                low, high = (scale.clip(end).astype(np.float32) for end in (low, high))
                held = (low <= outcome + 1e-6) & (outcome <= high + 1e-6)
                inside.setdefault((size, how), []).append(float(held.mean()))
    return inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[2021, 1, 2, 3])
    parser.add_argument("--draws", type=int, default=20)
    given = parser.parse_args()
    found = [measure(seed, given.draws) for seed in given.seeds]
    heads = ["members", "score", *(f"{level:.0%} of outcomes" for level in LEVELS)]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for size, how in found[0]:
        mean = np.mean([one[size, how] for one in found], axis=0)
        lines.append(f"| {size} | {how} | " + " | ".join(f"{x:.1%}" for x in mean) + " |")
    table = "\n".join(lines)
    print(table)
    seeds = ", ".join(map(str, given.seeds))
    marks.put("groups", "Groups", f"Random splits of seeds {seeds}, means:\n\n{table}",
              page="intervals.md")  # fmt: skip


if __name__ == "__main__":
    main()
