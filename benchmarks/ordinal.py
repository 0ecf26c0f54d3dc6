"""Ratings as ordered stars: RMSE, time and calibration of likelihood="ordinal".

    python benchmarks/ordinal.py [--seeds 0 1 2 3] [--no-page]

Protocol: MovieLens 100K, random split of seed 2021 (S1), no timestamps, default settings of
`pc.Gibbs` with either likelihood and one thread; the test rows are opened once, for the tables.
Times are CPU seconds of `fit`, the kernels compiled before. The expected calibration error of a
star is the mean gap, over ten bins of equal size by its predicted probability, between that
probability and how often the star was given. The tables go to docs/ordinal.md.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import marks
import numpy as np

import penchant as pc
from penchant.ratings import Ratings

BINS = 10


def trained(train: Ratings, likelihood: Any, seed: int) -> tuple[pc.MatrixFactorization, float]:
    model = pc.MatrixFactorization(solver=pc.Gibbs(likelihood=likelihood), seed=seed)
    began = time.process_time()
    model.fit(train, progress=False, threads=1)
    return model, time.process_time() - began


def calibration_error(probability: Any, given: Any) -> float:
    """Return the mean gap between predicted and observed shares, over bins of equal size."""
    order = np.argsort(probability, kind="stable")
    gaps = [
        abs(float(probability[rows].mean(dtype=float)) - float(given[rows].mean()))
        for rows in np.array_split(order, BINS)
    ]
    return float(np.mean(gaps))


def star_rows(model: pc.MatrixFactorization, test: Ratings) -> list[tuple[str, ...]]:
    told = model.predict(test.users, test.items, distribution=True)
    rows = []
    for star, value in enumerate(told.ratings.tolist()):
        p, given = told.probability[:, star], test.values == np.float32(value)
        error = calibration_error(p, given)
        shares = (float(given.mean()), float(p.mean(dtype=float)), error)
        rows.append((f"{value:g}", *(f"{share:.1%}" for share in shares)))
    return rows


def log_loss(model: pc.MatrixFactorization, test: Ratings) -> float:
    told = model.predict(test.users, test.items, distribution=True)
    places = np.searchsorted(told.ratings, test.values)
    chances = told.probability[np.arange(len(test)), places].astype(float)
    return float(-np.log(chances).mean())


def markdown(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--no-page", action="store_true")
    given = parser.parse_args()
    train, test = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    small = pc.synthetic(n_users=30, n_items=20, n_ratings=300, factors=2, noise=0.5, seed=0)
    for likelihood in ("gaussian", "ordinal"):
        trained(small, likelihood, 0)  # compiles
    rows, found = [], {}
    for likelihood in ("gaussian", "ordinal"):
        for seed in given.seeds:
            model, seconds = trained(train, likelihood, seed)
            scores = model.evaluate(test)
            found.setdefault(likelihood, []).append(scores["rmse"])
            loss = f"{log_loss(model, test):.4f}" if likelihood == "ordinal" else ""
            numbers = (f"{scores['rmse']:.4f}", f"{scores['mae']:.4f}", loss, f"{seconds:.1f}")
            rows.append((likelihood, str(seed), *numbers))
            print(*rows[-1], flush=True)

        rows.append((likelihood, "mean", f"{np.mean(found[likelihood]):.4f}", "", "", ""))
    heads = ("likelihood", "seed", "RMSE", "MAE", "mean −ln P", "CPU s")
    stars = ("star", "given", "predicted", "expected calibration error")
    text = f"{markdown(heads, rows)}\n\n{markdown(stars, star_rows(model, test))}"
    print(text)
    if not given.no_page:
        marks.put("ordinal", "Figures", text, "ordinal.md")


if __name__ == "__main__":
    main()
