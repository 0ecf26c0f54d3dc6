"""What a model that lives is worth: fold-in, new items, forgetting, and what each costs.

    python benchmarks/living.py [fold-in] [solvers] [items] [forget] [time] [large]

Without words all parts but `large`, which builds tables of the size of MovieLens 25M. Every figure
is an RMSE on ratings that no model has seen, predictions clipped, unless it says otherwise.

- fold-in: of MovieLens 100K 200 users with at least 40 ratings are withheld with all they rated.
  20 ratings of each, drawn at random, are added afterwards; the rest are the test rows. The full
  retraining has seen those 20 too.
- solvers: the same with ALS, SGD and the bias model, in this order.
- items: of S1 the 100 items with the most training ratings are withheld; then all their training
  ratings are added at once. Test rows: those of S1 on these items.
- forget: of S1 the user with the most training ratings is forgotten. Distances are root mean
  squares of differences of predictions, over the test rows of S1 of all other users, and over all
  pairs of other users and items.
"""

from __future__ import annotations

import dataclasses
import sys
import time

import numpy as np

import penchant as pc
from penchant.fold_in.by_posterior import matrix
from penchant.model.ledger import Rated
from penchant.posterior.rows import user_tables
from penchant.tables import print_table

SEEDS = (0, 1, 2)
SWEEPS = (1, 2, 3)


def of_ids(ratings, places):
    """Ratings with id maps of their own, so that what is withheld is unknown by id too."""
    part = ratings.take(places)
    known = pc.Ratings.from_columns(
        part.users, part.items, part.values, part.timestamps, scale=ratings.scale
    )
    sides = {}
    for name, ids in (("user", known.user_ids), ("item", known.item_ids)):
        table, whole = getattr(ratings, f"{name}_table"), getattr(ratings, f"{name}_ids")
        rows = np.concatenate([[0], whole.rows(ids.array)])
        sides[f"{name}_table"] = None if table is None else table.take(rows)
    return dataclasses.replace(known, **sides)


def columns_of(ratings, name, ids):
    """Return the side columns of some ids, as `add_ratings` takes them."""
    rows = getattr(ratings, f"{name}_ids").rows(ids).tolist()
    cells = getattr(ratings, f"{name}_table").take(rows).to_pylist()
    return dict(zip(ids, cells, strict=True))


def trained(ratings, seed, solver="gibbs"):
    return pc.MatrixFactorization(solver=solver, seed=seed).fit(ratings, progress=False)


def newcomers(ratings, seed):
    """Return places of the base, of the 20 ratings of each newcomer, and of the test rows."""
    random = np.random.default_rng(seed)
    many = np.flatnonzero(np.bincount(ratings.user_rows) >= 40)
    held = np.isin(ratings.user_rows, random.choice(many, 200, replace=False))
    order = random.permutation(np.flatnonzero(held))
    order = order[np.argsort(ratings.user_rows[order], kind="stable")]
    users = ratings.user_rows[order]
    nth = np.arange(len(order)) - np.searchsorted(users, users)
    return np.flatnonzero(~held), np.sort(order[nth < 20]), np.sort(order[nth >= 20])


def fold_in(ratings, solver="gibbs"):
    rows = []
    for seed in SEEDS:
        base, given, rest = newcomers(ratings, seed)
        test, new = ratings.take(rest), ratings.take(given)
        model = trained(of_ids(ratings, base), seed, solver)
        stranger = model.evaluate(test).rmse
        ids = list(dict.fromkeys(new.users))
        items = [i for i in dict.fromkeys(new.items) if not model.knowledge.item_ids.rows([i])[0]]
        began = time.perf_counter()
        model.add_ratings(
            new.users,
            new.items,
            new.values,
            new.timestamps,
            user_columns=columns_of(ratings, "user", ids),
            item_columns=columns_of(ratings, "item", items),
        )
        seconds = time.perf_counter() - began
        folded = model.evaluate(test).rmse
        both = of_ids(ratings, np.sort(np.concatenate([base, given])))
        full = np.mean(
            [trained(both, other, solver).evaluate(test).rmse for other in (seed, seed + 50)]
        )
        rows.append((str(seed), len(test), stranger, folded, full, folded - full, seconds * 1e3))
    means = np.mean([row[1:] for row in rows], axis=0)
    rows.append(("mean", int(means[0]), *means[1:]))
    names = ("seed", "test rows", "strangers", "folded in", "retrained", "difference", "ms in all")
    print_table(names, rows, formats=dict.fromkeys(names[2:6], ".4f") | {"ms in all": ".0f"})


