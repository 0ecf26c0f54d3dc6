"""Lists: what people choose times what they like, beside popularity, EASE and ratings alone.

    python benchmarks/choices.py [--write] [--file ratings.txt --relevant 3]

NDCG@10 among all items that a user has not rated in training, relevant are test ratings from a
quarter below the top of the scale, or from --relevant. Two splits of MovieLens 100K: at random
(test=0.2, seed=2021), and the newest fifth of each user; with --file the ratings of a file at
random. All models train on the same rows. EASE (Steck 2019) is trained on all ratings and on the
liked ones alone, in full, its λ the best of nine on a fifth of the training rows that is kept out.
Our settings are chosen by the training itself. RMSE is that of the default model on the same rows.
"""

from __future__ import annotations

import argparse

import numpy as np
from marks import put

import penchant as pc
from penchant.answers.recommend import Terms
from penchant.answers.recommend_all import best_rows
from penchant.ranking import hits_in, ndcg

N = 10
PENALTIES = (25, 50, 100, 200, 400, 600, 800, 1200, 1600)
ORDERS = ("rating", "low", "choice", "liking")


def newest_fifth(ratings):
    """Return the ratings without each user's newest fifth, and that fifth."""
    order = np.lexsort((np.arange(len(ratings)), ratings.timestamps, ratings.user_rows))
    counts = np.bincount(ratings.user_rows, minlength=ratings.user_ids.size)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    held = place >= counts[ratings.user_rows[order]] * 0.8
    return ratings.take(np.sort(order[~held])), ratings.take(np.sort(order[held]))


def picks(ratings, liked=-np.inf):
    """Return X, (M, N), with a one for each rating of at least so much."""
    X = np.zeros((ratings.user_ids.size, ratings.item_ids.size), np.float32)
    kept = ratings.values >= np.float32(liked)
    X[ratings.user_rows[kept], ratings.item_rows[kept]] = 1
    return X


def ease(X, penalty):
    """Return the scores of EASE, as in Steck's program."""
    P = np.linalg.inv(X.T @ X + penalty * np.eye(X.shape[1], dtype=np.float32))
    B = P / -np.diag(P)
    np.fill_diagonal(B, 0)
    return X @ B


def gain(lists, users, test, liked):
    """Return the mean NDCG@10 of lists, a line for each of `users`."""
    line = np.searchsorted(users, test.user_rows)
    kept = test.values >= np.float32(liked)
    hits = hits_in(lists, line[kept], test.item_rows[kept])
    counts = np.bincount(line[kept], minlength=len(users))
    ideal = (np.arange(N) < counts[:, None]).astype(np.float64)
    return float(np.nanmean(ndcg(hits.astype(np.float64), ideal)))


def best(scores, users, seen):
    """Return the best unseen items of some users by their scores."""
    left = np.where(seen[users] > 0, -np.inf, scores[users])
    left[:, 0] = -np.inf
    return np.argsort(-left, axis=1, kind="stable")[:, :N].astype(np.int32)


def best_ease(train, test, liked, least):
    """Return NDCG of EASE on ratings of at least `least`, λ by a part of the training rows."""
    inner, held = pc.split(train, test=0.2, seed=0)
    asked, users = np.unique(held.user_rows), np.unique(test.user_rows)
    found = {}
    for penalty in PENALTIES:
        scores = ease(picks(inner, least), penalty)
        found[penalty] = gain(best(scores, asked, picks(inner)), asked, held, liked)
    penalty = max(found, key=found.get)
    return gain(best(ease(picks(train, least), penalty), users, picks(train)), users, test, liked)


def measured(train, test, liked):
    """Return the figures of all on one split, and the RMSE."""
    users, seen = np.unique(test.user_rows), picks(train)
    counts = np.broadcast_to(seen.sum(axis=0), seen.shape)
    row = {"most popular": gain(best(counts, users, seen), users, test, liked)}
    row["EASE, all ratings"] = best_ease(train, test, liked, -np.inf)
    row["EASE, liked ratings"] = best_ease(train, test, liked, liked)
    model = pc.MatrixFactorization(seed=0).fit(train, progress=False)
    choice, terms = model.knowledge.choice(), Terms(liked)
    for by in ORDERS:
        lists = best_rows(model.predictor, users, N, choice, by=by, terms=terms).items
        row[f"`by={by!r}`"] = gain(lists, users, test, liked)
    return row, model.evaluate(test).rmse


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--write", action="store_true", help="write the table into docs/lists.md")
    asked.add_argument("--file", help="further ratings, split at random")
    asked.add_argument("--relevant", type=float, help="of --file: the least relevant rating")
    args = asked.parse_args()
    ratings = pc.load("ml-100k", quiet=True)
    parts = {
        "MovieLens 100K, random": (pc.split(ratings, test=0.2, seed=2021), 4),
        "MovieLens 100K, each user's newest fifth": (newest_fifth(ratings), 4),
    }
    if args.file:
        more = pc.load(args.file, quiet=True)
        scale = more.scale
        liked = args.relevant or scale.high - (scale.high - scale.low) / 4
        parts["the file, random"] = (pc.split(more, test=0.2, seed=2021), liked)
    rows = {name: measured(*split, liked) for name, (split, liked) in parts.items()}
    lines = ["| NDCG@10 | " + " | ".join(rows) + " |", "| --- |" + " ---: |" * len(rows)]
    for name in next(iter(rows.values()))[0]:
        lines.append(f"| {name} | " + " | ".join(f"{r[name]:.3f}" for r, _ in rows.values()) + " |")
    lines.append("| RMSE | " + " | ".join(f"{rmse:.4f}" for _, rmse in rows.values()) + " |")
    print("\n".join(lines))
    if args.write:
        put("choices", "What to order by", "\n".join(lines), page="lists.md")


if __name__ == "__main__":
    main()
