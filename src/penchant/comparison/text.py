"""What a comparison prints: narrow tables, and sentences that claim no more than is significant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penchant.tables import Cell, text_table

if TYPE_CHECKING:
    from penchant.comparison.result import Comparison, Measure, Paired
    from penchant.metrics import Interval

_NAMES = {"rmse": "RMSE (lower is better)", "ndcg": "NDCG (higher is better)"}


def text_of(comparison: Comparison) -> str:
    """Return the comparison as text for a terminal of 80 columns."""
    parts = [_head(comparison), _errors(comparison), _lists(comparison)]
    parts += [_conventions(comparison), _doubts(comparison, "rmse"), _doubts(comparison, "ndcg")]
    return "\n\n".join(part for part in parts if part)


def _head(c: Comparison) -> str:
    fold = " in each fold" if c.folds > 1 else ""
    return (
        f"Test ratings: {c.protocol.ratings}\n"
        f"Trained on {c.train_ratings:,} ratings{fold}, tested on {c.test_ratings:,} of "
        f"{c.users:,} users\n"
        f"Unseen test ratings, whose user or item has no training ratings: {c.unseen:,}"
    )


def _errors(c: Comparison) -> str:
    columns = ("model", "RMSE", f"{c.protocol.level * 100:g} % interval", "MAE", "warm", "unseen")
    rows: list[tuple[Cell, ...]] = [
        (m.name, m.rmse, _range(m.rmse_interval), m.mae, m.warm_rmse, m.unseen_rmse)
        for m in c.models
    ]
    return _table(columns, rows, "Errors; RMSE of warm and of unseen pairs apart")


def _lists(c: Comparison) -> str:
    columns = ("model", "NDCG", "precision", "recall", "coverage", "novelty", "order")
    rows: list[tuple[Cell, ...]] = [
        (m.name, m.ndcg, m.precision, m.recall, m.coverage, m.novelty, m.order) for m in c.models
    ]
    title = (
        f"Lists of {c.protocol.n} for the {c.list_users:,} users who rated something "
        f"{c.protocol.relevant:g} or more in the test"
    )
    return _table(columns, rows, title, novelty=".2f")


def _conventions(c: Comparison) -> str:
    columns = ("model", "ours", "Surprise's", "Cornac's", "seconds", "CPU seconds")
    rows: list[tuple[Cell, ...]] = [
        (m.name, m.rmse, m.surprise_rmse, m.cornac_rmse, m.seconds, m.cpu_seconds) for m in c.models
    ]
    title = "RMSE by the conventions of three libraries; time of the training"
    return _table(columns, rows, title, **{"seconds": ".2f", "CPU seconds": ".2f"})


def _doubts(c: Comparison, measure: Measure) -> str:
    """Return differences to the bias model and to the best one, and what they allow to say."""
    bar, best = c.models[0].name, c.best(measure).name
    against = {name: c.against(name, measure) for name in dict.fromkeys((bar, best))}
    tests = [test for of_one in against.values() for test in of_one]
    if not tests:
        return ""
    once = tests if bar == best else [t for t in tests if (t.model, t.other) != (bar, best)]
    columns = ("models", "difference", f"{c.protocol.level * 100:g} % interval", "p")
    rows: list[tuple[Cell, ...]] = [
        (f"{t.model} - {t.other}", t.difference, _range(t.interval), t.p_corrected) for t in once
    ]
    pairs = sum(test.measure == measure for test in c.tests)
    title = f"Differences of {_NAMES[measure]}; p by Holm over all pairs: {pairs}"
    said = [_verdict(measure, name, of_one) for name, of_one in against.items()]
    return "\n".join([_table(columns, rows, title), *said])


def _verdict(measure: Measure, name: str, tests: Sequence[Paired]) -> str:
    """Say which models differ from one, and which can't be told from it."""
    up = [test.model for test in tests if test.significant and test.difference > 0]
    down = [test.model for test in tests if test.significant and test.difference < 0]
    rest = [test.model for test in tests if not test.significant]
    groups = {
        "significantly lower": down,
        "significantly higher": up,
        "no significant difference": rest,
    }
    said = "; ".join(f"{what}: {', '.join(models)}" for what, models in groups.items() if models)
    return f"{measure.upper()} against {name}: {said}."


def _range(interval: Interval | None) -> str | None:
    return None if interval is None else f"{interval.low:.4f} to {interval.high:.4f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str, **f: str) -> str:
    return text_table(columns, rows, formats={**dict.fromkeys(columns, ".4f"), **f}, title=title)
