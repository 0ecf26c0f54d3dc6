"""Time an epoch of our Keras loop beside Keras' own `model.fit`, in one run.

Both train the chapter's network on the 80,000 training ratings of S1 with the same optimiser, loss
and batch size, in turn; medians of the epochs after two for warming up. `optimizer alone` is one
compiled update of all the tables for each step, without any gradient: what no loop that keeps the
optimiser's own arithmetic can go below. The table goes into
docs/benchmarks.md. Run: python benchmarks/keras_epoch.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from marks import put

import penchant as pc
from penchant.networks.backend import load_keras
from penchant.networks.mf import matrix_factorization
from penchant.solvers.keras.epoch import EpochLoop
from penchant.solvers.keras.losses import loss_function

EPOCHS = 9
WARM = 2


def timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def optimizer_alone(network: object, optimizer: object, steps: int) -> Callable[[], object]:
    import jax

    optimizer.build(network.trainable_variables)
    start = [
        [v.value for v in network.trainable_variables],
        [v.value for v in optimizer.variables],
    ]

    @jax.jit
    def scan(state: list) -> list:
        def step(state: list, _: None) -> tuple:
            gradients = [0.001 * table for table in state[0]]
            return list(optimizer.stateless_apply(state[1], gradients, state[0])), None

        return jax.lax.scan(step, state, None, length=steps)[0]

    return lambda: jax.block_until_ready(scan(start))


def row(train: pc.Ratings, name: str, factors: int, batch: int) -> str:
    keras = load_keras()
    sizes = (train.user_ids.size, train.item_ids.size, factors, train.mean)
    theirs, ours = (matrix_factorization(*sizes, l2=0.05, l2_bias=0.02) for _ in range(2))
    theirs.compile(optimizer=name, loss=loss_function("rmse"))
    loop = EpochLoop(ours, keras.optimizers.get(name), "rmse", batch)
    columns = [train.user_rows, train.item_rows]
    inputs = [c[:, None] for c in columns]
    alone = optimizer_alone(
        matrix_factorization(*sizes), keras.optimizers.get(name), -(-len(train) // batch)
    )
    runs = {
        "fit": lambda: theirs.fit(inputs, train.values, batch_size=batch, verbose=0),
        "ours": lambda: loop.run(columns, train.values),
        "alone": alone,
    }
    times = {key: [] for key in runs}
    for _ in range(EPOCHS):
        for key, run in runs.items():
            times[key].append(timed(run))
    median = {key: statistics.median(seconds[WARM:]) * 1000 for key, seconds in times.items()}
    cells = [name, factors, batch, *(f"{median[k]:.0f}" for k in ("fit", "ours", "alone"))]
    return f"| {' | '.join(map(str, cells))} | {median['fit'] / median['ours']:.2f} |"


HEADER = (
    "| optimizer | factors | batch | Keras' fit, ms | ours, ms | optimizer alone, ms | ratio |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)
REASON = (
    "An epoch over the 80,000 training ratings of S1 on JAX, Keras' own `fit` and ours in turn, "
    "medians; the ratio is `fit` over ours. *Optimizer alone* is the optimiser's update of the "
    "whole tables in each step, with no gradient at all. With few factors a step is short, and "
    "compiling the epoch as a whole saves what Keras spends between steps. At 200 factors it is "
    "the step that costs: Adamax reads and writes three tables of 528,027 numbers in each, which "
    "Keras' `fit` does as fast as we do. That bounds the gain there for any loop that keeps the "
    "optimiser's own arithmetic.\n\n"
    "```sh\npython benchmarks/keras_epoch.py\n```"
)


def main() -> None:
    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    print(HEADER)
    rows = []
    for name, factors, batch in (
        ("adamax", 200, 512),
        ("sgd", 200, 512),
        ("adamax", 200, 128),
        ("adamax", 32, 512),
        ("adamax", 32, 128),
        ("adamax", 8, 128),
    ):
        rows.append(row(train, name, factors, batch))
        print(rows[-1], flush=True)
    put("keras", "An epoch of Keras", "\n".join([f"{REASON}\n\n{HEADER}", *rows]))


if __name__ == "__main__":
    main()
