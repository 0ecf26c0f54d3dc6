"""Rows of a model without a posterior: ridge regression on the other side as it was trained.

A user who is new, or whose ratings are other than those of the training, gets the row

    argmin Σ (r − mean − b_i − b_u − p_u · q_i)² + λ |p_u − p_0|² + λ_b (b_u − b_0)²

over all of that user's ratings, and a new item likewise. λ is the solver's, or what comes nearest
to it (`Penalty.of`); the centre is zero, or the stranger's row for a solver that shrinks to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from penchant.arrays import F32, F64, Mask
from penchant.factors import Factors
from penchant.history import History
from penchant.model.ledger import Rated
from penchant.model.state import Pair, State
from penchant.posterior.latent import STEPS, means
from penchant.stars import Stars

Originals = dict[Pair, tuple[F32, float]]


@dataclasses.dataclass(frozen=True)
class Penalty:
    """λ of a row: of its factors and of its bias, for each rating and besides.

    Attributes:
        l2: λ for each of the row's ratings.
        l2_bias: λ_b for each of the row's ratings.
        plain: further λ, whatever the number of ratings.
        plain_bias: further λ_b.
        to_stranger: whether the row is drawn to the stranger's rather than to zero.
        stars: of an ordinal model: then not the ratings but their latent values have errors.
    """

    l2: float = 0.0
    l2_bias: float = 0.0
    plain: float = 0.0
    plain_bias: float = 0.0
    to_stranger: bool = False
    stars: Stars | None = None

    @classmethod
    def of(
        cls,
        made_by: Mapping[str, Any],
        history: History,
        unit: float,
        side: str,
        stars: Stars | None = None,
    ) -> Self:
        """Return the penalty that a solver puts on a row of one side, in rating units.

        Args:
            made_by: name and settings of the solver.
            history: of its training.
            unit: the standard deviation of the ratings: λ is charged in that unit.
            side: "user" or "item".
            stars: of an ordinal model.
        """
        name, settings = made_by["name"], made_by["settings"]
        last = history.records[-1] if len(history) else {}
        if name == "bias":
            l2 = float(last.get(f"l2_{side}", 1.0))
            return cls(plain=1.0, plain_bias=l2, to_stranger=True)
        l2, l2_bias = float(settings["l2"]), float(settings["l2_bias"])
        if stars is not None:  # −ln P is half a square of a noise of 1
            return cls(l2=2 * l2, l2_bias=2 * l2_bias, stars=stars)
        if name == "keras":
            unit = unit if settings.get("standardise", True) else 1.0
            if settings.get("loss") == "rmse":  # its slope is the mse's over twice the RMSE
                error = 2 * float(last.get("train_rmse", 1.0)) / unit
                l2, l2_bias = error * l2, error * l2_bias
        return cls(l2=l2 * unit, l2_bias=l2_bias)

    def on(self, n: int, K: int) -> F64:
        """Return the penalty's diagonal for a row with n ratings, (K + 1,)."""
        least = 1e-6  # a row with fewer ratings than factors has one solution all the same
        diagonal = np.full(K + 1, max(self.plain + n * self.l2, least))
        diagonal[K] = max(self.plain_bias + n * self.l2_bias, least)
        return diagonal


def solved(
    rated: Rated, factors: F32, bias: F32, mean: float, penalty: Penalty, centre: F32
) -> tuple[F32, float]:
    """Return a row's factors (K,) and bias.

    Args:
        rated: its ratings; their rows are places in `factors`.
        factors: (N, K) float32 of the other side.
        bias: (N,) float32 of the other side.
        mean: the mean of the training ratings.
        penalty: λ.
        centre: (K + 1,) float32, the stranger's factors and bias.
    """
    n, K = len(rated.rows), factors.shape[1]
    f = np.ones((n, K + 1))
    f[:, :K] = factors[rated.rows]
    towards = centre.astype(np.float64) * penalty.to_stranger
    known, A = mean + bias[rated.rows] + f @ towards, f.T @ f + np.diag(penalty.on(n, K))

    def solve(values: F64) -> F64:
        return np.linalg.solve(A, f.T @ (values - known))

    stars, values = penalty.stars, rated.values.astype(np.float64)
    if stars is not None:
        places, ones = stars.places(values), np.ones(n)
        values = stars.scored(values).astype(np.float64)
        for _ in range(STEPS):
            values = means(stars, places, known + f @ solve(values), ones)
    x = solve(values) + towards
    return x[:K].astype(np.float32), float(np.float32(x[K]))


