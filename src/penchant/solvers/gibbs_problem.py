"""What the sampler works on: ratings by user and by item, weights, and side matrices."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from penchant.engine.threads import Threads
from penchant.errors import DataError
from penchant.features import CountScale, Noise, SideEncoder, bag_weights
from penchant.kernels.order import order_by
from penchant.kernels.sparse import pattern_times
from penchant.ratings import Ratings
from penchant.solvers.spectrum import SideMatrix, Spectrum, spectrum
from penchant.stars import Stars

Floats = npt.NDArray[np.float32]
_POWERS = (-0.5, -0.25)
"""A film that few have seen says more of who rated it; a user who rates little, of what is rated.

Of the number of ratings of an item in a user's bag, and of a user in an item's bag.
"""

Use = bool | tuple[str, ...]
_Order = npt.NDArray[Any]
_PIECE = 1 << 20
_Pattern = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]


@dataclasses.dataclass(frozen=True, eq=False)
class OneSide:
    """One side's ratings and what is known of its rows.

    Attributes:
        indptr: (M + 1,) int64.
        indices: (n,) int32, the other side's rows.
        values: (n,) float32, ``(r − mean) / unit``.
        units: (M,) float32, the roots of the rows' noise weights.
        spectrum: the directions of x.
        count: how a number of ratings becomes a feature.
        encoder: how side columns become features.
        side: (M, S) float32, the side columns.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: Floats
    units: Floats
    spectrum: Spectrum
    count: CountScale
    encoder: SideEncoder
    side: Floats

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many ratings each row has, (M,)."""
        return np.diff(self.indptr)


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """The ratings in units of their standard deviation, by user and by item.

    Attributes:
        mean: the mean of the ratings.
        unit: their standard deviation; 1 where they are all equal.
        users: by user.
        items: by item.
        noise: the weights.
        to_items: (n,) int32 or int64, where the user-major ratings stand that the item-major ones
            are; empty unless asked for.
        deviations: (n,) float32, user-major, ``r − mean`` in rating units.
        stars: for an ordered probit the ratings that there are; their scores are then the
            deviations, the mean is 0 and the unit 1.
    """

    mean: float
    unit: float
    users: OneSide
    items: OneSide
    noise: Noise
    to_items: _Order
    deviations: Floats
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
        M, N = ratings.user_ids.size, ratings.item_ids.size
        mean = ratings.mean if mean is None else mean
        deviations = ratings.values - np.float32(mean)
        unit = float(np.sqrt(_squares(deviations) / len(deviations))) or 1.0
        if stars is not None:
            mean, deviations, unit = 0.0, stars.scored(ratings.values), 1.0
        noise = Noise.learn(ratings.user_rows, ratings.item_rows, deviations, M, N)
        if not weigh:
            noise = dataclasses.replace(
                noise,
                variance=0.0,
                user_weights=np.ones(M, np.float32),
                item_weights=np.ones(N, np.float32),
            )
        by_user, by_item, deviations, to_items = _sorted(ratings, deviations)
        values = deviations if unit == 1.0 else deviations / np.float32(unit)
        tables = (ratings.user_table, ratings.item_table)
        uses = split_columns(side_information, *tables)
        weights = (noise.user_weights, noise.item_weights)
        data = (values, values[to_items])
        to_items = to_items if keep_order else np.zeros(0, to_items.dtype)  # no view: it is freed
        user_side, item_side = (
            _one_side(
                *mine, *other, data[s], weights[s], tables[s], uses[s], bags, _POWERS[s], threads
            )
            for s, (mine, other) in enumerate(((by_user, by_item), (by_item, by_user)))
        )
        return cls(mean, unit, user_side, item_side, noise, to_items, deviations, stars)

    def by_user(self, effects: Floats | None = None) -> sp.csr_matrix:
        """Return ``r − mean``, less effects of each user-major rating, (M, N) sparse.

        In rating units and without a detour, so that a user's row can be solved again to the bit.
        """
        shape = (len(self.users.units), len(self.items.units))
        data = self.deviations if effects is None else self.deviations - effects
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


def user_order(ratings: Ratings) -> _Order:
    """Return the order of the ratings by user, and by item within a user, (n,)."""
    return _user_major(ratings)[0]


def _user_major(ratings: Ratings) -> tuple[_Order, npt.NDArray[np.int64]]:
    """Return that order, and where each user's ratings start in it, (M + 1,)."""
    by_item, _ = _order(ratings.item_rows, ratings.item_ids.size)
    by_user, starts = _order(ratings.user_rows[by_item], ratings.user_ids.size)
    for part in _pieces(by_user):  # in place of a third order
        by_user[part] = by_item[by_user[part]]
    return by_user, starts


def _pieces(column: npt.NDArray[Any]) -> Iterator[slice]:
    """Cut a long column, so that what NumPy makes of each piece stays small."""
    return (slice(at, at + _PIECE) for at in range(0, len(column), _PIECE))


def _squares(values: Floats) -> float:
    return sum(float((values[at].astype(np.float64) ** 2).sum()) for at in _pieces(values))


def _order(rows: npt.NDArray[np.int32], M: int) -> tuple[_Order, npt.NDArray[np.int64]]:
    order = np.empty(len(rows), dtype=np.int32 if len(rows) < 2**31 else np.int64)
    starts = np.empty(M + 1, dtype=np.int64)
    order_by(rows, starts, order)
    return order, starts


def _sorted(ratings: Ratings, values: Floats) -> tuple[_Pattern, _Pattern, Floats, _Order]:
    """Return the pattern by user and by item, the user-major values, and their order by item."""
    order, indptr = _user_major(ratings)
    item_rows, values = ratings.item_rows[order], values[order]
    del order
    to_items, item_indptr = _order(item_rows, ratings.item_ids.size)
    user_rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
    return (indptr, item_rows), (item_indptr, user_rows[to_items]), values, to_items


def _one_side(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    other_indptr: npt.NDArray[np.int64],
    other_indices: npt.NDArray[np.int32],
    values: Floats,
    weights: Floats,
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


def _rarity(counts: npt.NDArray[np.int64], power: float) -> Floats:
    """Return what each row of the other side weighs in a bag, by how often it is rated."""
    known = np.maximum(counts, 1).astype(np.float64) ** power
    return np.where(counts > 0, known, 0.0).astype(np.float32)


def _on_average(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    norms: Floats,
    rarity: Floats,
    threads: Threads,
) -> Floats:
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
