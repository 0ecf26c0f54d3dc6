"""Leak and drift: what timestamps give away, and how ratings change with time."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.checking.effects import Effects
from penchant.checking.findings import Finding, percent
from penchant.checking.row_sums import moments_of_users, slices, sums, whole_users
from penchant.checking.splits import LAST
from penchant.ratings import Ratings
from penchant.split import last_rows, random_rows, time_rows

LIMIT = 2_000_000  # ratings looked at for the leak, of whole users
_MANY = 0.1  # share of test rows from which the leak can move an RMSE
_MILLIS = 10**11  # later than the year 5000 in seconds, 1973 in milliseconds
_YEARS = 3  # with fewer, quarters are told
_STEP = 100  # ratings of a period whose mean is told, pairs whose correlation is
_HOW = {"last": f"the last {LAST} of each user", "time": "the newest 20 %"}


def leak(ratings: Ratings, effects: Effects, seed: int) -> Finding | None:
    """Say how many test rows share user and second with a training row, under each split."""
    if ratings.timestamps is None or len(ratings) < 2:
        return None
    sample = whole_users(ratings, LIMIT, seed)
    keys = moments_of_users(sample)
    shares = _shares(sample, keys, seed)
    same, others, pairs = _neighbours(sample, effects, keys, seed)
    numbers = {
        "share": shares["random"],
        "shares": shares,
        "neighbours": same,
        "others": others,
        "pairs": pairs,
        "ratings": len(sample),
    }
    part = "" if len(sample) == len(ratings) else f" (of {len(sample):,} ratings, users whole)"
    text = (
        f"{percent(shares['random'])} of the test rows of a random 80/20 split{part} have a "
        f"training row by the same user in the same second"
    )
    if shares["random"] < _MANY:
        return Finding("leak", "ok", f"{text}.", numbers)
    text += "".join(f", {percent(shares[how])} with {_HOW[how]}" for how in _HOW if how in shares)
    if same is not None and others is not None:
        text += (
            f". What severity and quality leave of two such ratings correlates by {same:.2f}, of "
            f"two at other seconds by {others:.2f}"
        )
    text += (
        ". So many in one second are forms sent at once and no moments of opinion: a model that "
        "reads timestamps can interpolate test rows from their neighbours."
    )
    return Finding("leak", "warning", text, numbers, _advice(shares))


def _advice(shares: dict[str, float]) -> str:
    safe = [f'how="{how}"' for how in ("time", "last") if shares.get(how, 1.0) < _MANY]
    told = f"split by {' or '.join(safe)} before" if safe else "drop the timestamps before"
    return (
        f"{told} a model may read timestamps (contexts too); models of who and what alone don't "
        f"see them."
    )


def _shares(sample: Ratings, keys: npt.NDArray[np.uint64], seed: int) -> dict[str, float]:
    parts = {"random": random_rows(len(sample), 0.2, seed), "time": time_rows(sample, 0.2)}
    if int(np.bincount(sample.user_rows).max()) > LAST:
        parts["last"] = last_rows(sample, LAST)
    return {
        how: float(np.isin(keys[rows.test], keys[rows.train]).mean()) for how, rows in parts.items()
    }


def _neighbours(
    sample: Ratings, effects: Effects, keys: npt.NDArray[np.uint64], seed: int
) -> tuple[float | None, float | None, int]:
    """Return the correlation of a user's residuals in one second, that in others, and the pairs.

    Within a user (and a second) the ratings are taken in an order drawn at random.
    """
    left = np.concatenate([effects.residuals(sample, part) for part in slices(len(sample))])
    drawn = np.random.default_rng(seed).permutation(len(sample))
    moments = drawn[np.argsort(keys[drawn], kind="stable")]
    same = keys[moments[1:]] == keys[moments[:-1]]
    users = drawn[np.argsort(sample.user_rows[drawn], kind="stable")]
    other = (sample.user_rows[users[1:]] == sample.user_rows[users[:-1]]) & (
        keys[users[1:]] != keys[users[:-1]]
    )
    return (
        _correlation(left[moments[:-1][same]], left[moments[1:][same]]),
        _correlation(left[users[:-1][other]], left[users[1:][other]]),
        int(same.sum()),
    )


def _correlation(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float | None:
    if len(first) < _STEP or not (first.std() and second.std()):
        return None
    return float(np.corrcoef(first, second)[0, 1])


def drift(ratings: Ratings, effects: Effects) -> Finding | None:
    """Say how the mean changes over the years or quarters, and which times can't be right."""
    stamps = ratings.timestamps
    if stamps is None or not len(ratings):
        return None
    faults = _faults(stamps)
    first, last = int(stamps.min()), int(stamps.max())
    numbers: dict[str, Any] = {"first": first, "last": last, **faults}
    wrong = _wrong(faults, len(stamps))
    if faults["equal"] or faults["milliseconds"]:
        return Finding("drift", "warning", wrong, numbers, _CORRECT)
    unit, means = _periods(ratings, effects)
    numbers |= {"unit": unit, "means": means}
    text = f"Ratings from {_day(first)} to {_day(last)}."
    shown = {p: m for p, m in means.items() if m["ratings"] >= _STEP}
    if len(shown) > 1:
        change, before, after = _largest(shown)
        numbers |= {"change": change, "between": [before, after]}
        low, high = (f(m["mean"] for m in shown.values()) for f in (min, max))
        text += (
            f" The mean of a {unit} lies between {low:.2f} and {high:.2f}; the largest change, "
            f"{change:+.2f}, is from {before} to {after} "
            f"({shown[after]['same'] - shown[before]['same']:+.2f} of it for the same users and "
            f"items)."
        )
    if wrong:
        return Finding("drift", "warning", f"{text} {wrong}", numbers, _CORRECT)
    large = abs(numbers.get("change", 0.0)) > 0.25 * float(np.sqrt(effects.total))
    advice = 'test with how="time" too, as a live service would be tested.' if large else ""
    return Finding("drift", "note" if large else "ok", text, numbers, advice)


