"""Synthetic ratings of any number, out of core: Parquet parts with rows in no order.

Each part is drawn for itself from one truth, a dot-and-bias model with noise: a few items have most
of the ratings, some users give many. Pairs may repeat, within a part and between parts.

    python benchmarks/parts.py FOLDER --ratings 100000000 [--users 1000000] [--items 50000]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FACTORS = 8
NOISE = 0.8
PER_PART = 5_000_000


def draw(folder: Path, ratings: int, users: int, items: int, seed: int = 0) -> None:
    """Write the parts; a folder that is whole already is left as it is."""
    wanted = -(-ratings // PER_PART)
    if len(list(folder.glob("part-*.parquet"))) == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    P, Q = (rng.standard_normal((n, FACTORS), np.float32) for n in (users, items))
    p, q = (rng.standard_normal(n, np.float32) * 0.45 for n in (users, items))
    places = [rng.permutation(n) for n in (users, items)]  # popular ones have no small ids
    for part in range(wanted):
        count = min(PER_PART, ratings - part * PER_PART)
        drawn = np.random.default_rng([seed, part])
        u = places[0][(users * drawn.random(count) ** 1.5).astype(np.int64)]
        i = places[1][(items * drawn.random(count) ** 2.5).astype(np.int64)]
        dots = np.einsum("nk,nk->n", P[u], Q[i]) * (0.55 / np.sqrt(FACTORS))
        values = 3.6 + p[u] + q[i] + dots + NOISE * drawn.standard_normal(count, np.float32)
        table = pa.table(
            {
                "userId": u * 7 + 1001,
                "movieId": i * 3 + 17,
                "rating": np.clip(np.rint(2 * values) / 2, 0.5, 5).astype(np.float32),
            }
        )
        unfinished = folder / f".{part:05d}"
        pq.write_table(table, unfinished)
        unfinished.rename(folder / f"part-{part:05d}.parquet")


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ratings", type=int, default=100_000_000)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=50_000)
    given = parser.parse_args()
    draw(given.folder, given.ratings, given.users, given.items)


if __name__ == "__main__":
    main()
