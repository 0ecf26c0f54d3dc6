"""Time and memory of the data check of 25 million ratings.

    python benchmarks/check_large.py [RATINGS]

The ratings are drawn: 162,000 users and 59,000 items of skewed popularity, half stars, times over
19 years. Prints processor and wall seconds, and the peak of memory beyond the table itself.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from penchant.checking import datacheck
from penchant.ids import IdMap
from penchant.ratings import Ratings, Scale

USERS, ITEMS = 162_000, 59_000


def drawn(n: int) -> Ratings:
    """Return n ratings; pairs may repeat, which the check doesn't look for."""
    rng = np.random.default_rng(0)
    users = (rng.beta(0.6, 3, n) * USERS).astype(np.int32) + 1
    items = (rng.beta(0.3, 6, n) * ITEMS).astype(np.int32) + 1
    values = rng.normal(3.5, 0.9, n).astype(np.float32)
    values += (0.5 * rng.normal(size=USERS + 1).astype(np.float32))[users]
    values += (0.5 * rng.normal(size=ITEMS + 1).astype(np.float32))[items]
    values = np.clip(np.round(2 * values) / 2, 0.5, 5)
    stamps = np.sort(rng.integers(10**9, 16 * 10**8, n))
    user_ids = IdMap.from_column(np.arange(1, USERS + 1), "user")[0]
    item_ids = IdMap.from_column(np.arange(1, ITEMS + 1), "item")[0]
    return Ratings(users, items, values, user_ids, item_ids, Scale(0.5, 5), stamps, name="drawn")


def peak() -> float:
    """Return the largest resident size so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Draw, check, and print what it took."""
    ratings = drawn(int(sys.argv[1]) if len(sys.argv) > 1 else 25_000_000)
    before, wall, processor = peak(), time.perf_counter(), time.process_time()
    print(datacheck(ratings))
    print(
        f"\n{len(ratings):,} ratings: {time.process_time() - processor:.0f} s of processor time, "
        f"{time.perf_counter() - wall:.0f} s, {peak() - before:.2f} GB beyond {before:.2f} GB"
    )


if __name__ == "__main__":
    main()
