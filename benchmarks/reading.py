"""Reading 25 million rows: `pc.load` beside pandas' read_csv and read_parquet with factorize.

Each reader runs in a process of its own, in turn, the best of some rounds; the files are made by
the library's own generator and kept in the folder for temporary files. Memory is the highest
resident set of the process. Pandas is left to do less: it looks for no repeats and no faulty rows.

    python benchmarks/reading.py [--rows 25000000] [--rounds 2] [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import marks

OURS = """
import penchant
ratings = penchant.load({path!r}, quiet=True)
shape = len(ratings), len(ratings.user_ids), len(ratings.item_ids)
"""
PANDAS = """
import pandas as pd
table = pd.{reader}({path!r})
users, user_ids = pd.factorize(table["userId"])
items, item_ids = pd.factorize(table["movieId"])
shape = len(table), len(user_ids), len(item_ids)
"""
TIMED = """
import json, pathlib, time
start, busy = time.perf_counter(), time.process_time()
{code}
seconds, cpu = time.perf_counter() - start, time.process_time() - busy
status = pathlib.Path("/proc/self/status").read_text()  # rusage's peak is the parent's, if higher
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps(dict(seconds=seconds, cpu=cpu, peak=peak, shape=list(shape))))
"""


def make(rows: int) -> dict[str, Path]:
    """Return the files of so many ratings, made if they aren't there."""
    folder = Path(tempfile.gettempdir()) / f"penchant-reading-{rows}"
    files = {kind: folder / f"ratings.{kind}" for kind in ("csv", "parquet")}
    if all(file.exists() for file in files.values()):
        return files
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    import penchant

    ratings = penchant.synthetic(
        n_users=160_000, n_items=60_000, n_ratings=rows, scale=(0.5, 5), step=0.5, factors=4
    )
    columns = {
        "userId": ratings.user_ids.array.take(pa.array(ratings.user_rows - 1)),
        "movieId": ratings.item_ids.array.take(pa.array(ratings.item_rows - 1)),
        "rating": ratings.values.astype("float64"),
        "timestamp": ratings.timestamps,
    }
    folder.mkdir(exist_ok=True)
    pyarrow.csv.write_csv(pa.table(columns), files["csv"])
    pyarrow.parquet.write_table(pa.table(columns), files["parquet"])
    return files


def measure(code: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(code=code)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=25_000_000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--write", action="store_true", help="write the table into docs/data.md")
    asked = options.parse_args()
    files = make(asked.rows)
    runs = {
        ("CSV", "pandas"): PANDAS.format(reader="read_csv", path=str(files["csv"])),
        ("CSV", "penchant"): OURS.format(path=str(files["csv"])),
        ("Parquet", "pandas"): PANDAS.format(reader="read_parquet", path=str(files["parquet"])),
        ("Parquet", "penchant"): OURS.format(path=str(files["parquet"])),
    }
    found = {key: [] for key in runs}
    for _ in range(asked.rounds):
        for key, code in runs.items():
            found[key].append(measure(code))
    print(text := table(found, files))
    if asked.write:
        marks.put("reading", "Speed of reading", text, page="data.md")


def table(found: dict, files: dict[str, Path]) -> str:
    lines = [
        "| file | reader | seconds | CPU seconds | peak memory, MB | seconds to pandas' | memory |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    shapes = {tuple(run["shape"]) for runs in found.values() for run in runs}
    if len(shapes) != 1:
        raise SystemExit(f"The readers disagree: {shapes}")
    for (kind, reader), runs in found.items():
        best = {name: min(run[name] for run in runs) for name in ("seconds", "cpu", "peak")}
        base = {name: min(run[name] for run in found[kind, "pandas"]) for name in best}
        lines.append(
            f"| {kind} | {reader} | {best['seconds']:.1f} | {best['cpu']:.1f} | "
            f"{best['peak']:,.0f} | {best['seconds'] / base['seconds']:.2f} | "
            f"{best['peak'] / base['peak']:.2f} |"
        )
    rows, users, items = shapes.pop()
    size = files["csv"].stat().st_size / 1e6
    head = (
        f"{rows:,} rows ({users:,} users, {items:,} items; {size:,.0f} MB of CSV) into `Ratings`, "
        f"and into pandas with `factorize` on both ids: `python benchmarks/reading.py --write`."
    )
    return "\n".join([head, "", *lines])


if __name__ == "__main__":
    main()
