"""Errors on the test rows: RMSE and its parts, residuals, and who was predicted best and worst."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.metrics import rmse
from penchant.recommender.base import Recommender
from penchant.report.judged import Judged
from penchant.report.numbers.tested import Numbers, Tested, group_rmse, spread

_SHOWN = 8
_MOST_VALUES = 12  # groups of actual ratings; with more values, ranges
_LEAST_RATINGS = 10  # test ratings of an item that is called well or badly predicted


def scores(judged: Judged, tested: Tested, bias: Recommender | None) -> Numbers:
    """Return RMSE, what simple answers come to, and the RMSE by activity and popularity."""
    other = None
    found: Numbers = {"protocol": judged.protocol, **tested.scores()}
    apart = np.abs(tested.errors)
    found["half_within"], found["most_within"] = np.quantile(apart, (0.5, 0.9)).tolist()
    if bias is not None and judged.test is not None:
        mean = bias.knowledge.ratings.mean
        found["mean_rmse"] = rmse(tested.truth, np.full(len(tested), mean))
        other = Tested.of(bias, judged.test).predicted
        found["bias_rmse"] = rmse(tested.truth, other)
    found["by_activity"] = group_rmse(tested.user_counts, tested, other)
    found["by_popularity"] = group_rmse(tested.item_counts, tested, other)
    return found


def residuals(judged: Judged, tested: Tested) -> Numbers:
    """Return how ratings less predictions are spread, by predicted and by actual rating."""
    errors, scale = tested.errors, judged.model.knowledge.scale
    found: Numbers = {"protocol": judged.protocol, "all": spread(errors)}
    width = (scale.high - scale.low) or 1.0
    edges = scale.low + width * np.arange(1, 8) / 8
    place = np.searchsorted(edges, tested.predicted, side="right")
    ends = np.array([scale.low, *edges, scale.high])
    found["by_predicted"] = [
        {"low": float(ends[k]), "high": float(ends[k + 1]), **spread(errors[place == k])}
        for k in range(8)
        if (place == k).any()
    ]
    found["by_actual"] = _by_actual(tested, scale.low, width)
    return found


def _by_actual(tested: Tested, low: float, width: float) -> list[Numbers]:
    values = np.unique(tested.truth)
    if len(values) <= _MOST_VALUES:
        return [
            {"low": v, "high": v, **spread(tested.errors[tested.truth == v])}
            for v in values.tolist()
        ]
    edges = low + width * np.arange(1, 8) / 8
    place = np.searchsorted(edges, tested.truth, side="right")
    ends = [low, *edges.tolist(), low + width]
    return [
        {"low": ends[k], "high": ends[k + 1], **spread(tested.errors[place == k])}
        for k in range(8)
        if (place == k).any()
    ]


def extremes(judged: Judged, tested: Tested) -> Numbers:
    """Return the ratings and the items that were predicted best and worst, with titles."""
    order = np.argsort(np.abs(tested.errors), kind="stable")
    found: Numbers = {"protocol": judged.protocol, "least_ratings": _LEAST_RATINGS}
    found["best"] = _rows(judged, tested, order[:_SHOWN])
    found["worst"] = _rows(judged, tested, order[::-1][:_SHOWN])
    items = _items(judged, tested)
    found["items_best"], found["items_worst"] = items[:_SHOWN], items[::-1][:_SHOWN]
    return found


def _rows(judged: Judged, tested: Tested, rows: npt.NDArray[np.int64]) -> list[Numbers]:
    if judged.test is None:
        return []
    known, taken = judged.model.knowledge, judged.test.take(rows)
    columns: tuple[Any, ...] = (
        taken.users,
        taken.items,
        known.titles(tested.items[rows]),
        tested.truth[rows].tolist(),
        tested.predicted[rows].tolist(),
        tested.user_counts[rows].tolist(),
        tested.item_counts[rows].tolist(),
    )
    names = ("user", "item", "title", "rating", "predicted", "user_ratings", "item_ratings")
    return [dict(zip(names, entry, strict=True)) for entry in zip(*columns, strict=True)]


def _items(judged: Judged, tested: Tested) -> list[Numbers]:
    """Return the items with enough test ratings, those with the least RMSE first."""
    known, size = judged.model.knowledge, judged.model.knowledge.item_ids.size
    counts = np.bincount(tested.items, minlength=size)
    squares = np.bincount(tested.items, tested.errors**2, minlength=size)
    counts[0] = 0
    rows = np.flatnonzero(counts >= _LEAST_RATINGS)
    errors = np.sqrt(squares[rows] / counts[rows])
    rows, errors = rows[np.argsort(errors, kind="stable")], np.sort(errors, kind="stable")
    ends = np.unique(np.r_[np.arange(len(rows))[:_SHOWN], np.arange(len(rows))[-_SHOWN:]])
    rows, errors = rows[ends], errors[ends]
    columns: tuple[Any, ...] = (
        known.item_ids.ids(rows),
        known.titles(rows.astype(np.int32)),
        errors.tolist(),
        counts[rows].tolist(),
    )
    names = ("item", "title", "rmse", "n")
    return [dict(zip(names, entry, strict=True)) for entry in zip(*columns, strict=True)]
