"""Choose the defaults of `pc.DeepRating` on validation rows; the test rows are never opened.

The training part of S1 (MovieLens 100K, random split, seed 2021) is split again, 90 / 10. Settings
are drawn at random, train on the 90 and are judged on the 10, with the epochs that they were drawn
with. Run: python benchmarks/choose_deep.py --minutes 30
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from choosing import logarithmic

import penchant as pc

HOPELESS = 0.92  # of the validation RMSE after some epochs: not worth the rest


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    def one(*choices: Any) -> Any:
        return choices[rng.integers(len(choices))]

    return {
        "factors": one(32, 48, 64, 96),
        "layers": one((64,), (128,), (256,), (128, 64)),
        "members": one(1, 4, 8),
        "activation": one("silu", "gelu"),
        "dropout": one(0.1, 0.2, 0.3, 0.4),
        "side_factors": one(4, 8, 16),
        "l2": logarithmic(rng, 0.0003, 0.01),
        "l2_bias": logarithmic(rng, 0.0003, 0.005),
        "learning_rate": logarithmic(rng, 0.001, 0.0025),
        "epochs": one(9, 11, 13, 15, 20),
        "batch_size": one(256, 512),
        "average": one(0.6, 0.8, 0.9),
        "mask": one(0.02, 0.05, 0.1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    fit, validation = pc.split(train, test=0.1, seed=0)
    rng, found = np.random.default_rng(options.seed), []
    until = time.monotonic() + 60 * options.minutes

    def hopeless(record: dict[str, float]) -> bool:
        return record["epoch"] >= 6 and record["watch_rmse"] > HOPELESS

    while time.monotonic() < until:
        settings = {} if not found else drawn(rng)
        model = pc.DeepRating(**settings)
        model.fit(fit, watch=validation, callbacks=[hopeless], progress=False)
        last = model.history.records[-1]["watch_rmse"]
        found.append((last, settings))
        print(f"{last:.4f}  {settings or 'the defaults'}", flush=True)
    print("best:", min(found, key=lambda pair: pair[0]))


if __name__ == "__main__":
    main()
