import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penchant
from penchant.data.synthetic import synthetic, synthetic_truth
from penchant.errors import SettingsError
from penchant.ratings import Scale


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5), st.integers(0, 2**31), st.data())
def test_sizes_pairs_and_scale(n_users, n_items, factors, seed, data):
    n = data.draw(st.integers(1, n_users * n_items))
    ratings = synthetic(n_users, n_items, n, factors, seed=seed)
    assert len(ratings) == n
    assert len(set(zip(ratings.users, ratings.items, strict=True))) == n
    assert set(ratings.values.tolist()) <= {1, 2, 3, 4, 5}
    assert ratings.user_ids.array.to_pylist() == list(range(1, n_users + 1))
    assert ratings.user_table.num_rows == n_users + 1
    assert ratings.item_table.num_rows == n_items + 1
    assert (np.diff(ratings.timestamps) >= 0).all()
    assert (ratings.user_rows.dtype, ratings.values.dtype) == (np.int32, np.float32)


def test_the_noise_around_the_truth_is_what_was_asked_for():
    made = {"n_users": 400, "n_items": 300, "n_ratings": 40_000, "factors": 5, "seed": 3}
    ratings = synthetic(noise=0.3, step=None, **made)
    truth = synthetic_truth(noise=0.3, step=None, **made)
    expected = truth.expected(ratings.user_rows, ratings.item_rows)
    unclipped = np.abs(expected - 3) < 0.5  # five standard deviations from the ends
    errors = (ratings.values - expected)[unclipped]
    assert len(errors) > 10_000
    assert errors.mean() == pytest.approx(0, abs=0.01)
    assert errors.std() == pytest.approx(0.3, rel=0.02)
    assert truth.user_factors.shape == (401, 5)
    assert not truth.user_factors[0].any()
    assert not truth.item_bias[0].any()


def test_the_parts_of_the_truth_have_the_stated_spread():
    truth = synthetic_truth(n_users=5000, n_items=5000, factors=6, seed=1)
    assert truth.user_bias[1:].std() == pytest.approx(0.4, rel=0.05)
    assert truth.item_bias[1:].std() == pytest.approx(0.5, rel=0.05)
    dots = np.einsum("nk,nk->n", truth.user_factors[1:], truth.item_factors[1:])
    assert dots.std() == pytest.approx(0.55, rel=0.15)


@pytest.mark.parametrize(("low", "high", "step"), [(0.5, 5, 0.5), (1, 10, 1), (0, 100, 0.25)])
def test_steps_of_the_scale(low, high, step):
    ratings = synthetic(scale=(low, high), step=step, seed=2)
    steps = (ratings.values - low) / step
    assert np.array_equal(steps, steps.round())
    assert ratings.values.min() >= low
    assert ratings.values.max() <= high
    assert len(np.unique(ratings.values)) > 5
    assert ratings.scale == Scale(low, high)


def test_a_few_items_have_most_of_the_ratings():
    ratings = synthetic(n_users=2000, n_items=1000, n_ratings=50_000, seed=0)
    by_item = np.sort(np.bincount(ratings.item_rows, minlength=1001)[1:])[::-1]
    by_user = np.sort(np.bincount(ratings.user_rows, minlength=2001)[1:])[::-1]
    assert by_item[:100].sum() > 0.4 * len(ratings)
    assert by_user[:200].sum() > 0.3 * len(ratings)


def test_side_tables_carry_signal():
    arguments = {"n_users": 3000, "n_items": 2000, "n_ratings": 10, "factors": 4, "seed": 5}
    ratings, truth = synthetic(**arguments), synthetic_truth(**arguments)
    genres = ratings.item_table["genres"].to_pylist()[1:]
    names = sorted({genre for listed in genres for genre in listed})
    flags = np.array([[name in listed for name in names] for listed in genres], float)
    assert set(flags.sum(axis=1)) == {1, 2, 3}
    jobs = np.array(ratings.user_table["occupation"].to_pylist()[1:])
    ages = np.array(ratings.user_table["age"].to_pylist()[1:], float)
    of_users = np.column_stack([ages, *[jobs == job for job in np.unique(jobs)]])
    for design, table in ((flags, truth.item_factors), (of_users, truth.user_factors)):
        known = np.column_stack([np.ones(len(design)), design])
        fitted = known @ np.linalg.lstsq(known, table[1:], rcond=None)[0]
        share = fitted.var(axis=0) / table[1:].var(axis=0)
        assert share == pytest.approx(np.full(4, 0.5), abs=0.08)


def test_the_same_seed_gives_the_same_bits_and_another_others():
    first, again, other = synthetic(seed=1), synthetic(seed=1), synthetic(seed=2)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert first.item_table.equals(again.item_table)


def test_sparse_tables_are_drawn_alike(monkeypatch):
    monkeypatch.setattr("penchant.data.synthetic._CELLS", 0)
    for n in (1, 50, 2_000, 5_999, 6_000):
        ratings = synthetic(n_users=60, n_items=100, n_ratings=n, seed=4)
        assert len(set(zip(ratings.users, ratings.items, strict=True))) == n
    few = synthetic(n_users=2000, n_items=1000, n_ratings=50_000, seed=0)
    by_item = np.sort(np.bincount(few.item_rows, minlength=1001)[1:])[::-1]
    assert by_item[:100].sum() > 0.4 * len(few)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_users": 0}, r"n_users must be a whole number of at least 1, not 0"),
        ({"n_items": 1.5}, r"n_items must be a whole number of at least 1, not 1\.5"),
        ({"factors": -1}, r"factors must be a whole number of at least 0"),
        ({"noise": -1}, r"noise must be a number of at least 0"),
        ({"seed": -1}, r"seed must be a whole number of at least 0"),
        ({"scale": (3, 3)}, r"scale must be wider than a point, not 3 to 3"),
        ({"step": 0}, r"step must be a number above 0 and at most 4, not 0"),
        ({"n_users": 3, "n_items": 4, "n_ratings": 13}, r"at most n_users × n_items, 12; received"),
    ],
)
def test_arguments_that_make_no_sense(settings, message):
    for function in (synthetic, synthetic_truth):
        with pytest.raises(SettingsError, match=message):
            function(**settings)


def test_it_can_be_split_and_viewed():
    ratings = penchant.synthetic(n_ratings=1000)
    train, test = penchant.split(ratings, how="time")
    assert train.timestamps.max() <= test.timestamps.min()
    assert test.item_table is ratings.item_table
