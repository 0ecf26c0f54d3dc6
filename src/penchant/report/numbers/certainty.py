"""Intervals: how often test ratings lie in them, against how often they should."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penchant.predict.intervals import widths as interval_widths
from penchant.report.judged import Judged
from penchant.report.numbers.tested import Numbers, Tested

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
MAIN = 0.9
_NORMAL = 1.96  # standard deviations of a 95 % interval


def calibration(judged: Judged, tested: Tested) -> Numbers:
    """Return the share of test ratings inside their intervals at each level, and the widths."""
    model = judged.model
    known, made = model.knowledge, model.calibration
    if made is None:
        return {
            "left_out": "This model gives no intervals: its solver keeps no posterior, and there "
            "were no validation ratings. Train it with --validation 0.1, or by Gibbs sampling."
        }
    if known.fetch() is None and model.predictor.has_posterior:
        return {
            "left_out": "Intervals of this model read the users' own ratings, which the bundle "
            "does not hold. Give the table that it was trained on."
        }
    ratings = tested.predicted.astype(np.float32)
    _, widths = interval_widths(model.predictor, MAIN, tested.users, tested.items, ratings)
    quiet = tested.user_counts <= np.quantile(tested.user_counts, 0.25)
    levels = []
    for level in LEVELS:
        half = made.factor(level) * widths
        low, high = (known.scale.clip(ratings + half * sign).astype(np.float32) for sign in (-1, 1))
        inside = (tested.truth >= low) & (tested.truth <= high)
        entry: Numbers = {"level": level, **_share(inside), "width": float((high - low).mean())}
        entry["least_active"] = float(inside[quiet].mean())
        levels.append(entry)
    return {
        "protocol": judged.protocol,
        "method": made.method,
        "told": str(made),
        "rows": made.rows,
        "levels": levels,
        "off": max(abs(entry["inside"] - entry["level"]) for entry in levels),
    }


def _share(inside: Any) -> Numbers:
    share, n = float(inside.mean()), len(inside)
    half = _NORMAL * math.sqrt(share * (1 - share) / n)
    return {"inside": share, "interval": [max(0.0, share - half), min(1.0, share + half)]}
