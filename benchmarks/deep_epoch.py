"""Time an epoch of the preset "deep" beside Keras' own `model.fit` on TensorFlow, in one run.

Both train the same network, embeddings of 200 through 2048 and 256 to 1, on the 80,000 training
ratings of S1 with Adam and batch 512. Each takes its epochs in a process of its own, in turn;
medians after one for warming up. The table goes into docs/benchmarks.md. Run:

    python benchmarks/deep_epoch.py [PYTHON-WITH-TENSORFLOW]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from marks import put

TIMES, ROUNDS, BATCH = 2, 2, 512
NAMES = {
    "fit": ("tensorflow", "Keras' `fit` on TensorFlow"),
    "ours": ("jax", "ours on JAX"),
    "ours-tensorflow": ("tensorflow", "ours on TensorFlow"),
}
REASON = (
    "An epoch of `pc.DeepRating.preset('deep')` over the 80,000 training ratings of S1 (Adam, "
    "batch 512, 1,871,449 parameters), medians of epochs in turn. Its layers are linear, so their "
    "product can be taken from the narrow end: weights times weights once a step, in place of "
    "weights times every rating. The network, its numbers and its gradients stay the same."
    "\n\n```sh\npython benchmarks/deep_epoch.py\n```"
)


def epochs(which: str) -> list[float]:
    """Return the seconds of some epochs; run in a process whose backend is set."""
    import penchant as pc
    from penchant.networks.backend import load_keras
    from penchant.networks.deep import deep_rating
    from penchant.solvers.keras.deep import DeepTraining, sizes_of
    from penchant.solvers.keras.epoch import EpochLoop

    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    model = pc.DeepRating.preset("deep")
    settings: DeepTraining = model._trainer()
    card = {"mean": train.mean, "spread": 1.0}
    graphs = deep_rating(settings.shape(card, sizes_of(train), (1.0, 5.0), ()))
    optimizer = load_keras().optimizers.Adam(1e-3)
    rows = [train.user_rows, train.item_rows]
    if which == "fit":
        graphs.network.compile(optimizer=optimizer, loss="mse")
        columns = [column[:, None] for column in rows]

        def run() -> None:
            graphs.network.fit(columns, train.values, batch_size=BATCH, verbose=0)
    else:
        loop = EpochLoop(graphs.quick, optimizer, "mse", BATCH)

        def run() -> None:
            loop.run(rows, train.values)

    found = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return found[1:]


def in_process(python: str, which: str) -> list[float]:
    environment = os.environ | {"KERAS_BACKEND": NAMES[which][0], "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent / "src")
    done = subprocess.run(
        [python, __file__, "--epochs", which],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    if sys.argv[1:2] == ["--epochs"]:
        print(json.dumps(epochs(sys.argv[2])))
        return
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(ROUNDS):
        for name, (backend, _) in NAMES.items():
            times[name] += in_process(python if backend == "tensorflow" else sys.executable, name)
    median = {name: statistics.median(found) for name, found in times.items()}
    rows = ["| | s an epoch | times as fast |", "| --- | ---: | ---: |"]
    for name, (_, told) in NAMES.items():
        rows.append(f"| {told} | {median[name]:.2f} | {median['fit'] / median[name]:.1f} |")
    table = "\n".join(rows)
    print(table)
    put("deep_epoch", "An epoch of a deep network", f"{REASON}\n\n{table}")


if __name__ == "__main__":
    main()
