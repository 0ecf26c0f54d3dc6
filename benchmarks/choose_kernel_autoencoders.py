"""Choose epochs, λ and L-BFGS steps of the kernel autoencoders; test rows are never opened.

    python benchmarks/choose_kernel_autoencoders.py

Protocol: the training rows of S1 (MovieLens 100K, random split, test=0.2, seed 2021), a tenth of
them held out at random (seed 7) for validation. Each line is one training; "best" is the least
validation RMSE of its epochs, and the epoch where it stood. An epoch is a run of L-BFGS of so many
iterations from a fresh start, and each line has about as many iterations in all.
"""

from __future__ import annotations

import time
from typing import Any

import penchant as pc

GRID: list[tuple[str, dict[str, Any]]] = [
    ("SparseFC", {"epochs": 80}),
    ("SparseFC", {"epochs": 80, "l2": 10.0}),
    ("SparseFC", {"epochs": 80, "l2": 40.0}),
    ("SparseFC", {"epochs": 20, "iterations": 20}),
    ("SparseFC", {"epochs": 4, "iterations": 100}),
    ("GLocalK", {"epochs": 30, "global_epochs": 60}),
    ("GLocalK", {"epochs": 40, "global_epochs": 50}),
]


def main() -> None:
    train, _ = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    inner, validation = pc.split(train, test=0.1, seed=7)
    print(f"{'model':10}{'settings':50}{'best':>8}{'epoch':>7}{'last':>8}{'CPU s':>7}")
    for name, settings in GRID:
        began = time.process_time()
        model = getattr(pc, name)(**settings, patience=100)
        model.fit(inner, validation=validation, progress=False)
        scores = model.history.column("validation_rmse")
        shown = ", ".join(f"{key}={value:g}" for key, value in settings.items())
        print(
            f"{name:10}{shown:50}{scores.min():8.4f}{scores.argmin() + 1:7}{scores[-1]:8.4f}"
            f"{time.process_time() - began:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
