"""Scale: which values are used, and which look like something else than a rating."""

from __future__ import annotations

from typing import Any

import numpy as np

from penchant.checking.findings import Finding, Level, percent
from penchant.ratings import Ratings

_MOST = 20  # different values; with more, deciles are told
_HEAP = 0.02  # the share from which a lonely value is a heap
_NONE = (0.0, -1.0, 99.0, -99.0, 999.0)


def scale(ratings: Ratings) -> Finding:
    """Say how the values are spread over the scale, and look for what isn't a rating."""
    values, counts = np.unique(ratings.values, return_counts=True)
    shares = counts / counts.sum()
    heaps = _heaps(values, shares)
    unused = [
        f"{end:g}"
        for end, seen in (
            (ratings.scale.low, values[0]),
            (ratings.scale.high, values[-1]),
        )
        if end != seen
    ]
    numbers: dict[str, Any] = {
        "scale": [ratings.scale.low, ratings.scale.high],
        "different": len(values),
        "mean": ratings.mean,
        "deviation": float(ratings.values.std(dtype=np.float64)),
        "unused_ends": [float(end) for end in unused],
        "halves": _halves(values, shares),
        "heaps": heaps,
        **_spread(ratings, values, shares),
    }
    text = f"{_told(numbers)}, mean {ratings.mean:.2f}. {_steps(numbers['halves'])}"
    if unused:
        text += f" Nobody gives {' or '.join(unused)}, though the scale holds it."
    level: Level = "note" if unused or len(values) == 1 else "ok"
    advice = ""
    if len(values) == 1:
        text += " All ratings are equal: there is nothing to learn from them."
        level, advice = "warning", "check that the right column was read as the rating."
    if heaps:
        text += " " + " ".join(
            f"A heap at {value} ({percent(share)}), apart from all others, looks like 'none'."
            for value, share in heaps.items()
        )
        level = "warning"
        advice = "if it means 'none', load again with unrated= (--unrated) naming that value."
    return Finding("scale", level, text, numbers, advice)


def _spread(ratings: Ratings, values: Any, shares: Any) -> dict[str, Any]:
    if len(values) <= _MOST:
        return {"shares": {f"{v:g}": float(s) for v, s in zip(values, shares, strict=True)}}
    deciles = np.quantile(ratings.values, np.arange(0.1, 0.95, 0.1))
    return {"deciles": [float(value) for value in deciles]}


def _told(numbers: dict[str, Any]) -> str:
    low, high = numbers["scale"]
    head = f"From {low:g} to {high:g}: "
    if "shares" in numbers:
        return head + ", ".join(f"{v}: {percent(s)}" for v, s in numbers["shares"].items())
    tenths = numbers["deciles"]
    told = ", ".join(f"{value:.3g}" for value in tenths)
    return f"{head}{numbers['different']:,} different values, deciles {told}"


def _halves(values: Any, shares: Any) -> float | None:
    """Return the share of half values; None where values lie elsewhere than on halves."""
    twice = 2 * values.astype(np.float64)
    if (twice != np.round(twice)).any():
        return None
    return float(shares[twice % 2 == 1].sum())


def _steps(halves: float | None) -> str:
    if halves is None:
        return "Values lie between the halves too."
    if not halves:
        return "Whole values only; no halves."
    return f"Halves are used ({percent(halves)})."


def _heaps(values: Any, shares: Any) -> dict[str, float]:
    """Return the usual marks of 'none' that stand apart from the ratings, with their shares.

    Apart is farther than 1.5 usual steps from the nearest value, or twice as frequent as any other:
    0 under 1, 2, 3 is a rating like the others, 0 under 5, 6, 7 is not.
    """
    found = {}
    for value in _NONE:
        at = np.flatnonzero(values == np.float32(value))
        others = values != np.float32(value)
        rest = values[others]
        if not at.size or len(rest) < 2 or shares[at[0]] < _HEAP:
            continue
        outside = value < rest[0] or value > rest[-1]
        far = float(np.abs(rest - value).min()) > 1.5 * float(np.median(np.diff(rest)))
        if outside and (far or shares[at[0]] > 2 * shares[others].max()):
            found[f"{value:g}"] = float(shares[at[0]])
    return found
