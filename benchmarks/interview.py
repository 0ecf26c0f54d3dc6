"""What questions are worth: errors after so many answers of someone new.

    python benchmarks/interview.py [--seeds 10 11 12 13 14] [--users 200] [--asked 150]

Of MovieLens 100K, users with at least 50 ratings are withheld with all that they rated, and a model
is trained on the others. 20 ratings of each newcomer, drawn at random, are the test rows; the rest
are what the newcomer knows. All ways of asking have the same predictions made of their answers;
RMSE over all test rows, 95 % intervals of the differences by drawing newcomers (2,000 times).

- answers: each question is one of the items that the newcomer knows, and is answered.
- questions: any item can be asked about; the newcomer answers what he knows, and skips the rest.
"""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

import numpy as np
from living import of_ids
from marks import DOCS, put

import penchant as pc

ANSWERS, QUESTIONS = (0, 1, 2, 3, 5, 10, 20), (0, 5, 10, 20, 40)
WAYS = ("ours", "most popular", "most variance", "random")
COLOURS = dict(zip(WAYS, ("#0072b2", "#d55e00", "#007a5a", "#595959"), strict=True))


class Newcomer(NamedTuple):
    """What is known of one: ratings that can be asked for, and test rows."""

    knows: dict[Any, float]
    items: list[Any]
    truth: Any


def split(ratings, seed, users):
    """Return a model of the others, and the newcomers."""
    random = np.random.default_rng(seed)
    many = np.flatnonzero(np.bincount(ratings.user_rows) >= 50)
    held = random.choice(many, users, replace=False)
    base = of_ids(ratings, np.flatnonzero(~np.isin(ratings.user_rows, held)))
    model = pc.MatrixFactorization(seed=seed).fit(base, progress=False)
    found = []
    for user in held:
        rows = random.permutation(np.flatnonzero(ratings.user_rows == user))
        items = ratings.item_ids.ids(ratings.item_rows[rows])
        pairs = [
            (item, float(value))
            for item, value, row in zip(
                items, ratings.values[rows], model.knowledge.item_ids.rows(items), strict=True
            )
            if row
        ]
        names, truth = zip(*pairs[:20], strict=True)
        found.append(Newcomer(dict(pairs[20:]), list(names), np.array(truth)))
    return model, base, found


def orders(model, base, random):
    """Return the ways of asking that don't look at the answers: a number for each item."""
    N = model.knowledge.item_ids.size
    n = np.bincount(base.item_rows, minlength=N)
    sums = [
        np.bincount(base.item_rows, base.values.astype(float) ** p, minlength=N) for p in (1, 2)
    ]
    variance = sums[1] / np.maximum(n, 1) - (sums[0] / np.maximum(n, 1)) ** 2
    variance[n < 20] = 0  # of a few ratings it says nothing
    return {"most popular": n, "most variance": variance, "random": random.random(N)}


def ask(model, newcomer, ranks, at, every):
    """Ask one newcomer in one way; return the mean squared error at each number of questions."""
    pool = None if every else list(newcomer.knows)
    talk = model.interview(1, among=pool, sure=not every)
    errors, queue = {}, []
    if ranks is not None:
        rows = model.knowledge.item_ids.rows(pool) if pool else np.arange(1, len(ranks))
        queue = model.knowledge.item_ids.ids(rows[np.argsort(-ranks[rows], kind="stable")])
    for step in range(max(at) + 1):
        if step in at:
            errors[step] = np.mean((talk.predict(newcomer.items) - newcomer.truth) ** 2)
        if step == max(at):
            break
        if ranks is None and not talk:
            continue
        item = talk[0].item if ranks is None else queue[step] if step < len(queue) else None
        if item in newcomer.knows:
            talk = talk.rate(item, newcomer.knows[item])
        elif item is not None:
            talk = talk.skip(item)
    return errors, len(talk.answers)


def run(ratings, seeds, users, at, every):
    errors = {way: {n: [] for n in at} for way in WAYS}
    answered = {way: [] for way in WAYS}
    for seed in seeds:
        model, base, found = split(ratings, seed, users)
        ranks = orders(model, base, np.random.default_rng(seed))
        for newcomer in found:
            for way in WAYS:
                mine, n = ask(model, newcomer, ranks.get(way), at, every)
                answered[way].append(n)
                for step, error in mine.items():
                    errors[way][step].append(error)
    return errors, answered


def table(errors, answered, every):
    at = list(next(iter(errors.values())))
    what = "questions" if every else "answers"
    lines = [
        f"| asked | {' | '.join(f'{n} {what}' for n in at)} |",
        "| --- |" + " ---: |" * len(at),
    ]
    if every:
        lines = [f"{lines[0]} answered |", f"{lines[1]} ---: |"]
    for way, mine in errors.items():
        cells = [f"{np.sqrt(np.mean(mine[n])):.4f}" for n in at]
        cells += [f"{np.mean(answered[way]):.1f}"] if every else []
        lines.append(f"| {way} | {' | '.join(cells)} |")
    for way in WAYS[1:]:
        cells = ["{:+.4f} … {:+.4f}".format(*interval(errors, way, n)) if n else "" for n in at]
        cells += [""] if every else []
        lines.append(f"| *ours less {way}* | {' | '.join(cells)} |")
    return "\n".join(lines)


def interval(errors, way, n):
    ours, other = np.array(errors["ours"][n]), np.array(errors[way][n])
    drawn = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
    apart = np.sqrt(ours[drawn].mean(axis=1)) - np.sqrt(other[drawn].mean(axis=1))
    return np.percentile(apart, [2.5, 97.5])


def draw(found, path):
    from penchant.plots.canvas import GREY, LIGHT, empty_figure, save

    figure = empty_figure(9, 3.8)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (errors, what) in zip(axes, found, strict=True):
        for way, mine in errors.items():
            values = [np.sqrt(np.mean(mine[n])) for n in mine]
            ax.plot(list(mine), values, color=COLOURS[way], marker="o", ms=3, label=way)
        ax.set_xlabel(what)
        ax.grid(color=LIGHT, lw=0.6)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=GREY)
    axes[0].set_ylabel("RMSE of the newcomers' other ratings")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12, 13, 14])
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--asked", type=int, default=150)
    args = parser.parse_args()
    ratings = pc.load("ml-100k", quiet=True)
    known, _ = run(ratings, args.seeds, args.users, ANSWERS, False)
    print(first := table(known, {}, False), "\n", flush=True)
    asked, answered = run(ratings, args.seeds[:2], args.asked, QUESTIONS, True)
    print(second := table(asked, answered, True))
    draw(((known, "answers"), (asked, "questions")), DOCS / "images" / "interview.png")
    many = f"{len(args.seeds) * args.users:,} newcomers"
    text = (
        f"Each question is about an item that the newcomer knows; {many}:\n\n{first}\n\nAny item "
        f"can be asked about, and what the newcomer doesn't know is skipped; "
        f"{2 * args.asked:,} newcomers:\n\n{second}\n\n![RMSE against questions]"
        f"(images/interview.png)"
    )
    put("interview", "Questions to a newcomer", text, page="interview.md")


if __name__ == "__main__":
    main()
