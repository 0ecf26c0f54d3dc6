"""The map of the items, and which of them its directions tell apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64
from penchant.recommender.places import places
from penchant.report.judged import Judged
from penchant.report.numbers.tested import Numbers

MOST = 500
_ENDS = 6


def item_map(judged: Judged) -> Numbers:
    """Return the places of the most rated items, with titles and mean ratings."""
    known = judged.model.knowledge
    if not known.item_counts.any():
        return {"left_out": "No item has training ratings, so none has a place."}
    found = places(judged.model, most=MOST)
    if not any(found.shares):
        return {
            "left_out": "This model knows no taste: all its predictions are the sum of a user's "
            "and an item's level, so every item lies at the same point."
        }
    rows = known.item_ids.rows(found.items)
    return {
        **found.to_json(),
        "mean_rating": _means(judged, rows),
        "ends": [_ends(found.x), _ends(found.y)],
    }


def _means(judged: Judged, rows: npt.NDArray[np.int32]) -> list[float] | None:
    """Return the mean training rating of each item; None where there are no ratings."""
    table = judged.model.knowledge.fetch()
    if table is None:
        return None
    sums = np.bincount(table.item_rows, table.values, minlength=table.item_ids.size)
    counts = np.bincount(table.item_rows, minlength=table.item_ids.size)
    means: list[float] = (sums[rows] / np.maximum(counts[rows], 1)).tolist()
    return means


def _ends(values: F64) -> list[list[int]]:
    """Return the places in the lists of those items that lie farthest to either end."""
    order = np.argsort(values, kind="stable")
    most = min(_ENDS, len(order) // 2)
    return [order[:most].tolist(), order[::-1][:most].tolist()]
