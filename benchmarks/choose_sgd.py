"""Choose the default settings of SGD on validation rows; the test rows are never opened.

    python benchmarks/choose_sgd.py [--minutes 15] [--seed 0]

Candidates are drawn at random and tried on validation parts of several sets: the training rows of
MovieLens 100K's split S1, wide and narrow, and three synthetic sets. What is printed, best first,
is the mean over the sets of RMSE / the least RMSE that any candidate reached on that set.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import numpy as np

import penchant as pc
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.solvers.sgd import SGD


class Trial(NamedTuple):
    """One set to try a candidate on: which rows train, which judge, and the width."""

    train: Ratings
    validation: Ratings
    factors: int


def cut(ratings: Ratings, seed: int) -> tuple[Ratings, Ratings]:
    rows = np.random.default_rng(seed).permutation(len(ratings))
    tenth = len(ratings) // 10
    return ratings.take(rows[tenth:]), ratings.take(rows[:tenth])


def sets() -> dict[str, list[Trial]]:
    train, _ = pc.split(pc.load("ml-100k"), test=0.2, seed=2021)
    made = {
        "S1, K=200": [Trial(*cut(train, seed), 200) for seed in range(3)],
        "S1, K=16": [Trial(*cut(train, 3), 16)],
    }
    shapes = ((600, 400, 20_000, 5, 0.8), (4000, 1500, 200_000, 10, 0.8), (3000, 500, 30_000, 3, 1))
    for seed, (users, items, n, factors, noise) in enumerate(shapes):
        ratings = pc.synthetic(users, items, n, factors, noise, seed=seed)
        made[f"synthetic, {n:,}"] = [Trial(*cut(ratings, seed), 50)]
    return made


def draw(rng: np.random.Generator) -> dict[str, Any]:
    def logarithmic(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    return {
        "epochs": int(rng.choice([30, 45, 60])),
        "learning_rate": round(logarithmic(0.01, 0.05), 4),
        "decay": float(rng.choice([0.8, 0.9, 1.0])),
        "l2": round(float(rng.uniform(0.04, 0.09)), 3),
        "l2_bias": round(logarithmic(0.01, 0.2), 3),
        "start": round(logarithmic(0.005, 0.1), 3),
    }


def judge(settings: dict[str, Any], trials: list[Trial]) -> float:
    scores = []
    for train, validation, factors in trials:
        made = SGD(**settings).fit(train, factors=factors).factors
        predicted = made.predict(validation.user_rows, validation.item_rows)
        scores.append(rmse(validation.values, validation.scale.clip(predicted)))
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng, trials, tried = np.random.default_rng(args.seed), sets(), []
    until = time.monotonic() + 60 * args.minutes
    while time.monotonic() < until:
        settings = draw(rng)
        first = judge(settings, trials["S1, K=200"][:1])
        if tried and first > 1.005 * min(row[1][0] for row in tried):
            continue  # far behind: not worth the other sets
        tried.append((settings, [first, *(judge(settings, t) for t in trials.values())]))
    scores = np.array([row[1][1:] for row in tried])
    ranks = (scores / scores.min(axis=0)).mean(axis=1)
    print("mean ratio,", ", ".join(trials))
    for place in np.argsort(ranks)[:15]:
        print(f"{ranks[place]:.5f}", *(f"{x:.4f}" for x in scores[place]), tried[place][0])


if __name__ == "__main__":
    main()
