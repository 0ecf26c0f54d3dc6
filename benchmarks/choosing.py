"""Choose settings on validation rows; the test rows are never opened.

Candidates are drawn at random and tried on validation parts of several sets: the training rows of
MovieLens 100K's split S1 as they are, narrow, and without side tables, and three synthetic sets.
What is printed, best first, is the mean over the sets of RMSE / the least RMSE that any candidate
reached on that set.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import penchant as pc
from penchant.metrics import rmse
from penchant.ratings import Ratings

Draw = Callable[[np.random.Generator], dict[str, Any]]


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
    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    plain = dataclasses.replace(train, user_table=None, item_table=None)
    made = {
        "S1, K=200": [Trial(*cut(train, seed), 200) for seed in range(3)],
        "S1, K=16": [Trial(*cut(train, 3), 16)],
        "S1, no side tables": [Trial(*cut(plain, 4), 50)],
    }
    shapes = ((600, 400, 20_000, 5, 0.8), (4000, 1500, 200_000, 10, 0.8), (3000, 500, 30_000, 3, 1))
    for seed, (users, items, n, factors, noise) in enumerate(shapes):
        ratings = pc.synthetic(users, items, n, factors, noise, seed=seed)
        made[f"synthetic, {n:,}"] = [Trial(*cut(ratings, seed), 50)]
    return made


def logarithmic(rng: np.random.Generator, low: float, high: float) -> float:
    return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.2g}")


def judge(solver: Any, trials: list[Trial]) -> float:
    scores = []
    for train, validation, factors in trials:
        made = solver.fit(train, factors=factors).factors
        predicted = made.predict(validation.user_rows, validation.item_rows)
        scores.append(rmse(validation.values, validation.scale.clip(predicted)))
    return float(np.mean(scores))


def choose(solver: Callable[..., Any], draw: Draw) -> None:
    """Draw candidates for some minutes and print the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng, trials, tried = np.random.default_rng(args.seed), sets(), []
    until = time.monotonic() + 60 * args.minutes
    while time.monotonic() < until:
        settings = draw(rng)
        first = judge(solver(**settings), trials["S1, K=200"][:1])
        if tried and first > 1.005 * min(row[1][0] for row in tried):
            continue  # far behind: not worth the other sets
        scores = [judge(solver(**settings), trial) for trial in trials.values()]
        tried.append((settings, [first, *scores]))
    scores = np.array([row[1][1:] for row in tried])
    ratios = (scores / scores.min(axis=0)).mean(axis=1)
    print("mean ratio |", " | ".join(trials))
    for place in np.argsort(ratios)[:15]:
        print(f"{ratios[place]:.5f}", *(f"{x:.4f}" for x in scores[place]), tried[place][0])
