"""From what was measured to what may be said: totals, intervals, tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penchant.arrays import F64
from penchant.comparison.measuring import Measured
from penchant.comparison.result import Comparison
from penchant.comparison.significance import bootstrap, holm, sign_flips
from penchant.comparison.standing import Measure, Paired, Protocol, Standing
from penchant.metrics import Interval

FLIPS = 9_999
"""How many draws of signs each test takes."""


class _Pooled(NamedTuple):
    """One model's measures, its folds together; (U,) by user."""

    rows: F64
    squared: F64
    absolute: F64
    ndcg: F64
    precision: F64
    recall: F64
    order: F64


def conclude(
    settings: Mapping[str, str], measured: Mapping[str, Sequence[Measured]], protocol: Protocol
) -> Comparison:
    """Turn what was measured of each model, fold by fold, into a comparison.

    Args:
        settings: what each model is, by its name.
        measured: of each model, each fold.
        protocol: how it was measured.
    """
    pooled = {name: _pool(parts) for name, parts in measured.items()}
    some = next(iter(pooled.values()))
    kept = some.rows > 0
    pooled = {name: _Pooled(*(a[kept] for a in one)) for name, one in pooled.items()}
    draws = {measure: _draws(pooled, measure, protocol) for measure in ("rmse", "mae", "ndcg")}
    standings = tuple(
        _standing(name, settings[name], pooled[name], parts, draws, place, protocol.level)
        for place, (name, parts) in enumerate(measured.items())
    )
    first = measured[standings[0].name]
    return Comparison(
        models=standings,
        tests=(
            *_tests("rmse", pooled, draws["rmse"], standings, protocol),
            *_tests("ndcg", pooled, draws["ndcg"], standings, protocol),
        ),
        protocol=protocol,
        folds=len(first),
        train_ratings=round(float(np.mean([part.trained for part in first]))),
        test_ratings=int(some.rows.sum()),
        users=int(kept.sum()),
        list_users=int(np.isfinite(pooled[standings[0].name].ndcg).sum()),
        unseen=sum(part.unseen for part in first),
    )


def _pool(parts: Sequence[Measured]) -> _Pooled:
    sums = (sum(getattr(part, name) for part in parts) for name in ("rows", "squared", "absolute"))
    names = ("ndcg", "precision", "recall", "order")
    return _Pooled(*sums, *(_mean([getattr(part, name) for part in parts]) for name in names))


def _mean(tables: Sequence[F64]) -> F64:
    """Return the mean over folds, of those in which a user was not left out."""
    stacked = np.array(tables)
    there = np.isfinite(stacked)
    sums, counts = np.where(there, stacked, 0).sum(axis=0), there.sum(axis=0)
    means: F64 = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return means


def _ratio(measure: str, one: _Pooled) -> tuple[F64, F64]:
    """Return what each user adds above and below the line of a measure."""
    if measure == "ndcg":
        there = np.isfinite(one.ndcg)
        return np.where(there, one.ndcg, 0), there.astype(np.float64)
    return (one.squared if measure == "rmse" else one.absolute), one.rows


def _draws(pooled: Mapping[str, _Pooled], measure: str, protocol: Protocol) -> F64:
    """Return a measure over the same draws of users for each model, (resamples, models)."""
    above, below = zip(*(_ratio(measure, one) for one in pooled.values()), strict=True)
    drawn = bootstrap(
        np.column_stack(above), np.column_stack(below), protocol.resamples, protocol.seed
    )
    return np.sqrt(drawn) if measure == "rmse" else drawn


def _interval(draws: F64, level: float) -> Interval | None:
    held = draws[np.isfinite(draws)]
    if not held.size:
        return None
    low, high = np.quantile(held, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _standing(
    name: str,
    settings: str,
    one: _Pooled,
    parts: Sequence[Measured],
    draws: Mapping[str, F64],
    place: int,
    level: float,
) -> Standing:
    n, squares = int(one.rows.sum()), float(one.squared.sum())
    unseen = sum(part.unseen for part in parts)
    unseen_squares = sum(part.unseen_squared for part in parts)
    warm = _root(squares - unseen_squares, n - unseen)
    as_mean = squares - unseen_squares + sum(part.mean_squared for part in parts)
    intervals = {f"{m}_interval": _interval(d[:, place], level) for m, d in draws.items()}
    return Standing(
        name=name,
        settings=settings,
        rmse=float(np.sqrt(squares / n)),
        mae=float(one.absolute.sum() / n),
        warm_rmse=warm,
        unseen_rmse=_root(unseen_squares, unseen),
        surprise_rmse=float(np.sqrt(as_mean / n)),
        cornac_rmse=warm,
        ndcg=_finite_mean(one.ndcg),
        precision=_finite_mean(one.precision),
        recall=_finite_mean(one.recall),
        order=_finite_mean(one.order),
        coverage=float(np.mean([part.coverage for part in parts])),
        novelty=_finite_mean(np.array([part.novelty for part in parts])),
        seconds=float(np.mean([part.seconds for part in parts])),
        cpu_seconds=float(np.mean([part.cpu_seconds for part in parts])),
        **intervals,
    )


def _root(squares: float, n: int) -> float | None:
    return float(np.sqrt(max(squares, 0) / n)) if n else None


def _finite_mean(values: F64) -> float | None:
    held = values[np.isfinite(values)]
    return float(held.mean()) if held.size else None


def _tests(
    measure: Measure,
    pooled: Mapping[str, _Pooled],
    draws: F64,
    standings: Sequence[Standing],
    protocol: Protocol,
) -> list[Paired]:
    """Test each pair of models; Holm's correction covers the pairs of this measure."""
    pairs = list(itertools.combinations(range(len(standings)), 2))
    points: list[Any] = [getattr(standing, measure) for standing in standings]
    if not pairs or None in points:
        return []
    above = [_ratio(measure, one)[0] for one in pooled.values()]
    apart = np.column_stack([above[a] - above[b] for a, b in pairs])
    p = sign_flips(apart, FLIPS, protocol.seed)
    corrected = holm(p)
    return [
        Paired(
            measure=measure,
            model=standings[a].name,
            other=standings[b].name,
            difference=points[a] - points[b],
            interval=_interval(draws[:, a] - draws[:, b], protocol.level),
            p=float(p[k]),
            p_corrected=float(corrected[k]),
            significant=bool(corrected[k] < 1 - protocol.level),
        )
        for k, (a, b) in enumerate(pairs)
    ]
