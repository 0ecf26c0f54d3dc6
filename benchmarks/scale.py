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
from scipy.optimize import nnls

import penchant as pc
from penchant.blocks.engines.local import LocalEngine
from penchant.blocks.train.start import train_blocks
from penchant.blocks.write import build
from penchant.kernels.partial import size_of
from penchant.store import BlockStore

K = 64
CORES_A_NODE = 16
SEGMENTS = 64  # at the most, and so are blocks and tasks
USER_SKEW, ITEM_SKEW = 1.5, 2.5  # a place is drawn as N·x^skew, as `parts.py` does
CLASSES = 10_000
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


class Messages(NamedTuple):
    """What all tasks have for the items in a sweep.

    Attributes:
        sums: bytes of sums.
        rows: bytes of ratings with their raters' rows.
        alone: how many ratings travel so.
    """

    sums: float
    rows: float
    alone: float


def expected(count: float, ratings: float, skew: float) -> np.ndarray:
    """Return how many ratings a row of each of 10,000 classes has, of `count` rows in all."""
    edges = np.linspace(0, 1, CLASSES + 1) ** (1 / skew)
    return np.diff(edges) * ratings / (count / CLASSES)


def messages(size: Size, slots: int | None = None) -> Messages:
    """Return the messages of a sweep in so many tasks.

    An item sends sums (8 bytes × `size_of`) where these are fewer bytes than its ratings with their
    raters' rows (4 K + 24 a rating), by task. Of the others each rating is 12 bytes, and each rater
    4 K + 16 in each of the ranges of items, twice as many as tasks, in which he rated one.
    """
    slots = slots or size.slots
    sums = 8 * size_of(K)
    mine = expected(size.items, size.ratings / slots, ITEM_SKEW)
    many = mine * (4 * K + 24) > sums
    of_sums = many.sum() * sums * (size.items / CLASSES) * slots
    alone = (mine * ~many).sum() * (size.items / CLASSES) * slots
    each = expected(size.users, alone, USER_SKEW)
    ranges = 2 * slots
    raters = (ranges * (1 - (1 - 1 / ranges) ** each)).sum() * size.users / CLASSES
    return Messages(of_sums, 12 * alone + (4 * K + 16) * raters, alone)


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


class Costs(NamedTuple):
    """CPU seconds of a sweep: a rating, a user, a rating that travels with its rater's row."""

    rating: float
    user: float
    alone: float


def stores(work: Path) -> list[BlockStore]:
    """Write the stores to measure: many ratings a user, and few."""
    made = []
    for ratings, users, items in ((2_000_000, 20_000, 5_000), (2_000_000, 200_000, 5_000)):
        source = work / f"parts-{ratings}-{users}"
        parts.draw(source, ratings, users, items)
        folder = work / f"store-{ratings}-{users}"
        made.append(build(source, folder, ratings_per_block=100_000, quiet=True))
    return made


def measured(work: Path) -> tuple[list[str], Costs, float]:
    """Return a table, the CPU seconds of a sweep by what they go with, and bytes a rating."""
    lines = [
        "| ratings | users | items | tasks | CPU seconds a sweep | messages, MB | by the formula | "
        "bytes a rating |",
        "| --- " * 8 + "|",
    ]
    rows, costs, per_rating = [], [], 0.0
    for store in stores(work):
        size = Size(len(store), int((store.user_counts > 0).sum()), store.n_items, 1)
        files = [e for n, e in store.index.files.items() if n.startswith("user-")]
        own = sum(entry.bytes for entry in files) / len(store)
        per_rating = max(per_rating, own)
        for slots in (2, 8, 16):
            cost, sent = sweep(store, slots)
            formula = messages(size, slots)
            rows.append((size.ratings, size.users, formula.alone))
            costs.append(cost)
            lines.append(
                f"| {size.ratings:,} | {size.users:,} | {size.items:,} | {slots} | {cost:.2f} | "
                f"{sent / 1e6:,.0f} | {(formula.sums + formula.rows) / 1e6:,.0f} | {own:.2f} |"
            )
    return lines, Costs(*nnls(np.array(rows, dtype=float), np.array(costs))[0]), per_rating


def described(size: Size, costs: Costs, per_rating: float) -> dict[str, str]:
    """Return what one size takes, by what it is called."""
    sent = messages(size)
    cpu = costs.rating * size.ratings + costs.user * size.users + costs.alone * sent.alone
    across = (sent.sums + sent.rows) * (1 - 1 / size.nodes)
    block = 12 * size.ratings / SEGMENTS + 4 * K * size.users / SEGMENTS
    return {
        "nodes of 16 cores": f"{size.nodes}",
        "blocks on disk": gigabytes(per_rating * size.ratings),
        "a block in memory, with its users' rows": gigabytes(block),
        "items' rows, on each node": gigabytes(4 * (K + 1) * size.items),
        "users' rows, in a file at the end": gigabytes(4 * K * size.users),
        "users' biases, ids and counts, in the driver": gigabytes(28 * size.users),
        "messages of a sweep, all tasks": gigabytes(sent.sums + sent.rows),
        "of these sums": f"{sent.sums / (sent.sums + sent.rows):.0%}",
        "between nodes": gigabytes(across),
        "between nodes, at 10 Gbit each": f"{across / NETWORK / size.nodes:,.0f} s",
        "CPU of a sweep": f"{cpu:,.0f} s",
        "CPU of a sweep, on all cores": f"{cpu / size.slots:,.0f} s",
        "CPU of writing, one process": f"{WRITER_SECONDS * size.ratings / 60:,.0f} min",
        "disk while writing": gigabytes(40 * size.ratings),
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
        lines, costs, per_rating = measured(Path(work))
    columns = [described(size, costs, per_rating) for size in WANTED]
    told = [
        f"Measured, ALS with {K} factors on threads: in a sweep {1e9 * costs.rating:.0f} ns of CPU "
        f"a rating, {1e6 * costs.user:.1f} µs a user, and {1e9 * costs.alone:.0f} ns more a rating "
        f"that travels with its rater's row (`python benchmarks/scale.py --write`).",
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
