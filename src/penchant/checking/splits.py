"""Splits: whom a test part meets that its training part has never seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.checking.findings import Finding, counted, percent
from penchant.ratings import Ratings
from penchant.split import SplitRows, last_rows, random_rows, time_rows

LAST = 5  # ratings of each user that test
_MANY = 0.05  # share of test rows from which strangers shape the figure


def splits(whole: Ratings, ratings: Ratings, seed: int) -> Finding:
    """Count strangers and cold items under the usual splits of `ratings`, a sample of `whole`."""
    numbers: dict[str, Any] = {}
    if len(ratings) >= 2:
        numbers["random"] = _met(ratings, random_rows(len(ratings), 0.2, seed))
    if ratings.timestamps is not None and len(ratings) >= 2:
        if int(np.bincount(ratings.user_rows).max()) > LAST:
            numbers["last"] = _met(ratings, last_rows(ratings, LAST))
        numbers["time"] = _met(ratings, time_rows(ratings, 0.2))
    told = [
        f"{_NAMES[how]}: {percent(part['share'])} ({counted(part['users'], 'user')}, "
        f"{counted(part['items'], 'item')})"
        for how, part in numbers.items()
    ]
    if not told:
        return Finding("splits", "note", "One rating can't be split.", numbers)
    sampled = "" if len(whole) == len(ratings) else f"(Of {len(ratings):,} ratings, users whole.) "
    text = (
        f"{sampled}Test rows whose user or item has no training rating, and how many strangers and "
        f"cold items there are: {'; '.join(told)}."
    )
    many = [_NAMES[how] for how, part in numbers.items() if part["share"] > _MANY]
    if not many:
        return Finding("splits", "ok", text, numbers)
    advice = (
        f"with {' and '.join(many)}, look at the figures for warm and unseen pairs apart "
        f"(evaluate and compare tell both)"
        + ("." if ratings.user_table or ratings.item_table else ", and bring side columns.")
    )
    return Finding("splits", "note", text, numbers, advice)


_NAMES = {"random": "random 80/20", "last": f"last {LAST} of each user", "time": "newest 20 %"}


def _met(ratings: Ratings, rows: SplitRows) -> dict[str, Any]:
    missing, count = [], {}
    for what, column, size in (
        ("users", ratings.user_rows, ratings.user_ids.size),
        ("items", ratings.item_rows, ratings.item_ids.size),
    ):
        trained = np.zeros(size, dtype=bool)
        trained[column[rows.train]] = True
        tested = column[rows.test]
        missing.append(~trained[tested])
        count[what] = len(np.unique(tested[missing[-1]]))
    unseen = missing[0] | missing[1]
    return {
        "test": len(rows.test),
        "unseen": int(unseen.sum()),
        "share": float(unseen.mean()),
        **count,
    }
