"""Spark MLlib's ALS on prepared files, for `mllib.py`; it runs in an environment of its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession


def busy() -> float:
    """Return the CPU seconds of this process and all that it started: the JVM among them."""
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            stats[int(entry.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours, ticks = {os.getpid()}, os.sysconf("SC_CLK_TCK")
    while more := {pid for pid, (parent, _) in stats.items() if parent in ours} - ours:
        ours |= more
    return sum(stats[pid][1] for pid in ours if pid in stats) / ticks


def main() -> None:
    """Fit once for each λ, or with a few and with more sweeps; print JSON.

    A fit that warms the machine up comes first.
    """
    folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
    spark = (
        SparkSession.builder.master(f"local[{settings['threads']}]")
        .config("spark.driver.memory", "8g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", 2 * settings["threads"])
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(str(folder / "checkpoints"))
    train = spark.read.parquet(str(folder / "train.parquet")).cache()
    test = spark.read.parquet(str(folder / "test.parquet")).cache()
    if settings["less_mean"]:
        mean = train.agg({"rating": "avg"}).first()[0]
        train, test = (t.withColumn("rating", t.rating - mean).cache() for t in (train, test))
    train.count(), test.count()

    def fit(rank: int, l2: float, sweeps: int) -> tuple[float, float]:
        before = busy()
        model = ALS(
            rank=rank,
            maxIter=sweeps,
            regParam=l2,
            numUserBlocks=2 * settings["threads"],
            numItemBlocks=2 * settings["threads"],
            userCol="user",
            itemCol="item",
            ratingCol="rating",
            seed=1,
        ).fit(train)
        used = busy() - before
        squared = RegressionEvaluator(metricName="rmse", labelCol="rating")
        return used, squared.evaluate(model.transform(test))

    few, many = settings["few"], settings["many"]
    fit(int(next(iter(settings["l2"]))), 0.1, 2)
    found: dict[str, Any] = {}
    for rank, strengths in settings["l2"].items():
        if settings["choose"]:
            found[rank] = {str(l2): fit(int(rank), l2, many)[1] for l2 in strengths}
            continue
        (less, _), (more, rmse) = (fit(int(rank), strengths[0], n) for n in (few, many))
        found[rank] = {"sweep": (more - less) / (many - few), "rmse": rmse}
    print(json.dumps({"version": spark.version, "ranks": found}))
    spark.stop()


if __name__ == "__main__":
    main()
