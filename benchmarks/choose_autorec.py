"""Choose the defaults of `pc.AutoRec` on validation rows; the test rows are never opened.

The training part of S1 (MovieLens 100K, random split, seed 2021) is split again, 90 / 10. Settings
are drawn at random, train on the 90 and are judged on the 10, with the epochs that they were drawn
with. Run: python benchmarks/choose_autorec.py --minutes 20
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from choosing import logarithmic

import penchant as pc

HOPELESS = 0.94  # of the validation RMSE after a third of the epochs: not worth the rest


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    def one(*choices: Any) -> Any:
        return choices[rng.integers(len(choices))]

    return {
        "layers": one((200,), (500,), (1000,), (500, 500)),
        "activation": one("sigmoid", "sigmoid", "tanh", "gelu"),
        "gain": one(3.0, 5.0, 8.0, 12.0, 16.0, 20.0, 30.0),
        "corruption": one(0.3, 0.4, 0.5, 0.6),
        "dropout": one(0.3, 0.5, 0.6, 0.7, 0.8),
        "l2": logarithmic(rng, 0.00003, 0.0005),
        "learning_rate": logarithmic(rng, 0.001, 0.005),
        "epochs": one(40, 60, 80),
        "batch_size": one(32, 64, 128),
        "mask": one(0.0, 0.02, 0.05),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    fit, validation = pc.split(train, test=0.1, seed=0)
    rng, found = np.random.default_rng(options.seed), []
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        settings = {} if not found else drawn(rng)
        model = pc.AutoRec(**settings)
        third = model.epochs // 3

        def hopeless(record: dict[str, float], third: int = third) -> bool:
            return record["epoch"] >= third and record["watch_rmse"] > HOPELESS

        model.fit(fit, watch=validation, callbacks=[hopeless], progress=False)
        last = model.history.records[-1]["watch_rmse"]
        found.append((last, settings))
        print(f"{last:.4f}  {settings or 'the defaults'}", flush=True)
    print("best:", min(found, key=lambda pair: pair[0]))


if __name__ == "__main__":
    main()
