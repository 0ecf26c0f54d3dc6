"""What the sampler works on: ratings by user and by item, weights, and side matrices."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from penchant.engine.threads import Threads
from penchant.errors import DataError
from penchant.features import CountScale, Noise, SideEncoder, bag_weights
from penchant.ratings import Ratings
from penchant.solvers.spectrum import SideMatrix, Spectrum, spectrum

Floats = npt.NDArray[np.float32]
Use = bool | tuple[str, ...]


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
        to_items: (n,) intp, where the user-major ratings stand that the item-major ones are.
        deviations: (n,) float32, user-major, ``r − mean`` in rating units.
    """

    mean: float
    unit: float
    users: OneSide
    items: OneSide
    noise: Noise
    to_items: npt.NDArray[np.intp]
    deviations: Floats

    @classmethod
    def of(
        cls, ratings: Ratings, *, side_information: Use, bags: bool, weigh: bool, threads: Threads
    ) -> Problem:
        """Prepare ratings for the sampler; `Gibbs` says what the settings mean."""
        if not len(ratings):
            raise DataError("There are no ratings to train on. Give a training part with rows.")
        M, N = ratings.user_ids.size, ratings.item_ids.size
        mean = ratings.mean
        deviations = ratings.values - np.float32(mean)
        unit = float(np.sqrt(np.mean(deviations.astype(np.float64) ** 2))) or 1.0
        noise = Noise.learn(ratings.user_rows, ratings.item_rows, deviations, M, N)
        if not weigh:
            noise = dataclasses.replace(
                noise,
                variance=0.0,
                user_weights=np.ones(M, np.float32),
                item_weights=np.ones(N, np.float32),
            )
        order = np.lexsort((ratings.item_rows, ratings.user_rows))
        user_rows, item_rows = ratings.user_rows[order], ratings.item_rows[order]
        values = deviations[order] / np.float32(unit)
        to_items = np.argsort(item_rows, kind="stable")
        by_user = (_starts(user_rows, M), item_rows)
        by_item = (_starts(item_rows, N), user_rows[to_items])
        tables = (ratings.user_table, ratings.item_table)
        uses = split_columns(side_information, *tables)
        weights = (noise.user_weights, noise.item_weights)
        data = (values, values[to_items])
        user_side, item_side = (
            _one_side(*mine, *other, data[s], weights[s], tables[s], uses[s], bags, threads)
            for s, (mine, other) in enumerate(((by_user, by_item), (by_item, by_user)))
        )
        return cls(mean, unit, user_side, item_side, noise, to_items, deviations[order])

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


def _starts(rows: npt.NDArray[np.int32], M: int) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=M))]).astype(np.int64)


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
    threads: Threads,
) -> OneSide:
    counts = np.diff(indptr)
    encoder = SideEncoder.learn(table, use)
    side = encoder.encode(table, len(counts)).toarray().astype(np.float32)
    count = CountScale.learn(counts)
    known = count.encode(counts)[:, None] * np.float32(bags)
    norms = bag_weights(counts) * np.float32(bags)
    rarity = _rarity(indptr, indices, norms, bag_weights(np.diff(other_indptr)))
    X = SideMatrix(
        indptr, indices, other_indptr, other_indices, norms, rarity, np.hstack([known, side])
    )
    units = np.sqrt(weights)
    directions = spectrum(X, counts > 0, threads)
    return OneSide(indptr, indices, values, units, directions, count, encoder, side)


def _rarity(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], norms: Floats, rarity: Floats
) -> Floats:
    """Scale the other side's weights so that a row's bag has squares that sum to 1 on average."""
    sums = np.concatenate([[0.0], np.cumsum(rarity[indices].astype(np.float64) ** 2)])
    squares = norms.astype(np.float64) ** 2 * (sums[indptr[1:]] - sums[indptr[:-1]])
    total, rows = float(squares.sum()), int((np.diff(indptr) > 0).sum())
    return rarity * np.float32(np.sqrt(rows / total) if total > 0 else 1.0)
