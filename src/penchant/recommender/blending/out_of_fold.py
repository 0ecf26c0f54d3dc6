"""Members of a blend trained, each on folds and on all ratings, and weighed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from penchant.answers.rate import predict_table
from penchant.arrays import F64
from penchant.console import Advance
from penchant.errors import SettingsError
from penchant.history import History, Record
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.recommender.blending.stacking import Weights
from penchant.recommender.plan import Parts
from penchant.split import fold_rows


class Stacked(NamedTuple):
    """What a blend is made of: its trained members, their weights, and what was measured."""

    members: tuple[Recommender, ...]
    weights: Weights
    history: History


class Trained(NamedTuple):
    """One member.

    Attributes:
        model: trained on all ratings.
        out_of_fold: (n,) float64, of each training rating by a model that did not see it.
        others: its predictions of the validation and the watched ratings, by name.
    """

    model: Recommender
    out_of_fold: F64
    others: dict[str, F64]


class Stack:
    """Trains members one after the other, and weighs those that there are after each.

    Args:
        parts: the ratings.
        folds: how many parts the training ratings are cut into.
        seed: of the folds.
        threads: how many a member may use; all if None.
        advance: called after each training.
    """

    def __init__(
        self, parts: Parts, folds: int, seed: int, threads: int | None, advance: Advance
    ) -> None:
        self._parts, self._threads, self._advance = parts, threads, advance
        self._folds = list(fold_rows(len(parts.train), folds, seed))
        held = {"validation": parts.validation, "watch": parts.watch}
        self._held = {name: table for name, table in held.items() if table is not None}
        self._began = time.perf_counter()

    def train(
        self, members: Mapping[str, Recommender], callbacks: Iterable[Callable[[Record], object]]
    ) -> Stacked:
        """Train all members; see `penchant.recommender.blend.Blend.fit`.

        After Ctrl-C, or a callback's True, the members that are trained wholly make the blend.
        """
        callbacks, history, done = _callables(callbacks), History(), dict[str, Trained]()
        weights: Weights | None = None
        for name, member in members.items():
            try:
                done[name] = self._trained(member)
            except KeyboardInterrupt:
                if weights is None:
                    raise
                history.interrupted = True
                break
            columns = np.column_stack([one.out_of_fold for one in done.values()])
            train = self._parts.train
            weights = Weights.of(list(done), columns, train.values, train.scale)
            record = self._record(weights, list(done.values()))
            history.append(record)
            if any([callback(record) is True for callback in callbacks]):  # noqa: C419 - each is called
                break
        whole = tuple(one.model for one in done.values())
        return Stacked(whole, weights, history)  # type: ignore[arg-type]  # there is a member

    def _trained(self, member: Recommender) -> Trained:
        train = self._parts.train
        out_of_fold = np.empty(len(train))
        for fold in self._folds:
            model = self._fitted(member, train.take(fold.train), choices=False)
            out_of_fold[fold.test] = predicted(model, train.take(fold.test))
        model = self._fitted(member, train)
        others = {name: predicted(model, table) for name, table in self._held.items()}
        return Trained(model, out_of_fold, others)

    def _fitted(self, member: Any, ratings: Ratings, **settings: Any) -> Recommender:
        """Return a copy of a member, trained; an interrupted training is of no use."""
        model = type(member)(**{**member.get_params(), **settings})
        model.fit(ratings, validation=self._parts.validation, progress=False, threads=self._threads)
        if model.history.interrupted:
            raise KeyboardInterrupt
        self._advance(1)
        return model  # type: ignore[no-any-return]

    def _record(self, weights: Weights, done: list[Trained]) -> Record:
        record = {"member": float(len(done)), "out_of_fold_rmse": weights.rmse}
        scale = self._parts.train.scale
        for name, table in self._held.items():
            columns = [one.others[name].astype(np.float32) for one in done]
            if len(table):
                blended = weights.combine((len(table),), columns.__getitem__)
                record[f"{name}_rmse"] = rmse(table.values, scale.clip(blended))
        return {**record, "seconds": time.perf_counter() - self._began}


def predicted(model: Recommender, ratings: Ratings) -> F64:
    """Return the unclipped predictions of ratings whose rows are the model's, (n,) float64."""
    rows = ratings.user_rows, ratings.item_rows
    return predict_table(model.predictor, ratings, rows).astype(np.float64)


def _callables(callbacks: Iterable[Any]) -> tuple[Callable[[Record], object], ...]:
    listed = tuple(callbacks)
    for callback in listed:
        if not callable(callback):
            raise SettingsError(f"A callback is a function of a record, not {callback!r}.")
    return listed
