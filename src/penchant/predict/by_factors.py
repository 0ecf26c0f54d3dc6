"""A fitted matrix factorisation: its numbers, and users' own rows as the posterior solves them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Mask, Rows
from penchant.factors import Factors
from penchant.model.ledger import Ledger, Rated, Table
from penchant.model.state import Life, State, like_of
from penchant.posterior import Posterior, Solved, variances
from penchant.predict.distribution import Distribution
from penchant.predict.predictor import Predictor, Seconds, where_kept

FEW = 8
"""Users up to whom NumPy answers; the kernels take longer to load than it does."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FactorPredictor(Predictor):
    """A matrix factorisation.

    Attributes:
        factors: the network's numbers.
        kept: the posterior, or what reads it when it is first asked for; None for SGD and Keras.
        life: what has changed since the training.
        begun: the ratings as they stand, or None for those that `known` has.
    """

    factors: Factors
    kept: Posterior | Callable[[], Posterior] | None = None
    life: Life
    begun: Ledger | None = None

    @property
    def posterior(self) -> Any:
        """What the solver kept beside the factors, a `Posterior`, or None."""
        return self.kept() if callable(self.kept) else self.kept

    @property
    def has_posterior(self) -> bool:
        """Whether the solver kept one."""
        return self.kept is not None

    @property
    def n_parameters(self) -> int:
        """How many numbers predict."""
        return self.factors.n_parameters

    def _as_ratings(self, predicted: F32) -> F32:
        """Return the ratings that follow from what the trained numbers give."""
        return predicted if self.stars is None else self.stars.expected(predicted)

    def predict(self, user_rows: Rows, item_rows: Rows, seconds: Seconds = None) -> F32:
        """Return the unclipped rating of each pair of rows, (n,) float32."""
        predicted = self._as_ratings(self.factors.predict(user_rows, item_rows))
        if seconds is None or not self.reads_time:
            return predicted
        effects: F32 = self.posterior.days(user_rows, seconds)
        return predicted + effects

    def scores(self, user_row: int) -> F32:
        """Return the unclipped rating of one user for every item row, (N,) float32."""
        return self._as_ratings(self.factors.scores(user_row))

    def correlations(self, side: str, row: int) -> F32:
        """Return how deviations ``p_u · q_i`` correlate; see `Factors.correlations`."""
        counts = self.known.user_counts if side == "item" else self.known.item_counts
        return self.factors.correlations(side, row, np.asarray(counts) > 0)

    def best(
        self, user_rows: Rows, n: int, exclude_rated: bool, choice: Mask, threads: int | None
    ) -> tuple[Rows, F32] | None:
        """Return the n best items of each user by the kernel, and their ratings, (m, n) each."""
        from penchant.predict.top_n import Lists, top_n

        exclude = Lists(*self.known.rated_lists) if exclude_rated else None
        among = np.flatnonzero(choice).astype(np.int32)
        best = top_n(self.factors, user_rows, n, exclude=exclude, among=among, threads=threads)
        return best.items, self._as_ratings(best.ratings)

    def distribution(self, user_rows: Rows, item_rows: Rows) -> Distribution | None:
        """Return how probable each star is; None for a model that isn't ordinal."""
        if self.stars is None:
            return None
        latent = self.factors.predict(user_rows, item_rows)
        return Distribution(self.stars.values, self.stars.probabilities(latent))

    def deviations(self, user_rows: Rows, item_rows: Rows) -> F64 | None:
        """Return the posterior's standard deviation of a rating of each pair; None without one."""
        if self.kept is None:
            return None
        found = deviations(self.state_of(*np.unique(user_rows).tolist()), user_rows, item_rows)
        if self.stars is None:
            return found
        return self.stars.deviations(self.factors.predict(user_rows, item_rows), found)

    def _can_change(self) -> dict[str, str]:
        ratings = where_kept(self.keeps_ratings)
        explain = ratings if self.has_posterior else ""
        return {"explain": explain, "ratings": ratings, "forget": ratings}

    @cached_property
    def ledger(self) -> Ledger:
        """The ratings as they stand; `UnsupportedError` where the bundle was saved without."""
        return self.begun or Ledger(Table(self.known.ratings))

    @property
    def state(self) -> State:
        """All that a change of the ratings changes; `UnsupportedError` without the ratings."""
        return State(self.factors, self.posterior, self.known, self.ledger, self.life)

    def state_of(self, *user_rows: int) -> State:
        """Return the state; without the ratings where these users have none."""
        if any(self.known.user_counts[row] for row in user_rows):
            return self.state
        ledger = Ledger(Table(like_of(self.known)))
        return State(self.factors, self.posterior, self.known, ledger, self.life)

    def after(self, state: State) -> FactorPredictor:
        """Return the predictor of another state."""
        return dataclasses.replace(
            self,
            factors=state.factors,
            kept=state.posterior,
            known=state.known,
            begun=state.ledger,
            life=state.life,
        )


