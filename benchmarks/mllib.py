"""ALS beside Spark MLlib's: CPU seconds a sweep, on the same rows, in one run.

Spark runs in an environment of its own, which is made where it is missing; Java has to be there
(Debian: default-jre-headless). Both charge λ for each rating (ours with ``scaling="count"``), and
for each rank both choose λ, of the values in `TRIED`, by ratings cut off from the training rows;
then both train on all of these and are scored on the same held-out rows, those whose user and item
are in the training part. A sweep's seconds are the difference of two fits of different length, of
the process and all that it started, so that start, reading and warming up don't count.

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
from penchant.blocks.write import build

HERE = Path(__file__).parent
TRIED = {"ours": (0.06, 0.07, 0.08, 0.09, 0.1, 0.12), "theirs": (0.05, 0.06, 0.07, 0.08, 0.1, 0.12)}
"""λ: ours in units of the ratings' deviation, theirs in rating units."""


def prepare(folder: Path, ratings: int) -> dict[str, int]:
    """Write the rows to choose by and those to judge by; return how many there are."""
    source = folder / f"parts-{ratings}"
    parts.draw(source, ratings, max(200, ratings // 100), max(100, ratings // 400))
    table = pc.load(source, quiet=True)
    train, test = pc.split(table, test=0.1, how="pair", seed=1)
    held_out = cut(folder / "judge", train, test)
    cut(folder / "choose", *pc.split(train, test=0.1, how="pair", seed=2))
    if (folder / "judge" / "store").exists():
        shutil.rmtree(folder / "judge" / "store")
    build(
        folder / "judge" / "train.parquet", folder / "judge" / "store",
        ratings_per_block=500_000, quiet=True,
    )  # fmt: skip
    return {
        "train": len(train), "test": held_out, "users": len(table.user_ids),
        "items": len(table.item_ids),
    }  # fmt: skip


def cut(folder: Path, train: pc.Ratings, test: pc.Ratings) -> int:
    """Write the training rows and the test rows that are known to them; return how many those are.

    Ids are row numbers, for MLlib takes no others.
    """
    folder.mkdir(exist_ok=True)
    known = np.isin(test.user_rows, train.user_rows) & np.isin(test.item_rows, train.item_rows)
    for name, part in (("train", train), ("test", test.take(np.flatnonzero(known)))):
        columns = {"user": part.user_rows, "item": part.item_rows, "rating": part.values}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return int(known.sum())


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


def chosen(found: dict[str, Any], name: str) -> dict[str, list[float]]:
    """Return the best λ of each rank, and show what all of them scored."""
    best = {}
    for rank, scores in found["ranks"].items():
        shown = ", ".join(f"{l2} {rmse:.4f}" for l2, rmse in scores.items())
        print(f"{name}, rank {rank}, validation RMSE by λ: {shown}", flush=True)
        best[rank] = [float(min(scores, key=scores.__getitem__))]
    return best


def measured(given: argparse.Namespace, ranks: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what each solver took and scored, and the λ that each side chose."""
    settings = {
        "threads": given.threads, "few": 2, "many": given.sweeps, "scale": (0.5, 5),
        "store": False, "choose": True, "less_mean": given.less_mean,
    }  # fmt: skip
    sides = {
        "ours": [sys.executable, HERE / "mllib_ours.py"],
        "theirs": [spark_python(given.spark), HERE / "mllib_spark.py"],
    }
    best = {}
    for side, command in sides.items():
        tried = {"l2": dict.fromkeys(ranks, TRIED[side])}
        best[side] = chosen(run([*command, given.work / "choose"], settings | tried), side)
    settings["choose"], place = False, given.work / "judge"
    ours, theirs = ({"l2": best[side]} for side in sides)
    memory = run([*sides["ours"], place], settings | ours)
    blocks = run([*sides["ours"], place], settings | ours | {"store": True})
    spark = run([*sides["theirs"], place], settings | theirs)
    name = f"MLlib {spark['version']}"
    return {"penchant ALS": memory, "the same from blocks": blocks, name: spark}, best


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--ranks", default="32,64")
    parser.add_argument("--sweeps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "mllib")
    parser.add_argument("--spark", type=Path, default=Path(tempfile.gettempdir()) / "mllib-spark")
    parser.add_argument("--less-mean", action="store_true", help="MLlib gets them less their mean")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    sizes, ranks = prepare(given.work, given.ratings), given.ranks.split(",")
    rows, best = measured(given, ranks)
    lines = [
        f"| rank | solver | λ | RMSE after {given.sweeps} sweeps | CPU seconds a sweep | to ours |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rank in ranks:
        least = rows["penchant ALS"]["ranks"][rank]["sweep"]
        for name, found in rows.items():
            got, l2 = found["ranks"][rank], best["theirs" if "MLlib" in name else "ours"][rank][0]
            lines.append(
                f"| {rank} | {name} | {l2:g} | {got['rmse']:.4f} | {got['sweep']:.2f} | "
                f"{got['sweep'] / least:.1f} |"
            )
    less = ", MLlib's ratings less their mean" if given.less_mean else ""
    told = (
        f"{sizes['train']:,} training and {sizes['test']:,} held-out ratings of "
        f"{sizes['users']:,} users and {sizes['items']:,} items (`benchmarks/parts.py`), "
        f"{given.threads} threads, Spark as `local[{given.threads}]`{less}. Both charge λ for each "
        f'rating, ours as `scaling="count"`, l2 λ and l2_bias 0.3 λ, without bags; for each rank '
        f"both choose λ by a tenth of the training ratings, ours of "
        f"{', '.join(map(str, TRIED['ours']))}, MLlib's regParam of "
        f"{', '.join(map(str, TRIED['theirs']))}, then train on all of them: "
        f"`python benchmarks/mllib.py --ratings {given.ratings} --write`.\n\n" + "\n".join(lines)
    )
    print(told)
    if given.write:
        marks.put("mllib", "Beside Spark MLlib", told, "blocks.md")


if __name__ == "__main__":
    main()
