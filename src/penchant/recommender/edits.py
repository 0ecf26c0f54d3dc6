"""Ratings that come and go after the training: from one fitted factorisation to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penchant.errors import UnsupportedError
from penchant.fold_in import forget as forgetting
from penchant.fold_in import refresh as refreshing
from penchant.fold_in.change import Added, Columns, Touched, with_ratings, without_ratings
from penchant.fold_in.forget import Receipt
from penchant.ids import Id
from penchant.model.state import State
from penchant.predict.by_factors import FactorPredictor
from penchant.settings import require_count
from penchant.threads import Threads

Solve = Callable[[State, set[int], set[int]], State]


def add_ratings(
    predictor: FactorPredictor,
    columns: tuple[Any, Any, Any, Any],
    user_columns: Columns | None,
    item_columns: Columns | None,
) -> tuple[FactorPredictor, Added]:
    """Put ratings in; see `MatrixFactorization.add_ratings`."""
    return _solved(predictor, with_ratings(predictor.state, columns, user_columns, item_columns))


def remove_ratings(
    predictor: FactorPredictor, users: Any, items: Any
) -> tuple[FactorPredictor, Added]:
    """Take ratings out; see `MatrixFactorization.remove_ratings`."""
    return _solved(predictor, without_ratings(predictor.state, users, items))


def refresh(predictor: FactorPredictor, n: int, threads: int | None) -> FactorPredictor:
    """Learn from what came or went; see `MatrixFactorization.refresh`."""
    require_count("n", n)
    state = predictor.state
    name = predictor.made_by["solver"]["name"]
    if name != "gibbs":
        raise UnsupportedError(
            f"refresh goes on with the Gibbs sampler, and solver={name!r} made this model. "
            f"Train it again with fit on model.knowledge.ratings."
        )
    if not state.life.seen:
        return predictor
    after = refreshing.refreshed(state, predictor.made_by, n, threads)
    return predictor.after(_choosing_anew(after, threads))


def forget(predictor: FactorPredictor, user: Id) -> tuple[FactorPredictor, Receipt]:
    """Take a user out; see `MatrixFactorization.forget`."""
    row, before = predictor.known.user_ids.row(user), predictor.state
    gone = forgetting.without_user(before, row)
    after = _choosing_anew(_folding(predictor)(gone.state, gone.users, gone.items))
    return predictor.after(after), forgetting.receipt(forgetting.digests(before), after, gone)


def _choosing_anew(state: State, threads: int | None = None) -> State:
    """Train the choice model again, as if the ratings had always been these."""
    if state.known.choices is None:
        return state
    return state._replace(known=state.known.with_choices(threads))


def newest_time(predictor: FactorPredictor) -> int | None:
    """Return the time of new ratings that come without one; None where ratings have no times."""
    table = predictor.ledger.table
    return None if table.ratings.timestamps is None else table.newest


def _solved(predictor: FactorPredictor, touched: Touched) -> tuple[FactorPredictor, Added]:
    """Solve the touched rows."""
    state, users, items, record = touched
    return predictor.after(_folding(predictor)(state, users, items)), record


def _folding(predictor: FactorPredictor) -> Solve:
    """Return what solves rows: the posterior, or ridge regression where there is none."""
    if predictor.has_posterior:
        from penchant.fold_in.by_posterior import folded

        return folded
    from penchant.fold_in import by_ridge as ridge

    ratings, solver = predictor.ledger.table.ratings, predictor.made_by["solver"]
    unit = float(ratings.values.std(dtype="float64")) or 1.0
    penalties = {
        side: ridge.Penalty.of(solver, predictor.history, unit, side, predictor.stars)
        for side in ("user", "item")
    }

    def by_ridge(state: State, users: set[int], items: set[int]) -> State:
        with Threads(1):  # one thread of BLAS always: the same bits each time
            return ridge.folded(state, users, items, penalties)

    return by_ridge
