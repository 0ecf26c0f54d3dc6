"""Time a training step of a deep network with 10,000 users and with 1,000,000, in one run.

The network is MF + deep with bags of at most 64 entries and Adam. The epochs are of the same number
of steps on the same number of ratings, in turn; medians after one for warming up. What is paid once
an epoch whatever its steps, such as handing the tables over, is measured with epochs of two lengths
and told apart. The table goes into docs/benchmarks.md. Run: python benchmarks/deep_step.py
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from marks import put

from penchant.networks.backend import load_keras
from penchant.networks.deep import Bag, DeepShape, deep_rating
from penchant.solvers.keras import lazy as keras_lazy
from penchant.solvers.keras.epoch import EpochLoop

USERS = (10_000, 100_000, 1_000_000)
ITEMS, FACTORS, BATCH, LISTS = 20_000, 32, 512, 64
STEPS = (50, 550)
TIMES = 5

HEADER = (
    "| users | parameters | ms a step, rows | ms an epoch, once | ms a step, whole tables |\n"
    "| ---: | ---: | ---: | ---: | ---: |"
)
REASON = (
    "Training steps of MF + deep (32 factors, one hidden layer of 64, 20,000 items, Adam, batch "
    "512) on JAX, the user tables under the optimiser growing a hundredfold. *Rows*: the rows of a "
    "batch are gathered, stepped on and put back; *whole tables*: every step moves every row. "
    "*Once* is what an epoch costs beside its steps. A step with 1,000,000 users takes {ratio:.2f} "
    "times that with 10,000.\n\n```sh\npython benchmarks/deep_step.py\n```"
)


def loop_of(users: int, lazy: bool) -> tuple[EpochLoop, int]:
    rng = np.random.default_rng(0)
    lists = rng.integers(1, ITEMS, (users, LISTS), dtype=np.int32)
    shape = DeepShape(users, ITEMS, FACTORS, (64,), activation="gelu", dot=True, mean=3.5, l2=0.01)
    graphs = deep_rating(shape, (), (Bag(None, lists), None))
    large, keras_lazy.LARGE = keras_lazy.LARGE, keras_lazy.LARGE if lazy else users
    loop = EpochLoop(graphs.quick, load_keras().optimizers.Adam(1e-3), "mse", BATCH)
    keras_lazy.LARGE = large
    return loop, graphs.network.count_params()


def seconds(loop: EpochLoop, users: int, steps: int) -> float:
    rng = np.random.default_rng(1)
    n = steps * BATCH
    rows = [rng.integers(1, size, n, dtype=np.int32) for size in (users, ITEMS)]
    values = rng.normal(3.5, 1, n).astype(np.float32)
    began = time.perf_counter()
    loop.run(rows, values)
    return time.perf_counter() - began


def measured(loops: dict[int, EpochLoop], steps: tuple[int, ...]) -> dict[tuple[int, int], float]:
    """Return the median seconds of an epoch for users and steps, all in turn."""
    times: dict[tuple[int, int], list[float]] = {}
    for _ in range(TIMES + 1):
        for users, loop in loops.items():
            for number in steps:
                times.setdefault((users, number), []).append(seconds(loop, users, number))
    return {key: statistics.median(found[1:]) for key, found in times.items()}


def main() -> None:
    built = {users: loop_of(users, lazy=True) for users in USERS}
    found = measured({users: loop for users, (loop, _) in built.items()}, STEPS)
    few, many = STEPS
    step = {u: (found[u, many] - found[u, few]) / (many - few) for u in USERS}
    parameters = {users: count for users, (_, count) in built.items()}
    del built
    rows = []
    for users in USERS:
        whole, _ = loop_of(users, lazy=False)
        short = 2 if users > 100_000 else 10
        dense = measured({users: whole}, (short,))[users, short] / short
        once = found[users, few] - few * step[users]
        cells = (step[users], max(once, 0.0), dense)
        told = " | ".join(f"{cell * 1000:.2f}" for cell in cells)
        rows.append(f"| {users:,} | {parameters[users]:,} | {told} |")
    text = REASON.format(ratio=step[USERS[-1]] / step[USERS[0]])
    table = "\n".join([HEADER, *rows])
    print(table, text, sep="\n\n")
    put("deep_step", "A step of a deep network", f"{text}\n\n{table}")


if __name__ == "__main__":
    main()
