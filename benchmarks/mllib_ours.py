"""Our ALS on prepared files, for `mllib.py`: in memory, or from blocks."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import penchant as pc
from penchant.blocks.engines.local import LocalEngine
from penchant.blocks.train.start import train_blocks
from penchant.store import BlockStore

BIAS = 0.3
"""λ of the biases, in units of that of the factors: that of the defaults."""


def table(path: Path) -> list[Any]:
    """Return the columns of a file: users, items, ratings."""
    return [column.to_numpy() for column in pq.read_table(path).columns]


def main() -> None:
    """Fit once for each λ, or with a few and with more sweeps; print JSON."""
    folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
    train = pc.Ratings.from_columns(*table(folder / "train.parquet"), scale=settings["scale"])
    users, items, values = table(folder / "test.parquet")
    rows = train.user_ids.rows(users), train.item_ids.rows(items)
    store = BlockStore.open(folder / "store") if settings["store"] else None

    def fit(rank: int, l2: float, sweeps: int) -> tuple[float, float]:
        solver = pc.ALS(
            rank=rank, sweeps=sweeps, bags=False, side_information=False, patience=sweeps + 1,
            scaling="count", l2=l2, l2_bias=BIAS * l2,
        )  # fmt: skip
        before = time.process_time()
        if store is None:
            fitted = solver.fit(train, factors=rank, seed=1, threads=settings["threads"])
        else:
            engine = LocalEngine(settings["threads"])
            fitted = train_blocks(solver, store, factors=rank, seed=1, engine=engine)
        used = time.process_time() - before
        errors = fitted.factors.predict(*rows) - values
        return used, float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))

    few, many = settings["few"], settings["many"]
    fit(int(next(iter(settings["l2"]))), 0.1, 1)
    found: dict[str, Any] = {}
    for rank, strengths in settings["l2"].items():
        if settings["choose"]:
            found[rank] = {str(l2): fit(int(rank), l2, many)[1] for l2 in strengths}
            continue
        (less, _), (more, rmse) = (fit(int(rank), strengths[0], n) for n in (few, many))
        found[rank] = {"sweep": (more - less) / (many - few), "rmse": rmse}
    print(json.dumps({"version": pc.__version__, "ranks": found}))


if __name__ == "__main__":
    main()