class OwnRatings(NamedTuple):
    """What one user's row is solved from.

    Attributes:
        rated: the ratings.
        values: (n,) float64, less day effects.
        side: (S,) float32, the side columns, or None where there are none.
    """

    rated: Rated
    values: F64
    side: F32 | None

    @classmethod
    def of(cls, state: State, user_row: int) -> OwnRatings:
        """Look one user up."""
        posterior: Posterior = state.posterior
        rated = state.ledger.of_user(user_row)
        values = rated.values.astype(np.float64)
        if posterior.days is not None and rated.seconds is not None:
            users = np.full(len(values), user_row, dtype=np.int32)
            values = values - posterior.days(users, rated.seconds)
        encoder, table = posterior.users.encoder, state.known.user_table
        if table is None or not encoder.width:
            return cls(rated, values, None)
        row = table.slice(user_row, 1)
        columns = [code.name for code in encoder.columns if code.name in row.column_names]
        side = encoder.row({name: row[name][0].as_py() for name in columns})
        return cls(rated, values, side)

    def solved(self, posterior: Posterior) -> Solved:
        """Solve the row."""
        return posterior.row(self.rated.rows, self.values, self.side)


def fresh_counts(state: State, item_rows: Rows) -> npt.NDArray[np.int64]:
    """Return how many ratings came since the training for items that training had none of.

    (n,) int64; −1 for the others.
    """
    known, life = state.known, state.life
    since = [item for (_, item), before in life.seen.items() if before is None]
    counts = known.item_counts.astype(np.int64)
    trained = counts - np.bincount(np.array(since, dtype=np.int64), minlength=len(counts))
    counted = np.where(np.arange(len(counts)) >= life.trained[1], counts, 0)
    fresh: npt.NDArray[np.int64] = np.where(trained <= 0, counted, -1)[item_rows]
    return fresh


def deviations(state: State, user_rows: Rows, item_rows: Rows) -> F64:
    """Return the posterior's standard deviation of a further rating of each pair, (n,) float64."""
    users, places = np.unique(user_rows, return_inverse=True)
    fresh = fresh_counts(state, item_rows)
    if len(users) > FEW:
        return np.sqrt(_many(state, users, places, item_rows, fresh))
    out = np.zeros(len(item_rows))
    for place, user in enumerate(users.tolist()):
        own = places == place
        solved = OwnRatings.of(state, user).solved(state.posterior)
        out[own] = variances(state.posterior, solved, item_rows[own], fresh[own])
    return np.sqrt(out)


def _many(
    state: State,
    users: Rows,
    places: npt.NDArray[np.intp],
    item_rows: Rows,
    fresh: npt.NDArray[np.int64],
) -> F64:
    from penchant.fold_in.by_posterior import encoded, user_matrix
    from penchant.posterior.bulk_variance import pair_variances
    from penchant.threads import Threads

    posterior: Posterior = state.posterior
    lists = [state.ledger.of_user(row) for row in users.tolist()]
    ratings = user_matrix(posterior, lists, users, state.known.item_ids.size)
    side = encoded(posterior.users.encoder, state.known.user_table, users)
    with Threads() as threads:
        return pair_variances(posterior, ratings, side, places, item_rows, fresh, threads)
