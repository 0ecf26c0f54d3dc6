"""The Bias solver: severities and qualities alone, the bar for every model with factors."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from penchant.arrays import F64, Rows
from penchant.errors import DivergedError
from penchant.factors import Factors
from penchant.history import History
from penchant.ratings import Ratings
from penchant.settings import require_number
from penchant.solvers.base import Fitted, SolverSettings
from penchant.solvers.checkpoint import State
from penchant.solvers.loop import Loop, Round, Rounds
from penchant.solvers.task import Task

LEAST, MOST = 0.01, 1e6
"""The bounds of an l2 that the rule chooses."""

_SMALLEST = 1e-6  # an l2 below it says nothing of the centres that float64 could find
_STEPS = 2_000  # 20 are usual
_TOLERANCE = 1e-9  # of the residual's norm; float32 can't hold more


@dataclasses.dataclass(frozen=True)
class Bias(SolverSettings[Fitted]):
    """Biases alone: ``r̂ = mean + b_u + b_i``. What a model with factors has to beat.

    The objective, over the training ratings and over the rows that have some,

        Σ (r - mean - b_u - b_i)² + λ_u Σ_u (b_u - c_u)² + λ_i Σ_i (b_i - c_i)²

    is solved exactly, by conjugate gradients on its normal equations. The centres c are fitted
    too: they come out as the unweighted means of the biases, and are what strangers and cold rows
    get. (Those who rate much are not as mild as those who rate little, so 0 is not the centre.)

    λ is plain, and counts prior ratings: a user with λ_u ratings is pulled half of the way to
    c_u. The rule that chooses it is empirical Bayes: in ``r = μ + a_u + b_i + noise`` the best
    λ_u is var(noise) / var(a), and the three variances are found by the method of moments. They
    are in proportion to the square of the scale's unit, so λ has none.

    The factors are K columns of zeros, so the rest of a recommender works as with any solver. The
    seed, the number of threads and validation rows change nothing.

    Attributes:
        l2_user: λ_u; by the rule, between 0.01 and 1,000,000, if None.
        l2_item: λ_i, likewise.

    Raises:
        SettingsError: an l2 is no number of at least 0.000001.

    References:
        Gao, Owen: Efficient Moment Calculations for Variance Components in Large Unbalanced
        Crossed Random Effects Models, Electronic Journal of Statistics 11, 2017.

    >>> ratings = Ratings.from_columns([1, 1, 2, 2], [1, 2, 1, 2], [1, 3, 3, 5])
    >>> fitted = Bias(l2_user=0.001, l2_item=0.001).fit(ratings, factors=2)
    >>> fitted.factors.predict(ratings.user_rows, ratings.item_rows).round(2).tolist()
    [1.0, 3.0, 3.0, 5.0]
    """

    name: ClassVar[str] = "bias"
    round_name: ClassVar[Literal["epoch", "sweep"]] = "epoch"

    l2_user: float | None = None
    l2_item: float | None = None

    def __post_init__(self) -> None:
        for name in ("l2_user", "l2_item"):
            value = getattr(self, name)
            if value is not None:
                require_number(name, value, _SMALLEST)

    @property
    def rounds(self) -> int:
        """One: the solution is exact."""
        return 1

    def train(self, task: Task) -> Fitted:
        """Solve for the biases. History: the two λ beside the RMSEs."""
        return Loop(self, task).train(_Run(self, task))


class _Run(Rounds[Fitted]):
    """The one round of a training."""

    def __init__(self, settings: Bias, task: Task) -> None:
        self._settings, self._task = settings, task
        self._solved: Factors | None = None

    def run(self, number: int) -> Round:
        """Solve for the biases."""
        s, ratings = self._settings, self._task.ratings
        found = variances(ratings)
        l2_user = found.ratio("user") if s.l2_user is None else s.l2_user
        l2_item = found.ratio("item") if s.l2_item is None else s.l2_item
        users, items = (b.astype(np.float32) for b in _solve(ratings, l2_user, l2_item))
        none = (np.zeros((len(b), self._task.factors), np.float32) for b in (users, items))
        self._solved = Factors(ratings.mean, users, items, *none)
        return Round({"l2_user": l2_user, "l2_item": l2_item}, self._solved.predict)

    def state(self) -> State:
        """Return the solution, once there is one."""
        return State({} if self._solved is None else self._solved.arrays(), {})

    def restore(self, now: State, kept: State) -> None:
        """There is nothing to go on with."""

    def fitted(self, kept: State, history: History) -> Fitted:
        """Return the solution."""
        tables = {name: array for name, array in kept.arrays.items() if name != "mean"}
        return Fitted(Factors(self._task.ratings.mean, **tables), None, history)


class Variances(NamedTuple):
    """How much of the ratings' variance is the users', the items', and neither's.

    An estimate can be below 0 where the truth is near it, and NaN where the ratings don't tell.
    """

    user: float
    item: float
    noise: float

    def ratio(self, side: Literal["user", "item"]) -> float:
        """Return the noise over one side's variance, the best λ, within `LEAST` and `MOST`.

        Where the ratings don't tell the parts from each other, as when each user rated once,
        it is 1: as much the one as the other.
        """
        effect: float = getattr(self, side)
        if not np.isfinite(effect + self.noise):
            return 1.0
        return float(np.clip(self.noise / max(effect, 1e-300), LEAST, MOST))


def variances(ratings: Ratings) -> Variances:
    """Estimate the variances of ``r = μ + a_u + b_i + noise`` by the method of moments.

    The sums of squares within users, within items and over all have expectations that are linear
    in the three variances (Gao & Owen 2017); n is the number of ratings, M and N
    that of users and items with some, n_u and n_i that of each::

        Σ_u within user u = (n - M) (item + noise)
        Σ_i within item i = (n - N) (user + noise)
        Σ (r - mean)²     = (n - Σ n_u² / n) user + (n - Σ n_i² / n) item + (n - 1) noise
    """
    values = ratings.values.astype(np.float64) - ratings.mean
    n, total = float(len(values)), float(values @ values)

    def parts(rows: Rows) -> tuple[float, float, float]:
        counts = np.bincount(rows)
        sums, held = np.bincount(rows, values), counts > 0
        within = total - float((sums[held] ** 2 / counts[held]).sum())
        return within, n - held.sum(), n * n - float((counts.astype(np.float64) ** 2).sum())

    within_users, free_users, pairs_users = parts(ratings.user_rows)
    within_items, free_items, pairs_items = parts(ratings.item_rows)
    equations = np.array(
        [
            [0, free_users, free_users],
            [free_items, 0, free_items],
            [pairs_users / n, pairs_items / n, n - 1],
        ]
    )
    if np.linalg.matrix_rank(equations) < 3:
        return Variances(np.nan, np.nan, np.nan)
    moments = np.array([within_users, within_items, total])
    return Variances(*np.linalg.solve(equations, moments).tolist())


def _solve(ratings: Ratings, l2_user: float, l2_item: float) -> tuple[F64, F64]:
    """Return the biases, (M,) and (N,), whose means over the ratings are 0 on either side."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import LinearOperator, cg

    u, i, n = ratings.user_rows, ratings.item_rows, len(ratings)
    M, N = ratings.user_ids.size, ratings.item_ids.size
    values = ratings.values.astype(np.float64) - ratings.mean
    rated = csr_array((np.ones(n), (u, i)), shape=(M, N))
    by_item = rated.T.tocsr()
    n_u, n_i = np.bincount(u, minlength=M), np.bincount(i, minlength=N)

    def normal(x: F64) -> F64:  # x is the biases about their centres, and c_u + c_i
        a, b, c = x[:M], x[M:-1], x[-1]
        users = (n_u + l2_user) * a + rated @ b + n_u * c
        items = (n_i + l2_item) * b + by_item @ a + n_i * c
        return np.concatenate([users, items, [n_u @ a + n_i @ b + n * c]])

    sums = np.bincount(u, values, minlength=M), np.bincount(i, values, minlength=N)
    diagonal = np.concatenate([n_u + l2_user, n_i + l2_item, [n]])
    size = (len(diagonal), len(diagonal))
    x, unfinished = cg(
        LinearOperator(size, matvec=normal, dtype=np.float64),
        np.concatenate([*sums, [values.sum()]]),
        rtol=_TOLERANCE,
        maxiter=_STEPS,
        M=LinearOperator(size, matvec=lambda v: v / diagonal, dtype=np.float64),
    )
    if unfinished:
        raise DivergedError(
            f"The biases of l2_user={l2_user:g} and l2_item={l2_item:g} did not converge. Choose "
            f"larger ones, or leave them out."
        )
    a, b = x[:M], x[M:-1]
    return a - n_u @ a / n, b - n_i @ b / n