def new_items(train, test):
    rows = []
    for seed in SEEDS:
        top = np.argsort(-np.bincount(train.item_rows), kind="stable")[:100]
        withheld = np.isin(train.item_rows, top)
        seen = test.take(np.flatnonzero(np.isin(test.item_rows, top)))
        full = trained(train, seed).evaluate(seen).rmse
        new = train.take(np.flatnonzero(withheld))
        scores, seconds = [], []
        for n in (0, *SWEEPS):
            model = trained(of_ids(train, np.flatnonzero(~withheld)), seed)
            columns = columns_of(train, "item", list(dict.fromkeys(new.items)))
            began = time.perf_counter()
            model.add_ratings(
                new.users, new.items, new.values, new.timestamps, item_columns=columns
            )
            if n:
                began = time.perf_counter()
                model.refresh(n)
            seconds.append(time.perf_counter() - began)
            scores.append(model.evaluate(seen).rmse)
        rows.append((str(seed), len(seen), full, *(score - full for score in scores), *seconds))
    rows.append(("mean", rows[0][1], *np.mean([row[2:] for row in rows], axis=0)))
    steps = ("at once", *(f"refresh({n})" for n in SWEEPS))
    names = (
        "seed",
        "test rows",
        "retrained",
        *(f"+ {s}" for s in steps),
        *(f"{s}, s" for s in steps),
    )
    print_table(
        names, rows, formats=dict.fromkeys(names[2:7], ".4f") | dict.fromkeys(names[7:], ".2f")
    )


def distance(one, other, pairs):
    apart = one.predict(*pairs) - other.predict(*pairs)
    return float(np.sqrt(np.mean(apart**2, dtype=np.float64)))


def forgetting(train, test):
    row = int(np.bincount(train.user_rows).argmax())
    user = train.user_ids.ids([row])[0]
    left = test.take(np.flatnonzero(test.user_rows != row))
    users = [one for one in train.user_ids.array.to_pylist() if one != user]
    items = train.item_ids.array.to_pylist()
    every = (np.repeat(users, len(items)), np.tile(items, len(users)))
    without = [trained(train.take(np.flatnonzero(train.user_rows != row)), s) for s in SEEDS]
    models = [trained(train, seed) for seed in SEEDS]
    places = {"test rows": (left.users, left.items), "all pairs": every}
    kinds = {"retrained": without, "before": models}
    found = {
        (k, p): _distances(m, without, at) for k, m in kinds.items() for p, at in places.items()
    }
    seconds = []
    for model in models:
        began = time.perf_counter()
        receipt = model.forget(user)
        seconds.append(time.perf_counter() - began)
    found |= {("forgotten", p): _distances(models, without, at) for p, at in places.items()}
    rows = [(kind, place, *pair) for (kind, place), pair in found.items()]
    print("Mean distances to models retrained without the user:\n")
    names = ("from", "over", "same seed", "other seeds")
    print_table(names, rows, formats=dict.fromkeys(names[2:], ".4f"))
    print(f"\nforget: {np.median(seconds):.2f} s\n\n{receipt}")


def _distances(models, without, pairs):
    """Return the mean distance between models of the same seed, and of different ones."""
    table = np.array([[distance(one, other, pairs) for other in without] for one in models])
    same = np.eye(len(table), dtype=bool)
    return table[same].mean(), table[~same].mean()


