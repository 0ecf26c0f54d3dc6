"""Rows solved again by the posterior: users whose ratings changed, and items newer than training.

A user's row is a pure function of that user's ratings and of the items' rows in each head. An item
that was trained keeps its row until `refresh`. The row of an item without training ratings is a
pure function of its ratings and of its raters, as their ratings of trained items show them. So a
change of a user's ratings can move such items that the user rated, and with them all who rated
those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from penchant.arrays import F32, Mask, Rows
from penchant.factors import Factors
from penchant.features.who_rated import PRIOR_OFFSET
from penchant.ids import positions_array
from penchant.model.ledger import Rated
from penchant.model.state import State
from penchant.posterior import Posterior
from penchant.posterior.resize import grown, new_items, raters
from penchant.posterior.rows import user_tables


def folded(state: State, users: Iterable[int], items: Iterable[int]) -> State:
    """Solve again what follows from changed ratings of some users and of some items."""
    known, life, ledger = state.known, state.life, state.ledger
    M, N = known.user_ids.size, known.item_ids.size
    posterior, factors = grown(state.posterior, M, N), state.factors
    touched = set(users)
    rated = {item for user in touched for item in ledger.of_user(user).rows.tolist()}
    untrained = life.untrained(ledger, known.item_counts)
    newer = sorted(item for item in rated.union(items) if untrained[item])
    if newer:
        found = {item: ledger.of_item(item) for item in newer}
        touched.update(row for ratings in found.values() for row in ratings.rows.tolist())
        state = state._replace(posterior=posterior)
        posterior, factors = _with_items(state, found, ~untrained)
    rows = np.array(sorted(touched), np.int32)
    theirs = user_matrix(posterior, [ledger.of_user(row) for row in rows.tolist()], rows, N)
    columns = encoded(posterior.users.encoder, known.user_table, rows)
    P, bias = user_tables(posterior, theirs, columns)
    noise, fresh = posterior.noise, rows >= life.trained[0]
    offsets = _put(noise.user_offsets, rows[fresh], _offsets(posterior, theirs)[fresh])
    posterior = dataclasses.replace(
        posterior, noise=dataclasses.replace(noise, user_offsets=offsets)
    )
    return state._replace(
        posterior=posterior,
        factors=dataclasses.replace(
            factors,
            user_factors=_put(factors.user_factors, rows, P),
            user_bias=_put(factors.user_bias, rows, bias),
        ),
    )


def _with_items(state: State, found: dict[int, Rated], trained: Mask) -> tuple[Posterior, Factors]:
    """Solve items without training ratings, by item row who rated them.

    `trained`, (N,), says which items their raters are solved from.
    """
    posterior: Posterior = state.posterior
    ledger, known = state.ledger, state.known
    who = np.unique(np.concatenate([rated.rows for rated in found.values()]))
    theirs = [_of_trained(ledger.of_user(row), trained) for row in who.tolist()]
    seen = raters(
        posterior,
        who,
        user_matrix(posterior, theirs, who, len(trained)),
        encoded(posterior.users.encoder, known.user_table, who),
    )
    rows = np.array(list(found), np.int32)
    lists = [
        rated._replace(rows=np.searchsorted(who, rated.rows).astype(np.int32))
        for rated in found.values()
    ]
    ratings = matrix(posterior, lists, len(who))
    solved = new_items(
        posterior, seen, ratings, encoded(posterior.items.encoder, known.item_table, rows)
    )
    draws = posterior.items.draws.copy()
    draws[:, rows] = solved.draws
    noise = dataclasses.replace(
        posterior.noise,
        item_weights=_put(posterior.noise.item_weights, rows, solved.weights),
        item_offsets=_put(posterior.noise.item_offsets, rows, solved.offsets),
    )
    factors = dataclasses.replace(
        state.factors,
        item_factors=_put(state.factors.item_factors, rows, solved.factors),
        item_bias=_put(state.factors.item_bias, rows, solved.bias),
    )
    items = dataclasses.replace(posterior.items, draws=draws)
    return dataclasses.replace(posterior, items=items, noise=noise), factors


def matrix(posterior: Posterior, lists: list[Rated], columns: int) -> sp.csr_matrix:
    """Return the deviations of lists of ratings, (lists, columns) float32, indices sorted."""
    counts = [len(rated.rows) for rated in lists]
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = [rated.rows for rated in lists] or [np.zeros(0, np.int32)]
    values = [rated.values for rated in lists] or [np.zeros(0, np.float32)]
    data = posterior.deviations(np.concatenate(values))
    made = (data, np.concatenate(rows).astype(np.int32), indptr)
    return sp.csr_matrix(made, shape=(len(lists), columns))


def user_matrix(
    posterior: Posterior, lists: list[Rated], rows: Rows, columns: int
) -> sp.csr_matrix:
    """Return `matrix` of users, less day effects where the model was trained with some."""
    made = matrix(posterior, lists, columns)
    if posterior.days is not None and made.nnz:
        seconds = np.concatenate([r.seconds for r in lists if r.seconds is not None])
        users = np.repeat(rows, np.diff(made.indptr)).astype(np.int32)
        made.data = made.data - posterior.days(users, seconds)
    return made


def encoded(encoder: Any, table: pa.Table | None, rows: Rows) -> F32:
    """Return the side columns of some rows as numbers, (n, S) float32."""
    few = None if table is None or not encoder.width else table.take(positions_array(rows))
    made: F32 = encoder.encode(few, len(rows)).toarray().astype(np.float32)
    return made


def _of_trained(rated: Rated, trained: Mask) -> Rated:
    return Rated(*(None if c is None else c[trained[rated.rows]] for c in rated))  # type: ignore[arg-type]


def _offsets(posterior: Posterior, ratings: sp.csr_matrix) -> F32:
    """Return o_u of users, (m,) float32, as `penchant.features.Noise` defines it."""
    counts = np.diff(ratings.indptr)
    r = ratings.data.astype(np.float64) - posterior.noise.item_offsets[ratings.indices]
    sums = np.bincount(np.repeat(np.arange(len(counts)), counts), r, minlength=len(counts))
    offsets: F32 = (sums / (PRIOR_OFFSET + counts)).astype(np.float32)
    return offsets


def _put(table: F32, rows: Rows, values: F32) -> F32:
    """Return a copy of a table with some rows, one past its end perhaps, put in."""
    if not len(rows):
        return table
    out = np.zeros((max(len(table), int(rows.max()) + 1), *table.shape[1:]), np.float32)
    out[: len(table)] = table
    out[rows] = values
    return out
