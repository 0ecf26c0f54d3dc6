"""What chose the constants of the choice model: lists on validation rows, by each of them.

    python benchmarks/choose_choices.py [FILE ...]

On MovieLens 100K and the ratings of further files: of the training rows (test=0.2, seed=2021) a
fifth (seed 7) is kept out, and the test rows are not looked at. A line for each power of the users'
weights and each width: NDCG@10 of lists by liking on the rows kept out (relevant from a quarter
below the top of the scale) at each strength of λ, and in brackets what the training itself goes by,
the places of the picks of users left out. `STRENGTHS`, `ENOUGH` and the power −1/2 in
`penchant/choices/train.py` are what did best over MovieLens 100K and 1M, FilmTrust, Anime and
Book-Crossing together; no table has its own best.
"""

from __future__ import annotations

import sys

import numpy as np

import penchant as pc
from choices import best, gain, picks
from penchant.choices import Choices, Liking, train
from penchant.solvers.by_row import by_both
from penchant.threads import Threads

POWERS = (0.0, -0.25, -0.5)
WIDTHS = (64, 128, 256, 512)
STRENGTHS = (2.0, 3.0, 4.5, 6.75, 10.0, 15.0)


def likings(model, ratings, liked):
    """Return how likely each user likes each item, (M, N)."""
    scores = np.stack([model.predictor.scores(row) for row in range(ratings.user_ids.size)])
    return Liking.of(ratings).probabilities(scores, liked)


def lines(ratings):
    """Yield power, width, and for each strength the gain and what the training sees."""
    inner, held = pc.split(pc.split(ratings, test=0.2, seed=2021).train, test=0.2, seed=7)
    liked = ratings.scale.high - (ratings.scale.high - ratings.scale.low) / 4
    model = pc.MatrixFactorization(choices=False, seed=0).fit(inner, progress=False)
    liking, seen, users = likings(model, inner, liked), picks(inner), np.unique(held.user_rows)
    (by_user, _), (by_item, _) = by_both(inner, inner.values)
    counts = np.diff(by_user.indptr)
    rank = min((counts > 0).sum(), (np.diff(by_item.indptr) > 0).sum())
    for power in POWERS:
        weights = np.maximum(counts, 1.0) ** power
        with Threads() as threads:
            V, squares = train._directions((by_user, by_item), np.sqrt(weights), 512, threads)
        judged = train._judged(by_user, counts, len(V))
        left = train._LeftOut.of(by_user, judged, weights, V)
        mean = float((weights * counts).sum()) / rank
        for width in (w for w in WIDTHS if w <= len(squares)):
            told = []
            for strength in STRENGTHS:
                tried = train._tried(left, squares[:width], strength, mean)
                d, W = squares[:width], V[:, :width]
                h = (d / (d + strength * mean)).astype(np.float32)
                C = W * h / (1 - (W * W) @ h)[:, None]
                made = Choices(seen @ W, W.copy(), C, tried.gain, Liking.of(inner))
                likely = made.probabilities(made.users @ made.items.T, seen.mean(axis=0))
                lists = best(likely * liking, users, seen)
                told.append((gain(lists, users, held, liked), tried.places))
            yield power, width, told


def main():
    for source in ("ml-100k", *sys.argv[1:]):
        print(f"\n{source}\n\n| power | width | " + " | ".join(map(str, STRENGTHS)) + " |")
        print("| ---: |" * 2 + " ---: |" * len(STRENGTHS))
        for power, width, told in lines(pc.load(source, quiet=True)):
            cells = " | ".join(f"{found:.4f} ({places:.3f})" for found, places in told)
            print(f"| {power} | {width} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
