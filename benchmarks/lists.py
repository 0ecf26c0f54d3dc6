"""What the knobs of a list trade: diversity, popularity, and ordering by the lower end.

    python benchmarks/lists.py

On S1 (MovieLens 100K, random split, test=0.2, seed=2021): the ten items for each of 300 users,
drawn at random, without what the user rated in training, by the default model, calibrated on a
tenth of the training ratings. Means over users:

- predicted: the predicted rating of the items of a list;
- NDCG@10 and precision@10: as penchant compare has them; relevant are test ratings of at least 4;
- alike: the mean correlation of two items of a list;
- rated by: the share of all users who rated an item of the list, the median;
- different: how many different items stand in all the lists.
"""

from __future__ import annotations

import numpy as np
from marks import put

import penchant as pc
from penchant.ranking import coverage, gains_at, hits_in, ndcg, places, precision

N = 10
KNOBS = (
    {},
    {"by": "low"},
    {"diversity": 0.3},
    {"diversity": 0.6},
    {"diversity": 0.9},
    {"popularity": -0.5},
    {"popularity": 0.25},
    {"popularity": 0.5},
    {"popularity": 1.0},
    {"by": "low", "diversity": 0.3},
)


def lists_of(model, users, knobs):
    """Return the rows of each user's list, and the mean of the predicted ratings."""
    rows, ratings = np.zeros((len(users), N), np.int32), []
    for place, user in enumerate(users):
        answer = model.recommend(user, N, **knobs)
        rows[place, : len(answer)] = model.knowledge.item_ids.rows([one.item for one in answer])
        ratings.append(np.mean([one.rating for one in answer]))
    return rows, float(np.mean(ratings))


def measured(model, test, users, rows):
    """Return NDCG, precision, likeness, popularity and coverage of some lists."""
    known = model.knowledge
    place = {user: at for at, user in enumerate(users)}
    at = np.array([place[user] for user in test.users])
    items = known.item_ids.rows(test.items)
    values = test.values.astype(np.float64)
    relevant = np.where(values >= 4, 1.0, 0.0)
    best = gains_at(places(at, relevant, len(users), N), relevant)
    hits = hits_in(rows, at[values >= 4], items[values >= 4])
    counts = np.bincount(at[values >= 4], minlength=len(users))
    alike = []
    for mine in rows:
        table = np.array([model.predictor.correlations("item", int(row))[mine] for row in mine])
        alike.append(np.nanmean(table[np.triu_indices(N, 1)]))
    share = known.item_counts[rows] / len(known.user_ids)
    return (
        np.nanmean(ndcg(hits.astype(np.float64), best)),
        np.nanmean(precision(hits, counts)),
        np.mean(alike),
        np.median(share),
        round(coverage(rows, known.item_ids.size) * (known.item_ids.size - 1)),
    )


def main():
    train, test = pc.split(pc.load("ml-100k", quiet=True), test=0.2, seed=2021)
    model = pc.MatrixFactorization(seed=0).fit(train, validation=0.1, progress=False)
    users = np.unique(test.user_rows)
    users = test.user_ids.ids(np.random.default_rng(0).choice(users, 300, replace=False))
    test = test.take(np.flatnonzero(np.isin(test.user_rows, test.user_ids.rows(users))))
    lines = [
        "| knobs | predicted | NDCG@10 | precision@10 | alike | rated by | different |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for knobs in KNOBS:
        rows, rating = lists_of(model, users, knobs)
        gain, hit, alike, share, different = measured(model, test, users, rows)
        name = ", ".join(f"`{knob}={value!r}`" for knob, value in knobs.items()) or "none"
        lines.append(
            f"| {name} | {rating:.2f} | {gain:.3f} | {hit:.3f} | {alike:.2f} | {share:.0%} | "
            f"{different} |"
        )
        print(lines[-1], flush=True)
    put("lists", "Measured", "\n".join(lines), page="lists.md")


if __name__ == "__main__":
    main()
