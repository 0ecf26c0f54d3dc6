"""How far the headline figure hangs on the seed: the README's example, trained with 20 of them.

    python benchmarks/seeds.py [SEEDS]

On the split of the README, MovieLens 100K. It prints each seed's test RMSE, and their mean and
standard deviation.
"""

import sys

import numpy as np

import penchant as pc


def main(seeds: int = 20) -> None:
    """Train with seeds 0, 1, … and print what each reaches."""
    train, test = pc.split(pc.load("ml-100k"), test=0.2, seed=2021)
    scores = []
    for seed in range(seeds):
        model = pc.MatrixFactorization(factors=200, seed=seed).fit(train, progress=False)
        scores.append(model.evaluate(test).rmse)
        print(f"seed {seed:2}  {scores[-1]:.4f}", flush=True)
    print(f"mean     {np.mean(scores):.4f} ± {np.std(scores, ddof=1):.4f} over {seeds} seeds")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
