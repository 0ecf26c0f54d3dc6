"""Choose the Keras solver's defaults on validation rows; the test rows are never opened.

The training part of S1 (MovieLens 100K, random split, seed 2021) is split again, 90 / 10; each
setting trains on the 90 and is judged on the 10. Run: python benchmarks/choose_keras.py
"""

from __future__ import annotations

import itertools

import penchant as pc

GRID = {
    "batch_size": (128, 256, 512),
    "l2": (0.04, 0.05, 0.06),
    "learning_rate": (0.005, 0.007, 0.01),
}


def main() -> None:
    ratings = pc.load("ml-100k", quiet=True)
    train, _ = pc.split(ratings, test=0.2, seed=2021)
    fit, validation = pc.split(train, test=0.1, seed=0)
    found = []
    for values in itertools.product(*GRID.values()):
        settings = dict(zip(GRID, values, strict=True))
        model = pc.MatrixFactorization(solver=pc.Keras(patience=15, **settings))
        model.fit(fit, watch=validation, progress=False)
        last = model.history.records[-1]["watch_rmse"]
        found.append((last, settings))
        print(f"{last:.4f}  {settings}", flush=True)
    print("best:", min(found, key=lambda pair: pair[0]))


if __name__ == "__main__":
    main()
