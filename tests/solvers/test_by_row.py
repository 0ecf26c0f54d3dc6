"""Ratings by user and by item, and what a training holds of each rating."""

import gc
import tracemalloc

import numpy as np
import pytest

import penchant as pc
from penchant.data.synthetic import synthetic
from penchant.ids import IdMap
from penchant.kernels.byte_values import Coded, coded, decoded
from penchant.ratings import Ratings, Scale
from penchant.solvers.by_row import by_both, user_order


@pytest.fixture(scope="module")
def ratings():
    return synthetic(n_users=50, n_items=30, n_ratings=600, factors=2, seed=1)


@pytest.mark.parametrize("few", [True, False])
def test_both_orders_hold_each_rating_in_its_place(ratings, few):
    n = len(ratings)
    own = np.random.default_rng(0).integers(0, 5 if few else 10**6, n).astype(np.float32)
    (users, by_user), (items, by_item) = by_both(ratings, coded(own))
    assert isinstance(by_user, Coded) == few
    for pattern, values, (rows, others) in (
        (users, by_user, (ratings.user_rows, ratings.item_rows)),
        (items, by_item, (ratings.item_rows, ratings.user_rows)),
    ):
        order = np.lexsort((others, rows))
        counts = np.bincount(rows, minlength=len(pattern.indptr) - 1)
        np.testing.assert_array_equal(np.diff(pattern.indptr), counts)
        np.testing.assert_array_equal(pattern.indices, others[order])
        np.testing.assert_array_equal(decoded(values), own[order])
    np.testing.assert_array_equal(by_both(ratings, own)[0][1], own[user_order(ratings)])


@pytest.mark.parametrize(
    "solver",
    [pc.ALS(rank=4, sweeps=2), pc.Gibbs(rank=4, sweeps=4, burn_in=2, heads=1)],
    ids=["als", "gibbs"],
)
def test_a_training_holds_at_most_12_bytes_of_each_rating_beside_the_table(solver):
    M, N, rng = 1000, 500, np.random.default_rng(0)
    n = M * N
    users, items = np.divmod(rng.permutation(n).astype(np.int32), np.int32(N))
    values = rng.integers(1, 6, n).astype(np.float32)
    ids = (IdMap.of(np.arange(1, size + 1), name) for size, name in ((M, "user"), (N, "item")))
    table = Ratings(users + np.int32(1), items + np.int32(1), values, *ids, Scale(1, 5))
    half = table.take(np.arange(0, n, 2))
    solver.fit(table.take(np.arange(1000)), factors=4, threads=1)  # compiles
    peaks = []
    for part in (half, table):
        gc.collect()
        tracemalloc.start()
        try:
            solver.fit(part, factors=4, threads=1)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / (n / 2) < 12.5
