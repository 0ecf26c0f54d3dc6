"""ALS beside Spark MLlib's: CPU seconds a sweep, on the same rows, in one run.

Spark runs in an environment of its own, which is made where it is missing; Java has to be there
(Debian: default-jre-headless). A sweep's seconds are the difference of two fits of different
length, of the process and all that it started, so that start, reading and warming up don't count.
Both are scored on the same held-out rows, those whose user and item are in the training part.

    python benchmarks/mllib.py [--ratings 1000000] [--ranks 32,64] [--spark FOLDER] [--write]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import marks
import numpy as np
import parts
import pyarrow as pa
import pyarrow.parquet as pq

import penchant as pc
from penchant.blocks import build

HERE = Path(__file__).parent
OURS = """
import json, sys, time
import numpy as np, pyarrow.parquet as pq
import penchant as pc
from penchant.engine.local import LocalEngine
from penchant.solvers.blocked.training import train_blocks
from penchant.store import BlockStore
folder, settings = sys.argv[1], json.loads(sys.argv[2])

def table(name):
    return [column.to_numpy() for column in pq.read_table(f"{folder}/{name}.parquet").columns]

users, items, values = table("train")
train = pc.Ratings.from_columns(users, items, values, scale=settings["scale"])
users, items, values = table("test")
rows = train.user_ids.rows(users), train.item_ids.rows(items)

store = BlockStore.open(f"{folder}/store") if settings["store"] else None

def fit(rank, sweeps):
    solver = pc.ALS(
        rank=rank, sweeps=sweeps, bags=False, side_information=False, patience=99,
        l2=settings["l2"],
    )
    before = time.process_time()
    if store is None:
        fitted = solver.fit(train, factors=rank, seed=1, threads=settings["threads"])
    else:
        engine = LocalEngine(settings["threads"])
        fitted = train_blocks(solver, store, factors=rank, seed=1, engine=engine)
    used = time.process_time() - before
    errors = fitted.factors.predict(*rows) - values
    return used, float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))

fit(settings["ranks"][0], 1)
found = {}
for rank in settings["ranks"]:
    few, _ = fit(rank, settings["few"])
    many, rmse = fit(rank, settings["many"])
    found[rank] = {
        "sweep": (many - few) / (settings["many"] - settings["few"]), "fit": many, "rmse": rmse,
    }
print(json.dumps({"version": pc.__version__, "ranks": found}))
"""


def prepare(folder: Path, ratings: int) -> dict[str, int]:
    """Write the training and the test rows, by row number; return how many there are."""
    source = folder / f"parts-{ratings}"
    parts.draw(source, ratings, max(200, ratings // 100), max(100, ratings // 400))
    table = pc.load(source, quiet=True)
    train, test = pc.split(table, test=0.1, how="pair", seed=1)
    known = np.isin(test.user_rows, train.user_rows) & np.isin(test.item_rows, train.item_rows)
    for name, part in (("train", train), ("test", test.take(np.flatnonzero(known)))):
        columns = {"user": part.user_rows, "item": part.item_rows, "rating": part.values}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    if (folder / "store").exists():
        shutil.rmtree(folder / "store")
    build(folder / "train.parquet", folder / "store", ratings_per_block=500_000, quiet=True)
    return {
        "train": len(train), "test": int(known.sum()), "users": len(table.user_ids),
        "items": len(table.item_ids),
    }  # fmt: skip


def spark_python(folder: Path) -> Path:
    """Return the Python of an environment that has PySpark; make it where it is missing."""
    if shutil.which("java") is None:
        sys.exit("Java is missing: apt-get install default-jre-headless")
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "pyspark", "numpy"], check=True)
    return python


def run(command: list[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Run one side and return what it printed last."""
    done = subprocess.run(
        [*map(str, command), json.dumps(settings)], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--ranks", default="32,64")
    parser.add_argument("--sweeps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "mllib")
    parser.add_argument("--spark", type=Path, default=Path(tempfile.gettempdir()) / "mllib-spark")
    parser.add_argument("--spark-l2", type=float, default=0.1)
    parser.add_argument("--l2", type=float, default=15.0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    sizes = prepare(given.work, given.ratings)
    settings = {
        "ranks": [int(rank) for rank in given.ranks.split(",")], "threads": given.threads,
        "few": 2, "many": given.sweeps, "scale": (0.5, 5), "l2": given.l2,
        "spark_l2": given.spark_l2, "store": False,
    }  # fmt: skip
    ours = run([sys.executable, "-c", OURS, given.work], settings)
    blocks = run([sys.executable, "-c", OURS, given.work], settings | {"store": True})
    theirs = run([spark_python(given.spark), HERE / "mllib_spark.py", given.work], settings)
    lines = [
        f"| rank | solver | RMSE after {given.sweeps} sweeps | CPU seconds a sweep | to ours |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rank in map(str, settings["ranks"]):
        least = ours["ranks"][rank]["sweep"]
        rows = {"penchant ALS": ours, "the same from blocks": blocks}
        for name, found in {**rows, f"MLlib {theirs['version']}": theirs}.items():
            got = found["ranks"][rank]
            lines.append(
                f"| {rank} | {name} | {got['rmse']:.4f} | {got['sweep']:.2f} | "
                f"{got['sweep'] / least:.1f} |"
            )
    told = (
        f"{sizes['train']:,} training and {sizes['test']:,} held-out ratings of "
        f"{sizes['users']:,} users and {sizes['items']:,} items (`benchmarks/parts.py`), "
        f"{given.threads} threads, Spark as `local[{given.threads}]` with regParam "
        f"{given.spark_l2:g}, ours with l2 {given.l2:g} and without bags: "
        f"`python benchmarks/mllib.py --write`.\n\n" + "\n".join(lines)
    )
    print(told)
    if given.write:
        marks.put("mllib", "Beside Spark MLlib", told, "blocks.md")


if __name__ == "__main__":
    main()
