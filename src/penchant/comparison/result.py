"""Comparison: how models did on the same ratings, and what that doesn't show.

What it prints are narrow tables, and sentences that claim no more than is significant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from penchant.comparison.standing import Measure, Paired, Protocol, Standing
from penchant.errors import SettingsError
from penchant.metrics import Interval
from penchant.tables import Cell, text_table

_NAMES = {"rmse": "RMSE (lower is better)", "ndcg": "NDCG (higher is better)"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How models did on the same ratings; prints as tables, and says what isn't significant.

    Attributes:
        models: how each did; the bias model first.
        tests: of each pair, first for "rmse", then for "ndcg".
        protocol: how they were compared.
        folds: how many; 1 for test ratings of their own.
        train_ratings: how many ratings each model was trained on (with folds, about).
        test_ratings: how many were predicted.
        users: of the test ratings.
        list_users: of those the users with relevant items.
        unseen: test ratings whose user or item has no training ratings.
    """

    models: tuple[Standing, ...]
    tests: tuple[Paired, ...]
    protocol: Protocol
    folds: int
    train_ratings: int
    test_ratings: int
    users: int
    list_users: int
    unseen: int

    def __getitem__(self, name: str) -> Standing:
        """Return how the model of that name did; raise `SettingsError` where there is none."""
        for standing in self.models:
            if standing.name == name:
                return standing
        names = ", ".join(repr(standing.name) for standing in self.models)
        raise SettingsError(f"No model is called {name!r}; there are {names}.")

    def best(self, measure: Measure) -> Standing:
        """Return the model with the lowest RMSE or the highest NDCG, significantly so or not.

        Of equal ones it is the first.
        """
        sign = 1 if measure == "rmse" else -1
        return min(self.models, key=lambda one: sign * (getattr(one, measure) or 0))

    def against(self, name: str, measure: Measure) -> tuple[Paired, ...]:
        """Return the tests of all other models against one, in the order of the models."""
        self[name]
        seen = [test for test in self.tests if test.measure == measure]
        turned = [test.reversed() if test.model == name else test for test in seen]
        return tuple(test for test in turned if test.other == name)

    def told(self, ratings: str) -> Comparison:
        """Return the comparison that tells in these words where its test ratings come from."""
        return dataclasses.replace(self, protocol=self.protocol._replace(ratings=ratings))

    def __str__(self) -> str:
        parts = [_head(self), _errors(self), _lists(self), _conventions(self)]
        parts += [_doubts(self, "rmse"), _doubts(self, "ndcg")]
        return "\n\n".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON-able values."""
        plain = dataclasses.asdict(self)
        plain["protocol"] = self.protocol._asdict()
        for entry in (*plain["models"], *plain["tests"]):
            for key, value in entry.items():
                if isinstance(value, Interval):
                    entry[key] = list(value)
        plain["models"], plain["tests"] = list(plain["models"]), list(plain["tests"])
        return plain


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