_CORRECT = "correct the column of times, or leave it out when loading, before anything reads it."


def _faults(stamps: npt.NDArray[np.int64]) -> dict[str, Any]:
    millis = float((stamps > _MILLIS).mean()) > 0.5
    return {
        "milliseconds": millis,
        "equal": bool(len(stamps) > 1 and stamps.min() == stamps.max()),
        "zero": int((stamps == 0).sum()),
        "future": 0 if millis else int((stamps > time.time() + 86_400).sum()),
    }


def _wrong(faults: dict[str, Any], n: int) -> str:
    told = []
    if faults["milliseconds"]:
        told.append("The times look like milliseconds or finer, and seconds are expected.")
    if faults["equal"]:
        told.append("All times are equal, so they order nothing.")
    for name, words in (("zero", "at 0 (1970)"), ("future", "in the future")):
        if faults[name]:
            told.append(f"Times {words}: {faults[name]:,} of {n:,}.")
    return " ".join(told)


def _day(second: int) -> str:
    return str(np.datetime64(second, "s").astype("datetime64[D]"))


def _periods(ratings: Ratings, effects: Effects) -> tuple[str, dict[str, dict[str, float]]]:
    """Return the unit, and by period its count, its mean, and its mean with the effects off."""
    stamps = np.asarray(ratings.timestamps)
    months = np.concatenate([_months(stamps[at]) for at in slices(len(stamps))])
    unit, width = ("year", 12) if np.ptp(months) >= 12 * _YEARS else ("quarter", 3)
    periods, rows = np.unique(months // width, return_inverse=True)  # a wrong time may lie afar
    size = len(periods)
    counts = np.bincount(rows, minlength=size)
    total = sums(rows, size, lambda at: ratings.values[at])
    rest = sums(rows, size, lambda at: effects.residuals(ratings, at))
    return unit, {
        _name(period, unit): {
            "ratings": int(counts[place]),
            "mean": float(total[place] / counts[place]),
            "same": float(rest[place] / counts[place]),
        }
        for place, period in enumerate(periods.tolist())
    }


def _months(stamps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return stamps.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def _name(period: int, unit: str) -> str:
    if unit == "year":
        return str(1970 + period)
    return f"{1970 + period // 4} Q{period % 4 + 1}"


def _largest(means: dict[str, dict[str, float]]) -> tuple[float, str, str]:
    names = list(means)
    steps = [(means[b]["mean"] - means[a]["mean"], a, b) for a, b in itertools.pairwise(names)]
    return max(steps, key=lambda step: abs(step[0]))
