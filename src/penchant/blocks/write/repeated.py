"""Repeated pairs of user and item within sorted ratings, merged as `Ratings` merges them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import Mask
from penchant.ratings import Duplicates
from penchant.repeats import Repeats, measure

Columns = dict[str, npt.NDArray[Any]]


class Merged(NamedTuple):
    """What a block's repeated pairs said: None without any; and one of them for an error."""

    repeats: Repeats | None
    example: tuple[int, int] | None


def merge(columns: Columns, others: int, duplicates: Duplicates | None) -> tuple[Columns, Merged]:
    """Keep the newest rating of each pair, by time, else by line; or their mean.

    Args:
        columns: `row`, `other`, `rating`, `line` and perhaps `time`, sorted by row and other.
        others: how many rows the other side has.
        duplicates: the policy; None where pairs can't repeat.
    """
    again = (columns["row"][1:] == columns["row"][:-1]) & (
        columns["other"][1:] == columns["other"][:-1]
    )
    if duplicates is None or not again.any():
        return columns, Merged(None, None)
    example = int(np.flatnonzero(again)[0])
    told = int(columns["row"][example]), int(columns["other"][example])
    order = _in_time(columns, again)
    columns = {field: column[order] for field, column in columns.items()}
    pairs = columns["row"].astype(np.int64) * others + columns["other"]
    found = measure(pairs, columns["rating"], columns.get("time"))
    starts = np.flatnonzero(np.append(True, ~again))
    ends = np.append(starts[1:], len(pairs))
    kept = {field: column[ends - 1] for field, column in columns.items()}
    if duplicates == "mean":
        sums = np.add.reduceat(columns["rating"].astype(np.float64), starts)
        kept["rating"] = (sums / (ends - starts)).astype(np.float32)
    return kept, Merged(found, told)


def _in_time(columns: Columns, again: Mask) -> npt.NDArray[np.int64]:
    """Return the order in which ratings of one pair stand by time, and equal times by line."""
    order = np.arange(len(again) + 1)
    repeated = np.flatnonzero(np.append(again, False) | np.append(False, again))
    keys = [columns["line"][repeated]]
    keys += [columns["time"][repeated]] if "time" in columns else []
    keys += [columns["other"][repeated], columns["row"][repeated]]
    order[repeated] = repeated[np.lexsort(keys)]
    return order


def joined(found: list[Repeats]) -> Repeats | None:
    """Return what all blocks' repeats say together."""
    if not found:
        return None
    fresh = [repeats.ratings - repeats.copies for repeats in found]
    apart = sum(repeats.apart * n for repeats, n in zip(found, fresh, strict=True))
    sums = {
        field: sum(getattr(repeats, field) for repeats in found)
        for field in ("pairs", "ratings", "copies", "changed", "squares", "free")
    }
    return Repeats(**sums, apart=apart / max(1, sum(fresh)))
