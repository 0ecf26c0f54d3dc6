"""What the sampler works on: ratings by user and by item, weights, and side matrices."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from penchant.arrays import F32
from penchant.errors import DataError
from penchant.features import CountScale, Noise, SideEncoder, bag_weights
from penchant.kernels.byte_values import Values, coded, decoded, divided, moved
from penchant.kernels.sparse import pattern_times
from penchant.ratings import Ratings
from penchant.solvers.by_row import Order, by_both, order_of, pieces
from penchant.solvers.spectrum import SideMatrix, Spectrum, spectrum
from penchant.stars import Stars
from penchant.threads import Threads

_POWERS = (-0.5, -0.25)
"""A film that few have seen says more of who rated it; a user who rates little, of what is rated.

Of the number of ratings of an item in a user's bag, and of a user in an item's bag.
"""

Use = bool | tuple[str, ...]
_NONE = np.zeros(0, np.int32)


@dataclasses.dataclass(frozen=True, eq=False)
class OneSide:
    """One side's ratings and what is known of its rows.

    Attributes:
        indptr: (M + 1,) int64.
        indices: (n,) int32, the other side's rows.
        values: (n,), ``(r − mean) / unit``.
        units: (M,) float32, the roots of the rows' noise weights.
        spectrum: the directions of x.
        count: how a number of ratings becomes a feature.
        encoder: how side columns become features.
        side: (M, S) float32, the side columns.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: Values
    units: F32
    spectrum: Spectrum
    count: CountScale
    encoder: SideEncoder
    side: F32

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many ratings each row has, (M,)."""
        return np.diff(self.indptr)

    def without_ratings(self) -> OneSide:
        """Return what is known beside the ratings; only their numbers are kept."""
        return dataclasses.replace(self, indices=_NONE, values=np.zeros(0, np.float32))


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """The ratings in units of their standard deviation, by user and by item.

    Attributes:
        mean: the mean of the ratings.
        unit: their standard deviation; 1 where they are all equal.
        ends: the lowest and the highest value of the scale, in these units.
        users: by user.
        items: by item.
        noise: the weights.
        to_items: (n,) int32 or int64, where the user-major ratings stand that the item-major ones
            are; empty unless asked for.
        deviations: (n,) user-major, ``r − mean`` in rating units.
        stars: for an ordered probit the ratings that there are; their scores are then the
            deviations, the mean is 0 and the unit 1.
    """

    mean: float
    unit: float
    ends: tuple[np.float32, np.float32]
    users: OneSide
    items: OneSide
    noise: Noise
    to_items: Order
    deviations: Values
    stars: Stars | None = None

    @classmethod
    def of(
        cls,
        ratings: Ratings,
        *,
        side_information: Use,
        bags: bool,
        weigh: bool,
        threads: Threads,
        keep_order: bool = False,
        mean: float | None = None,
        stars: Stars | None = None,
    ) -> Problem:
        """Prepare ratings for the sampler; `Gibbs` says what the settings mean."""
        if not len(ratings):
            raise DataError("There are no ratings to train on. Give a training part with rows.")
        mean = ratings.mean if mean is None else mean
        deviations = moved(coded(ratings.values), np.float32(mean))
        unit = float(np.sqrt(_squares(deviations, len(ratings)) / len(ratings))) or 1.0
        if stars is not None:
            mean, deviations, unit = 0.0, stars.scored(ratings.values), 1.0
        noise = _noise(ratings, decoded(deviations), weigh)
        by_user, by_item = by_both(ratings, deviations)
        deviations = by_user[1]
        tables = (ratings.user_table, ratings.item_table)
        uses = split_columns(side_information, *tables)
        weights = (noise.user_weights, noise.item_weights)
        user_side, item_side = (
            _one_side(
                *mine[0], *other[0], _in_units(mine[1], unit), weights[s], tables[s], uses[s],
                bags, _POWERS[s], threads,
            )
            for s, (mine, other) in enumerate(((by_user, by_item), (by_item, by_user)))
        )  # fmt: skip
        to_items = order_of(by_user[0].indices, ratings.item_ids.size) if keep_order else _NONE
        low, high = (
            np.float32((end - mean) / unit) for end in (ratings.scale.low, ratings.scale.high)
        )
        return cls(
            mean, unit, (low, high), user_side, item_side, noise, to_items, deviations, stars
        )

    def for_users_alone(self) -> Problem:
        """Return it without what only sampling needs, so that there is room for what follows."""
        return dataclasses.replace(self, items=self.items.without_ratings(), to_items=_NONE)

    def by_user(self, effects: F32 | None = None) -> sp.csr_matrix:
        """Return ``r − mean``, less effects of each user-major rating, (M, N) sparse.

        In rating units and without a detour, so that a user's row can be solved again to the bit.
        """
        shape = (len(self.users.units), len(self.items.units))
        data = decoded(self.deviations) if effects is None else decoded(self.deviations) - effects
        return sp.csr_matrix((data, self.users.indices, self.users.indptr), shape=shape)


def split_columns(use: Use, users: pa.Table | None, items: pa.Table | None) -> tuple[Any, Any]:
    """Say which columns of each table to use.

    Raises `DataError` for a name that neither table has.
    """
    if isinstance(use, bool):
        return use, use
    known = [[] if table is None else table.column_names for table in (users, items)]
    for name in use:
        if name not in known[0] and name not in known[1]:
            raise DataError(
                f"There is no side column {name!r}. Users have: {', '.join(known[0]) or 'none'}; "
                f"items have: {', '.join(known[1]) or 'none'}."
            )
    return tuple([name for name in use if name in names] for names in known)  # type: ignore[return-value]


def _noise(ratings: Ratings, deviations: F32, weigh: bool) -> Noise:
    """Return offsets and weights learnt from ``r − mean``, all weights 1 where none are asked."""
    M, N = ratings.user_ids.size, ratings.item_ids.size
    noise = Noise.learn(ratings.user_rows, ratings.item_rows, deviations, M, N)
    if weigh:
        return noise
    users, items = np.ones(M, np.float32), np.ones(N, np.float32)
    return dataclasses.replace(noise, variance=0.0, user_weights=users, item_weights=items)


def _squares(values: Values, n: int) -> float:
    return sum(float((decoded(values, at).astype(np.float64) ** 2).sum()) for at in pieces(n))


def _in_units(values: Values, unit: float) -> Values:
    return values if unit == 1.0 else divided(values, np.float32(unit))


def _one_side(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    other_indptr: npt.NDArray[np.int64],
    other_indices: npt.NDArray[np.int32],
    values: Values,
    weights: F32,
    table: pa.Table | None,
    use: Any,
    bags: bool,
    power: float,
    threads: Threads,
) -> OneSide:
    counts = np.diff(indptr)
    encoder = SideEncoder.learn(table, use)
    side = encoder.encode(table, len(counts)).toarray().astype(np.float32)
    count = CountScale.learn(counts)
    known = count.encode(counts)[:, None] * np.float32(bags)
    norms = bag_weights(counts) * np.float32(bags)
    weighed = _rarity(np.diff(other_indptr), power)
    rarity = _on_average(indptr, indices, norms, weighed, threads)
    X = SideMatrix(
        indptr, indices, other_indptr, other_indices, norms, rarity, np.hstack([known, side])
    )
    units = np.sqrt(weights)
    directions = spectrum(X, counts > 0, threads)
    return OneSide(indptr, indices, values, units, directions, count, encoder, side)


def _rarity(counts: npt.NDArray[np.int64], power: float) -> F32:
    """Return what each row of the other side weighs in a bag, by how often it is rated."""
    known = np.maximum(counts, 1).astype(np.float64) ** power
    return np.where(counts > 0, known, 0.0).astype(np.float32)


def _on_average(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    norms: F32,
    rarity: F32,
    threads: Threads,
) -> F32:
    """Scale the other side's weights so that a row's bag has squares that sum to 1 on average."""
    squares = np.zeros((len(rarity), 8), dtype=np.float32)
    squares[:, 0] = rarity**2
    sums = np.empty((len(norms), 8), dtype=np.float32)
    left, right = norms**2, np.ones(len(rarity), dtype=np.float32)

    def work(start: int, stop: int) -> None:
        pattern_times(start, stop, indptr, indices, left, right, squares, sums)

    threads.map(work, threads.blocks(np.diff(indptr)))
    total, rows = float(sums[:, 0].sum(dtype=np.float64)), int((np.diff(indptr) > 0).sum())
    return rarity * np.float32(np.sqrt(rows / total) if total > 0 else 1.0)
