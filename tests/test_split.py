import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

import penchant
from penchant.errors import DataError, SettingsError
from penchant.ratings import Ratings
from penchant.split import (
    fold_rows,
    folds,
    held_out,
    last_rows,
    pair_rows,
    random_rows,
    split,
    time_rows,
    unseen,
)


def table(n, seed=0, timestamps=True, n_users=7):
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(n_users * n)[:n]
    stamps = rng.integers(0, 1 + n // 3, n) if timestamps else None
    return Ratings.from_columns(pairs % n_users, pairs // n_users, rng.integers(1, 6, n), stamps)


def assert_partition(rows, n):
    assert len(rows.train) + len(rows.test) == n
    assert np.array_equal(np.sort(np.concatenate(rows)), np.arange(n))
    assert len(rows.train)
    assert len(rows.test)


@given(st.integers(2, 500), st.floats(0.001, 0.999), st.integers(0, 2**32 - 1))
def test_random_is_scikit_learns_split_bit_for_bit(n, share, seed):
    try:
        train, test = train_test_split(np.arange(n), test_size=share, random_state=seed)
    except ValueError:
        with pytest.raises(SettingsError, match="test must be a share"):
            random_rows(n, share, seed)
        return
    rows = random_rows(n, share, seed)
    assert np.array_equal(rows.train, train)
    assert np.array_equal(rows.test, test)
    assert_partition(rows, n)


@given(st.integers(2, 300), st.data())
def test_random_by_a_count_is_scikit_learns_too(n, data):
    count = data.draw(st.integers(1, n - 1))
    train, test = train_test_split(np.arange(n), test_size=count, random_state=2021)
    rows = random_rows(n, count, 2021)
    assert np.array_equal(rows.train, train)
    assert np.array_equal(rows.test, test)


@given(st.integers(2, 200), st.integers(0, 99), st.integers(2, 12))
def test_folds_test_each_row_once(n, seed, k):
    if k > n:
        with pytest.raises(SettingsError, match=rf"{k} folds need at least {k} ratings"):
            fold_rows(n, k, seed)
        return
    parts = list(fold_rows(n, k, seed))
    for rows in parts:
        assert_partition(rows, n)
    sizes = [len(rows.test) for rows in parts]
    assert len(parts) == k
    assert max(sizes) - min(sizes) <= 1
    assert np.array_equal(np.sort(np.concatenate([rows.test for rows in parts])), np.arange(n))


@given(st.integers(20, 200), st.integers(0, 99), st.integers(1, 4), st.booleans())
def test_last_takes_the_newest_of_each_user_and_leaves_nobody_cold(n, seed, last, timed):
    ratings = table(n, seed, timed)
    if np.bincount(ratings.user_rows).max() <= last:
        return
    rows = last_rows(ratings, last)
    assert_partition(rows, n)
    stamps = ratings.timestamps if timed else np.arange(n)
    for user in np.unique(ratings.user_rows):
        of_user = np.flatnonzero(ratings.user_rows == user)
        newest = sorted(of_user, key=lambda row: (stamps[row], row))[-last:]
        tested = np.intersect1d(of_user, rows.test)
        assert sorted(tested) == (sorted(newest) if len(of_user) > last else [])


@given(st.integers(10, 200), st.integers(0, 99), st.floats(0.05, 0.9))
def test_time_tests_the_newest_and_ties_keep_their_lines(n, seed, share):
    ratings = table(n, seed)
    rows = time_rows(ratings, share)
    assert_partition(rows, n)
    key = [(int(ratings.timestamps[row]), int(row)) for row in range(n)]
    assert max(key[row] for row in rows.train) < min(key[row] for row in rows.test)


@pytest.mark.parametrize("how", ["random", "last", "time"])
def test_views_share_the_ids_and_hold_every_rating(how):
    ratings = table(100)
    train, test = penchant.split(ratings, 0.3, how=how, n=2, seed=1)
    assert train.user_ids is test.user_ids is ratings.user_ids
    pairs = sorted([*zip(train.users, train.items, strict=True)])
    pairs += sorted([*zip(test.users, test.items, strict=True)])
    assert sorted(pairs) == sorted(zip(ratings.users, ratings.items, strict=True))
    assert train.scale == ratings.scale


def test_folds_are_views():
    ratings = table(50)
    parts = list(folds(ratings, k=5, seed=3))
    rows = list(fold_rows(50, 5, 3))
    for (train, test), (train_rows, test_rows) in zip(parts, rows, strict=True):
        assert train.values.tolist() == ratings.values[train_rows].tolist()
        assert test.values.tolist() == ratings.values[test_rows].tolist()


@given(st.integers(11, 120), st.integers(0, 99), st.floats(0.1, 0.9))
def test_unseen_counts_by_hand(n, seed, share):
    train, test = split(table(n, seed, n_users=max(2, n // 3)), share, seed=seed)
    users, items = set(train.users), set(train.items)
    counted = unseen(train, test)
    strange = [
        (u not in users, i not in items) for u, i in zip(test.users, test.items, strict=True)
    ]
    assert counted.ratings == sum(u or i for u, i in strange)
    assert counted.cold_users == len(set(test.users) - users)
    assert counted.cold_items == len(set(test.items) - items)


@pytest.mark.parametrize("test", [0, 1.0, 1.5, -0.1, 10, 11, True, "half", None, float("nan")])
def test_sizes_that_make_no_sense(test):
    with pytest.raises(SettingsError, match=r"test must be a share between 0 and 1, or a count"):
        held_out(10, test)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"how": "newest"}, r"how must be one of 'random', 'last', 'time', 'pair', not 'newest'"),
        ({"seed": -1}, r"seed must be a whole number of at least 0"),
        ({"seed": 2**32}, r"seed must be below 2³²"),
        ({"how": "last", "n": 0}, r"n must be a whole number of at least 1"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(SettingsError, match=message):
        split(table(20), **settings)


def test_folds_tell_wrong_settings_at_once():
    with pytest.raises(SettingsError, match=r"k must be a whole number of at least 2, not 1"):
        folds(table(20), k=1)


def test_time_needs_timestamps():
    with pytest.raises(DataError, match=r"needs timestamps, and these ratings have none"):
        split(table(20, timestamps=False), how="time")


def test_last_needs_a_user_with_more():
    with pytest.raises(DataError, match=r"No user has more than 50 ratings"):
        split(table(20), how="last", n=50)


def test_pairs_are_held_out_whatever_the_order():
    ratings = table(5000, n_users=50)
    train, test = split(ratings, test=0.2, how="pair", seed=3)
    assert 850 < len(test) < 1150
    order = np.random.default_rng(0).permutation(len(ratings))
    again = split(ratings.take(order), test=0.2, how="pair", seed=3).test
    pairs = set(zip(test.users, test.items, strict=True))
    assert pairs == set(zip(again.users, again.items, strict=True))
    other = split(ratings, test=0.2, how="pair", seed=4).test
    assert 140 < len(pairs & set(zip(other.users, other.items, strict=True))) < 260
    assert_partition(pair_rows(ratings, 0.2, 3), 5000)
    assert len(train) + len(test) == 5000


def test_pairs_that_leave_a_side_empty_are_refused():
    with pytest.raises(DataError, match="leaves one side of 3 ratings empty"):
        pair_rows(table(3), test=1e-9)
    with pytest.raises(SettingsError, match="test is below 1"):
        pair_rows(table(3), test=1.0)
