"""What 10⁹ and 10¹⁰ ratings take: arithmetic, from figures that are measured here first.

Measured on small stores in this process: bytes a rating in blocks, CPU seconds a rating and a user
in a sweep, and the tasks' messages beside the formula that the arithmetic uses for them.

    python benchmarks/scale.py [--write]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import marks
import numpy as np
import parts

import penchant as pc
from penchant.blocks import build
from penchant.engine.local import LocalEngine
from penchant.kernels.partial import size_of
from penchant.solvers.blocked.training import train_blocks
from penchant.store import BlockStore

K = 64
CORES_A_NODE = 16
SEGMENTS = 64  # at the most, and so are blocks and tasks
SKEW = 2.5  # an item's place is drawn as N·x^SKEW, as `parts.py` does
WRITER_SECONDS = 43 / 1e8  # of CPU a rating; docs/blocks.md has the run
NETWORK = 1.25e9  # bytes a second that a node sends: 10 Gbit


class Size(NamedTuple):
    """A problem: how many ratings, users, items, nodes."""

    ratings: float
    users: float
    items: float
    nodes: int

    @property
    def slots(self) -> int:
        """How many tasks there are: a core each, but no more than blocks."""
        return min(SEGMENTS, self.nodes * CORES_A_NODE)


WANTED = (
    Size(1e8, 1e6, 5e4, 1),
    Size(1e9, 1e8, 1e6, 1),
    Size(1e9, 1e8, 1e6, 4),
    Size(1e10, 1e9, 1e7, 4),
)


def expected(items: float, ratings: float) -> np.ndarray:
    """Return how many of so many ratings 10,000 classes of items have, each item of a class."""
    edges = np.linspace(0, 1, 10_001) ** (1 / SKEW)
    return np.diff(edges) * ratings / (items / 10_000)


def message(size: Size, slots: int | None = None) -> tuple[float, float]:
    """Return the bytes that all tasks have for the items in a sweep, and the share that are sums.

    An item sends sums (8 bytes × `size_of`) where these are fewer bytes than its ratings with their
    raters' rows (4 K + 24 a rating), by task.
    """
    sums, entry = 8 * size_of(K), 4 * K + 24
    slots = slots or size.slots
    mine = expected(size.items, size.ratings / slots)
    many = mine * entry > sums
    of_sums = many.sum() * sums * (size.items / 10_000) * slots
    of_rows = (mine * ~many).sum() * entry * (size.items / 10_000) * slots
    return of_sums + of_rows, of_sums / (of_sums + of_rows)


def sweep(store: BlockStore, slots: int) -> tuple[float, float]:
    """Return the CPU seconds of a sweep, and the bytes that its tasks had for the items."""
    seconds, sent = [], 0.0
    for sweeps in (1, 4):
        solver = pc.ALS(rank=K, sweeps=sweeps, bags=False, side_information=False, patience=99)
        before = time.process_time()
        fitted = train_blocks(solver, store, factors=K, seed=1, engine=LocalEngine(slots))
        seconds.append(time.process_time() - before)
        sent = max(record.get("sent", 0.0) for record in fitted.history.records)
    return (seconds[1] - seconds[0]) / 3, sent


def stores(work: Path) -> list[BlockStore]:
    """Write the stores to measure: many ratings a user, and few."""
    made = []
    for ratings, users, items in ((2_000_000, 20_000, 5_000), (2_000_000, 200_000, 5_000)):
        source = work / f"parts-{ratings}-{users}"
        parts.draw(source, ratings, users, items)
        folder = work / f"store-{ratings}-{users}"
        made.append(build(source, folder, ratings_per_block=100_000, quiet=True))
    return made


def measured(work: Path) -> tuple[list[str], float, float, float]:
    """Return a table, CPU seconds a rating and a user, and bytes a rating."""
    lines = [
        "| ratings | users | items | tasks | CPU seconds a sweep | messages, MB | by the formula | "
        "bytes a rating |",
        "| --- " * 8 + "|",
    ]
    rows, costs, per_rating = [], [], 0.0
    for store in stores(work):
        users = int((store.user_counts > 0).sum())
        files = [e for n, e in store.index.files.items() if n.startswith("user-")]
        per_rating = max(per_rating, sum(entry.bytes for entry in files) / len(store))
        for slots in (2, 8):
            cost, sent = sweep(store, slots)
            if slots == 2:
                rows.append((len(store), users))
                costs.append(cost)
            formula, _ = message(Size(len(store), users, store.n_items, 1), slots)
            lines.append(
                f"| {len(store):,} | {users:,} | {store.n_items:,} | {slots} | {cost:.2f} | "
                f"{sent / 1e6:,.1f} | {formula / 1e6:,.1f} | {per_rating:.2f} |"
            )
    a_rating, a_user = np.linalg.solve(np.array(rows, dtype=float), costs)
    return lines, float(a_rating), float(a_user), per_rating


def described(size: Size, a_rating: float, a_user: float, per_rating: float) -> dict[str, str]:
    """Return what one size takes, by what it is called."""
    cpu = a_rating * size.ratings + max(0.0, a_user) * size.users
    sent, of_sums = message(size)
    cores = min(size.slots, size.nodes * CORES_A_NODE)
    in_block = size.ratings / SEGMENTS
    across = sent * (1 - 1 / size.nodes)
    block = 12 * in_block + 4 * K * size.users / SEGMENTS
    return {
        "nodes of 16 cores": f"{size.nodes}",
        "blocks on disk": gigabytes(per_rating * size.ratings),
        "a block in memory, with its users' rows": gigabytes(block),
        "items' rows, on each node": gigabytes(4 * (K + 1) * size.items),
        "users' rows, in a file at the end": gigabytes(4 * K * size.users),
        "users' biases and ids, in the driver": gigabytes(28 * size.users),
        "messages of a sweep, all tasks": gigabytes(sent),
        "of these sums rather than rows": f"{of_sums:.0%}",
        "of these between nodes": gigabytes(across),
        "CPU of a sweep": f"{cpu:,.0f} s",
        "a sweep on all cores": f"{cpu / cores:,.0f} s",
        "its messages at 10 Gbit a node": f"{across / NETWORK / size.nodes:,.0f} s",
        "writing: CPU, one process": f"{WRITER_SECONDS * size.ratings / 60:,.0f} min",
        "writing: disk on the way": gigabytes(40 * size.ratings),
    }


def gigabytes(count: float) -> str:
    """Return bytes in a unit that is easily read.

    >>> gigabytes(2.5e9), gigabytes(2e6)
    ('2.5 GB', '0.002 GB')
    """
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e9:.2g} GB"


def main() -> None:
    """Measure, calculate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penchant-scale-") as work:
        lines, a_rating, a_user, per_rating = measured(Path(work))
    columns = [described(size, a_rating, a_user, per_rating) for size in WANTED]
    told = [
        f"Measured, ALS with {K} factors on threads: {1e9 * a_rating:.0f} ns of CPU a rating and "
        f"{1e6 * max(0.0, a_user):.1f} µs a user in a sweep.",
        "",
        *lines,
        "",
        "Calculated from these:",
        "",
        "| | " + " | ".join(title(size) for size in WANTED) + " |",
        "| --- " * (len(WANTED) + 1) + "|",
        *(f"| {what} | " + " | ".join(c[what] for c in columns) + " |" for what in columns[0]),
    ]
    print("\n".join(told))
    if given.write:
        marks.put("scale", "The figures", "\n".join(told), "scale.md")


def title(size: Size) -> str:
    """Return what a column is called."""
    powers = "⁰¹²³⁴⁵⁶⁷⁸⁹"

    def shown(number: float) -> str:
        power = int(np.floor(np.log10(number)))
        lead = number / 10**power
        raised = "".join(powers[int(digit)] for digit in str(power))
        return f"{lead:g}·10{raised}" if lead != 1 else f"10{raised}"

    return f"{shown(size.ratings)} ratings, {shown(size.users)} users, {shown(size.items)} items"


if __name__ == "__main__":
    main()
