"""Data: how much there is, how it is spread, and what the check found."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.checking import datacheck
from penchant.model.known import Knowledge
from penchant.ratings import Ratings
from penchant.report.judged import Judged

Counts = npt.NDArray[np.integer]

_MOST_VALUES = 20  # bars; with more values, ranges are counted
_MOST_CHECKED = 5_000_000  # ratings


def data(judged: Judged) -> dict[str, Any]:
    """Return counts, histograms and findings: of the whole table where it is known."""
    known = judged.model.knowledge
    table = judged.whole or known.fetch()
    found: dict[str, Any] = {
        "name": known.name,
        "of": _of(judged, table),
        "scale": [float(known.scale.low), float(known.scale.high)],
    }
    if table is None:
        users: Counts = known.user_counts[1:]
        items: Counts = known.item_counts[1:]
        missing = "The ratings aren't in the bundle: give the table to see them."
        found |= {"histogram": {"left_out": missing}, "findings": {"left_out": missing}}
    else:
        users = np.bincount(table.user_rows, minlength=table.user_ids.size)[1:]
        items = np.bincount(table.item_rows, minlength=table.item_ids.size)[1:]
        found |= {"histogram": _histogram(table), "findings": _findings(table)}
        found["mean"] = table.mean
        found["dates"] = _dates(table)
    n, having = int(users.sum()), (int((users > 0).sum()), int((items > 0).sum()))
    found |= {"ratings": n, "users": having[0], "items": having[1]}
    found["density"] = n / max(having[0] * having[1], 1)
    found["training"] = int(known.user_counts.sum())
    found["tested"] = 0 if judged.test is None else len(judged.test)
    found["activity"], found["popularity"] = _by_count(users), _by_count(items)
    found["columns"] = _columns(known)
    return found


def _of(judged: Judged, table: Ratings | None) -> str:
    if judged.whole is not None:
        return "all ratings, training and test" if judged.verified else "all ratings of the source"
    return "the training ratings" + ("" if table is None else ", which the bundle holds")


def _histogram(table: Ratings) -> list[dict[str, Any]]:
    """Return how many ratings each value has, or each of twenty ranges."""
    values, counts = np.unique(table.values, return_counts=True)
    if len(values) <= _MOST_VALUES:
        pairs = zip(values.tolist(), counts.tolist(), strict=True)
        return [{"low": value, "high": value, "n": n} for value, n in pairs]
    reach = (float(table.scale.low), float(table.scale.high))
    counts, edges = np.histogram(table.values, bins=_MOST_VALUES, range=reach)
    ends = edges.tolist()
    bins = zip(ends[:-1], ends[1:], counts.tolist(), strict=True)
    return [{"low": low, "high": high, "n": n} for low, high, n in bins]


def _by_count(counts: npt.NDArray[np.integer]) -> dict[str, Any]:
    """Return the quantiles of counts, and how many lie in ranges that grow by the half decade."""
    some = counts[counts > 0]
    if not len(some):
        return {"least": 0, "median": 0.0, "most": 0, "none": len(counts), "bins": []}
    edges, step = [1], 0
    while edges[-1] <= some.max():
        edges.append((2, 5, 10)[step % 3] * 10 ** (step // 3))
        step += 1
    held = np.histogram(some, bins=edges)[0].tolist()
    ends = [int(edge) for edge in edges]
    bins = [
        {"low": low, "high": high - 1, "n": n}
        for low, high, n in zip(ends[:-1], ends[1:], held, strict=True)
    ]
    while bins and not bins[0]["n"]:
        bins.pop(0)
    if held[-1] > 0 and len(some) and bins[-1]["n"] == 0:
        bins.pop()
    return {
        "least": int(some.min()),
        "median": float(np.median(some)),
        "most": int(some.max()),
        "none": int((counts == 0).sum()),
        "bins": bins,
    }


def _findings(table: Ratings) -> Any:
    if len(table) > _MOST_CHECKED:
        return {
            "left_out": f"The check takes minutes for {len(table):,} ratings: penchant data "
            f"{table.name} --check."
        }
    return [finding.to_json() for finding in datacheck(table)]


def _dates(table: Ratings) -> list[str] | None:
    """Return the first and the last day of the ratings, or None where there are no times."""
    stamps = table.timestamps
    if stamps is None or not len(stamps):
        return None
    days = np.array([stamps.min(), stamps.max()]).astype("datetime64[s]").astype("datetime64[D]")
    return [str(day) for day in days]


def _columns(known: Knowledge) -> dict[str, list[str]]:
    tables = {"user": known.user_table, "item": known.item_table}
    return {what: [] if table is None else table.column_names for what, table in tables.items()}
