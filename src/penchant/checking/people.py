"""Severities, and users whose ratings look made up: constant, random, copied, given in bursts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import Mask, Rows
from penchant.checking.effects import Effects
from penchant.checking.findings import Finding, Level, counted, percent
from penchant.checking.random_raters import random_raters
from penchant.checking.row_sums import Keys, mixed, moments_of_users, slices
from penchant.ratings import Ratings

LEAST = 20  # ratings of a user whom it makes sense to suspect
BURST = 50  # ratings in one second
_MANY = 0.01  # share of these users from which they are more than a curiosity
_NAMED = 100  # ids told in the numbers
_CAUTION = (
    "this is suspicion and no proof: a person may love everything, and a household may share a "
    "screen. Look at them, train with and without, and leave none out of the test rows."
)


def severities(ratings: Ratings, effects: Effects) -> Finding:
    """Say how much of the variance is users' severity and items' quality."""
    total = effects.total or 1.0
    shares = [part / total for part in (effects.user_variance, effects.item_variance, effects.rest)]
    counts = np.bincount(ratings.user_rows, minlength=ratings.user_ids.size)
    one_value = int((_constant(ratings) & (counts >= 2)).sum())
    several = int((counts >= 2).sum())
    numbers = {
        "user_share": shares[0],
        "item_share": shares[1],
        "rest_share": shares[2],
        "user_deviation": float(np.sqrt(effects.user_variance)),
        "item_deviation": float(np.sqrt(effects.item_variance)),
        "rest_deviation": float(np.sqrt(effects.rest)),
        "one_value_users": one_value,
        "users_with_2": several,
    }
    text = (
        f"{percent(shares[0])} of the variance is how severe users are (deviation "
        f"{numbers['user_deviation']:.2f}), {percent(shares[1])} how good items are "
        f"({numbers['item_deviation']:.2f}); {percent(shares[2])} is taste and noise "
        f"({numbers['rest_deviation']:.2f}, what a model of the two alone leaves as RMSE). "
        f"Of {several:,} users with two ratings or more {one_value:,} gave one value only."
    )
    many = several > 0 and one_value > 0.2 * several
    advice = "a user who gives one value tells no taste; expect little for them." if many else ""
    return Finding("severities", "note" if many else "ok", text, numbers, advice)


def suspects(ratings: Ratings, effects: Effects) -> Finding:
    """Look for users whose ratings look made up, among those with 20 ratings or more."""
    counts = np.bincount(ratings.user_rows, minlength=ratings.user_ids.size)
    enough = counts >= LEAST
    found = {
        "constant": enough & _constant(ratings),
        "random": random_raters(ratings, effects, counts, enough),
        "copied": enough & _copied(ratings, counts),
    }
    numbers: dict[str, Any] = {"users_with_20": int(enough.sum())}
    for name, mask in found.items():
        rows = np.flatnonzero(mask)
        numbers[name] = len(rows)
        numbers[f"{name}_users"] = _ids(ratings, rows)
    numbers["bursts"] = _bursts(ratings)
    any_found = int(np.logical_or.reduce(list(found.values())).sum())
    many = any_found > _MANY * numbers["users_with_20"]
    level: Level = "warning" if many else "note" if any_found or numbers["bursts"] else "ok"
    return Finding("suspects", level, _words(numbers), numbers, _CAUTION if any_found else "")


def _words(numbers: dict[str, Any]) -> str:
    text = (
        f"Of {counted(numbers['users_with_20'], 'user')} with {LEAST} ratings or more: with one "
        f"value only {numbers['constant']:,}; rating as if by chance (more scattered around the "
        f"items' means than others, and deaf to them) {numbers['random']:,}; with the very row of "
        f"somebody else {numbers['copied']:,}."
    )
    for name in ("constant", "random", "copied"):
        ids = numbers[f"{name}_users"]
        if ids:
            more = " …" if numbers[name] > 5 else ""
            text += f" {name.capitalize()}: {', '.join(map(str, ids[:5]))}{more}."
    if numbers["bursts"]:
        text += (
            f" {counted(numbers['bursts'], 'user')} gave {BURST} ratings or more in one second: "
            f"an import, or a form sent at once."
        )
    return text


def _ids(ratings: Ratings, rows: npt.NDArray[Any]) -> list[Any]:
    return list(ratings.user_ids.ids(rows[:_NAMED].astype(np.int32)))


def _constant(ratings: Ratings) -> Mask:
    size = ratings.user_ids.size
    low, high = np.full(size, np.inf, np.float32), np.full(size, -np.inf, np.float32)
    np.minimum.at(low, ratings.user_rows, ratings.values)
    np.maximum.at(high, ratings.user_rows, ratings.values)
    mask: Mask = low == high
    return mask


def _copied(ratings: Ratings, counts: Any) -> Mask:
    """Return whose items and values are those of another user, told by a hash of 64 bits."""
    hashes: Keys = np.zeros(ratings.user_ids.size, dtype=np.uint64)
    for at in slices(len(ratings)):
        bits = ratings.values[at].astype(np.float32).view(np.int32).astype(np.int64)
        pair = mixed(_joined(ratings.item_rows[at], bits))
        np.add.at(hashes, ratings.user_rows[at], pair)
    rows = np.flatnonzero(counts >= LEAST)
    _, place, times = np.unique(hashes[rows], return_inverse=True, return_counts=True)
    found = np.zeros(len(counts), dtype=bool)
    found[rows[times[place] > 1]] = True
    return found


def _joined(rows: Rows, bits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return (rows.astype(np.int64) << 32) ^ (bits & 0xFFFFFFFF)


def _bursts(ratings: Ratings) -> int:
    """Return how many users gave 50 ratings or more in one second."""
    if ratings.timestamps is None or len(ratings) < BURST:
        return 0
    keys = moments_of_users(ratings)
    order = np.argsort(keys)
    same = keys[order[BURST - 1 :]] == keys[order[: 1 - BURST]]
    return len(np.unique(ratings.user_rows[order[BURST - 1 :][same]]))
