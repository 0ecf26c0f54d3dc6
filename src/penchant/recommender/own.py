"""Users' own rows as the posterior solves them: one by NumPy alone, many by the kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.ids import Rows
from penchant.posterior import Posterior, Solved, variances
from penchant.recommender.ledger import Rated
from penchant.recommender.life import State

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

FEW = 8
"""Users up to whom NumPy answers; the kernels take longer to load than it does."""


class OwnRatings(NamedTuple):
    """What one user's row is solved from.

    Attributes:
        rated: the ratings.
        values: (n,) float64, less day effects.
        side: (S,) float32, the side columns, or None where there are none.
    """

    rated: Rated
    values: Doubles
    side: Floats | None

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
    told = np.where(np.arange(len(counts)) >= life.trained[1], counts, 0)
    fresh: npt.NDArray[np.int64] = np.where(trained <= 0, told, -1)[item_rows]
    return fresh


def deviations(state: State, user_rows: Rows, item_rows: Rows) -> Doubles:
    """Return the posterior's standard deviation of a further rating of each pair, (n,) float64."""
    users, places = np.unique(user_rows, return_inverse=True)
    fresh = fresh_counts(state, item_rows)
    if len(users) > FEW:
        return np.sqrt(_many(state, users, places, item_rows, fresh))
    out = np.zeros(len(item_rows))
    for place, user in enumerate(users.tolist()):
        mine = places == place
        solved = OwnRatings.of(state, user).solved(state.posterior)
        out[mine] = variances(state.posterior, solved, item_rows[mine], fresh[mine])
    return np.sqrt(out)


def _many(
    state: State,
    users: Rows,
    places: npt.NDArray[np.intp],
    item_rows: Rows,
    fresh: npt.NDArray[np.int64],
) -> Doubles:
    from penchant.engine.threads import Threads
    from penchant.posterior.bulk_variance import pair_variances
    from penchant.recommender.folding import encoded, user_matrix

    posterior: Posterior = state.posterior
    lists = [state.ledger.of_user(row) for row in users.tolist()]
    ratings = user_matrix(posterior, lists, users, state.known.item_ids.size)
    side = encoded(posterior.users.encoder, state.known.user_table, users)
    with Threads() as threads:
        return pair_variances(posterior, ratings, side, places, item_rows, fresh, threads)