def folded(
    state: State, users: Iterable[int], items: Iterable[int], penalties: Mapping[str, Penalty]
) -> State:
    """Solve again what follows from changed ratings of some users and of some items.

    A user whose ratings are those of the training again gets the trained row back. Items that
    training knew stay; newer ones are solved from their raters' trained rows.
    """
    known, life, ledger = state.known, state.life, state.ledger
    factors = _grown(state.factors, known.user_ids.size, known.item_ids.size)
    untrained = life.untrained(ledger, known.item_counts)
    touched = set(users)
    listed = {item for user in touched for item in ledger.of_user(user).rows.tolist()}
    found = {i: ledger.of_item(i) for i in sorted(listed.union(items)) if untrained[i]}
    touched.update(row for rated in found.values() for row in rated.rows.tolist())
    unlike = {user for user, _ in life.seen}
    changed = {row for row in touched if row in unlike or row >= life.trained[0]}
    originals = dict(life.originals)
    P, bu = _originals(factors.user_factors, factors.user_bias, touched - changed, originals, 0)
    empty = {item for item, rated in found.items() if not len(rated.rows)}
    Q, bi = _originals(factors.item_factors, factors.item_bias, empty, originals, 1)
    _keep(originals, P, bu, {row for row in changed if row < life.trained[0]}, 0)
    _keep(originals, Q, bi, {i for i in found if i not in empty and i < life.trained[1]}, 1)
    state = state._replace(life=dataclasses.replace(life, originals=originals))
    factors = Factors(factors.mean, bu, bi, P, Q)
    full = {item: rated for item, rated in found.items() if len(rated.rows)}
    Q, bi = _items(state, factors, full, ~untrained, penalties)
    centre = np.append(P[0], bu[0])
    for row in sorted(changed):
        own = ledger.of_user(row)
        P[row], bu[row] = solved(own, Q, bi, factors.mean, penalties["user"], centre)
    return state._replace(factors=Factors(factors.mean, bu, bi, P, Q))


def _originals(
    factors: F32, bias: F32, rows: Iterable[int], kept: Originals, side: int
) -> tuple[F32, F32]:
    """Return copies of two tables with the training's numbers back in some rows."""
    factors, bias = factors.copy(), bias.copy()
    for row in rows:
        if (side, row) in kept:
            factors[row], bias[row] = kept.pop((side, row))
    return factors, bias


def _keep(kept: Originals, factors: F32, bias: F32, rows: Iterable[int], side: int) -> None:
    for row in rows:
        kept.setdefault((side, row), (factors[row].copy(), float(bias[row])))


def _items(
    state: State,
    factors: Factors,
    found: Mapping[int, Rated],
    trained: Mask,
    penalties: Mapping[str, Penalty],
) -> tuple[F32, F32]:
    """Return the items' tables with untrained items solved, by item row who rated them."""
    Q, bi = factors.item_factors.copy(), factors.item_bias.copy()
    centre = np.append(Q[0], bi[0])
    for item, rated in found.items():
        rows = [
            _seen_row(state, factors, int(row), trained, penalties["user"]) for row in rated.rows
        ]
        theirs = rated._replace(rows=np.arange(len(rows), dtype=np.int32))
        P = np.stack([p for p, _ in rows])
        bu = np.array([b for _, b in rows], np.float32)
        Q[item], bi[item] = solved(theirs, P, bu, factors.mean, penalties["item"], centre)
    return Q, bi


def _seen_row(
    state: State, factors: Factors, row: int, trained: Mask, penalty: Penalty
) -> tuple[F32, float]:
    """Return a user's row as items see it: the trained one, or one of trained items alone."""
    life = state.life
    if (0, row) in life.originals:
        return life.originals[0, row]
    if row < life.trained[0]:
        return factors.user_factors[row], float(factors.user_bias[row])
    rated = state.ledger.of_user(row)
    kept = trained[rated.rows]
    centre = np.append(factors.user_factors[0], factors.user_bias[0])
    few = Rated(rated.rows[kept], rated.values[kept], None)
    return solved(few, factors.item_factors, factors.item_bias, factors.mean, penalty, centre)


def _grown(factors: Factors, M: int, N: int) -> Factors:
    def longer(table: F32, n: int) -> F32:
        out = np.zeros((n, *table.shape[1:]), np.float32)
        out[: len(table)] = table
        return out if n > len(table) else table

    return Factors(
        factors.mean,
        longer(factors.user_bias, M),
        longer(factors.item_bias, N),
        longer(factors.user_factors, M),
        longer(factors.item_factors, N),
    )
