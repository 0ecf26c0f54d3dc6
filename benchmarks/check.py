"""The data check of MovieLens 100K as printed, and how many planted raters it finds there.

    python benchmarks/check.py

The first is what ``penchant data ml-100k --check`` prints. For the second, 30 users are added to
MovieLens 100K: each takes the items of a user who is drawn at random and rates them in a way of
their own. Means over 10 draws; "others" are users of MovieLens who are suspected too.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from marks import put

import penchant as pc
from penchant.checking.effects import effects_of
from penchant.checking.people import suspects

PLANTED, DRAWS, FIRST = 30, 10, 1_000_000
WAYS = {
    "one value only": ("constant", lambda rng, own: np.full(len(own), float(rng.integers(1, 6)))),
    "1 to 5 by chance": ("random", lambda rng, own: rng.integers(1, 6, len(own)).astype(float)),
    "1 or 5 by chance": ("random", lambda rng, own: rng.choice([1.0, 5.0], len(own))),
    "the own ratings, shuffled": ("random", lambda rng, own: rng.permutation(own)),
    "the own ratings, copied": ("copied", lambda rng, own: own),
}


def planted(ratings, way, seed, least):
    """Return the ratings with 30 more users, who take items of users with `least` or more."""
    rng = np.random.default_rng(seed)
    counts = np.bincount(ratings.user_rows)
    rows = rng.choice(np.flatnonzero(counts >= least), PLANTED, replace=False)
    users, items, values = [ratings.users], [ratings.items], [ratings.values]
    for number, row in enumerate(rows):
        at = np.flatnonzero(ratings.user_rows == row)
        users.append([FIRST + number] * len(at))
        items.append(ratings.item_ids.ids(ratings.item_rows[at]))
        values.append(way(rng, ratings.values[at]))
    columns = (np.concatenate(column) for column in (users, items, values))
    return pc.Ratings.from_columns(*columns, scale=(1, 5))


def found(ratings, kind, way, least):
    """Return how many of the planted and how many others are suspected, means over the draws."""
    counts = []
    for seed in range(DRAWS):
        made = planted(ratings, way, seed, least)
        numbers = suspects(made, effects_of(made)).numbers
        named = numbers[f"{kind}_users"]
        bad = sum(user >= FIRST for user in named)
        counts.append((bad, numbers[kind] - bad))
    return np.mean(counts, axis=0)


def main():
    """Write both into docs/datacheck.md."""
    command = [sys.executable, "-m", "penchant", "data", "ml-100k", "--check"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip()
    put("check", "The check of MovieLens 100K", f"```text\n{said}\n```", "datacheck.md")
    ratings = pc.load("ml-100k")
    rows = ["| planted | with ratings | found of 30 | others |", "| --- | ---: | ---: | ---: |"]
    for name, (kind, way) in WAYS.items():
        for least in (20, 200):
            bad, others = found(ratings, kind, way, least)
            rows.append(f"| {name} | {least} or more | {bad:.1f} | {others:.1f} |")
            print(rows[-1], flush=True)
    put("planted", "What it finds", "\n".join(rows), "datacheck.md")


if __name__ == "__main__":
    main()