def timed(call, times=200):
    """Median and least milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - began))
    return float(np.median(taken)), min(taken)


def costs(train, test):
    rows = []
    small = pc.MatrixFactorization(factors=200, solver=pc.Gibbs(heads=32), seed=0)
    posterior = small.fit(train, progress=False).posterior
    items = np.sort(np.random.default_rng(0).permutation(1682)[:100] + 1).astype(np.int32)
    rated = Rated(items, np.full(100, 4, np.float32), None)
    ratings = matrix(posterior, [rated], train.item_ids.size)
    side = np.zeros((1, posterior.users.encoder.width), np.float32)
    row = "a row of 100 ratings, K = 200, 32 heads"
    rows.append((f"{row}, kernels", *timed(lambda: user_tables(posterior, ratings, side))))
    rows.append((f"{row}, NumPy", *timed(lambda: posterior.row(items, rated.values, side[0]))))
    model = trained(train, 0)
    entries = iter(zip(test.users, test.items, test.values.tolist(), strict=True))

    def add():
        user, item, value = next(entries)
        model.add_ratings([user], [item], [value])

    rows.append(("add_ratings of one rating, S1, 64 heads", *timed(add)))
    print_table(
        ("what", "median ms", "least ms"), rows, formats={"median ms": ".2f", "least ms": ".2f"}
    )


def large():
    """One rating more in tables of the size of MovieLens 25M, filled with random numbers."""
    from penchant.factors import Factors
    from penchant.features import CountScale, Noise, SideEncoder
    from penchant.history import History
    from penchant.model.known import Knowledge
    from penchant.posterior import Posterior, Side
    from penchant.solvers.base import Fitted

    M, N, n, K, T, D = 162_542, 59_048, 25_000_000, 200, 32, 17
    random = np.random.default_rng(0)

    def floats(*shape):
        return random.standard_normal(shape, dtype=np.float32) * np.float32(0.1)

    users = np.sort(random.integers(1, M, n, dtype=np.int32))
    items = (random.random(n) ** 2 * (N - 2)).astype(np.int32) + 1
    values = random.integers(1, 6, n).astype(np.float32)
    maps = (
        pc.Ratings.from_columns(np.arange(1, size), np.arange(1, size), np.ones(size - 1))
        for size in (M, N)
    )
    user_ids, item_ids = (made.user_ids for made in maps)
    ratings = pc.Ratings(users, items, values, user_ids, item_ids, pc.Scale(1, 5), np.arange(n))
    narrow = np.tile(np.eye(D, dtype=np.float32) * 5, (T, 1, 1))
    read = CountScale(3, 1), SideEncoder()
    of_users = Side(floats(T, 0, D), floats(T, D), narrow, floats(T, N + 1, D), *read)
    of_items = Side(floats(T, N, D), floats(T, D), narrow, floats(T, 0, D), *read)
    noise = Noise(0.8, floats(M), floats(N), np.ones(M, np.float32), np.ones(N, np.float32))
    ones = np.ones(T, np.float32)
    posterior = Posterior(3.5, ones, floats(T, K, D - 1), of_users, of_items, noise)
    factors = Factors(3.5, floats(M), floats(N), floats(M, K), floats(N, K))
    model = pc.MatrixFactorization()
    model._accept(Fitted(factors, posterior, History()), Knowledge.of(ratings))
    new = iter(range(10**6, 10**7))
    rows = [
        (
            "the first rating, which orders all",
            *timed(lambda: model.add_ratings([5], [7], [3.0]), 1),
        )
    ]
    rows.append(("a rating", *timed(lambda: model.add_ratings([next(new) % M], [70], [3.0]), 10)))
    twenty = list(range(1, 21))
    rows.append(
        (
            "a new user with 20",
            *timed(lambda: model.add_ratings([next(new)] * 20, twenty, [3.0] * 20), 10),
        )
    )
    print_table(
        ("25M ratings, K = 200, 32 heads", "median ms", "least ms"),
        rows,
        formats={"median ms": ".1f", "least ms": ".1f"},
    )


def main(parts):
    parts = parts or ["fold-in", "solvers", "items", "forget", "time"]
    ratings = pc.load("ml-100k")
    train, test = pc.split(ratings, test=0.2, seed=2021)
    todo = {
        "fold-in": lambda: fold_in(ratings),
        "solvers": lambda: [fold_in(ratings, solver) for solver in ("als", "sgd", "bias")],
        "items": lambda: new_items(train, test),
        "forget": lambda: forgetting(train, test),
        "time": lambda: costs(train, test),
        "large": large,
    }
    for part in parts:
        print(f"\n{part}\n")
        todo[part]()


if __name__ == "__main__":
    main(sys.argv[1:])
