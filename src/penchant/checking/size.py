"""Size and repeats: how much there is, and what stood there twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.checking.findings import Finding, Level, counted, percent
from penchant.ratings import Ratings

_FEW = 5  # ratings: fewer and a user's or an item's row is mostly the prior
_QUANTILES = {"least": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "most": 1.0}


def size(ratings: Ratings) -> Finding:
    """Count ratings, users and items, and say how the ratings are spread over them."""
    users = np.bincount(ratings.user_rows, minlength=ratings.user_ids.size)[1:]
    items = np.bincount(ratings.item_rows, minlength=ratings.item_ids.size)[1:]
    rated, having = users[users > 0], items[items > 0]
    side = {"user": ratings.user_table, "item": ratings.item_table}
    columns = {what: table.column_names if table else [] for what, table in side.items()}
    thin = {"users": float((rated < _FEW).mean()), "items": float((having < _FEW).mean())}
    density = len(ratings) / (len(rated) * len(having))
    numbers: dict[str, Any] = {
        "ratings": len(ratings),
        "users": len(rated),
        "items": len(having),
        "density": density,
        "per_user": _quantiles(rated),
        "per_item": _quantiles(having),
        "below_5": thin,
        "columns": columns,
    }
    told = "; ".join(f"{what}s: {', '.join(names)}" for what, names in columns.items() if names)
    text = (
        f"{counted(len(ratings), 'rating')} of {counted(len(having), 'item')} by "
        f"{counted(len(rated), 'user')}, {percent(density)} of all pairs. A user has "
        f"{_range(rated)} ratings, an item {_range(having)}; {percent(thin['users'])} of the users "
        f"and {percent(thin['items'])} of the items have fewer than {_FEW}. "
        + (f"Side columns of {told}." if told else "There are no side columns.")
    )
    level: Level = "note" if max(thin.values()) > 0.25 else "ok"
    advice = (
        "side columns (users=, items= of load) help those with few ratings; Gibbs and ALS use them."
        if level == "note" and not told
        else ""
    )
    return Finding("size", level, text, numbers, advice)


def _quantiles(counts: Any) -> dict[str, float]:
    return {name: float(np.quantile(counts, at)) for name, at in _QUANTILES.items()}


def _range(counts: Any) -> str:
    low, middle, high = np.quantile(counts, (0, 0.5, 1))
    return f"{low:,.0f} to {high:,.0f} (median {middle:,.0f})"


def repeats(ratings: Ratings) -> Finding:
    """Say what the repeated pairs of user and item were, before the loader merged them."""
    found = ratings.repeats
    if found is None:
        return Finding("repeats", "ok", "No pair of user and item stood there twice.")
    anew = found.ratings - found.copies
    text = (
        f"{counted(found.pairs, 'pair')} of user and item stood more than once, and "
        f"{counted(found.ratings, 'rating')} were merged or left out: "
        f"{counted(found.copies, 'copy').replace('copys', 'copies')} and {anew:,} given anew"
    )
    if found.noise is None:
        return Finding("repeats", "note", f"{text}.", found.to_json(), _COPIES)
    text += (
        f", {found.changed:,} of these with another value, on average {found.apart:.2f} apart: a "
        f"noise of {found.noise:.2f}."
    )
    return Finding("repeats", "note", text, found.to_json(), _ANEW)


_COPIES = "nothing, if the file was written twice; else see why its lines repeat."
_ANEW = "choose duplicates='last' (the newest counts) or 'mean' when loading."
