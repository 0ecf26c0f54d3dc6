import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.data.synthetic import synthetic
from penchant.errors import DataError, DivergedError, SettingsError
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.recommender.matrix_factorization import MatrixFactorization
from penchant.recommender.opening import open as open_bundle
from penchant.solvers import bias
from penchant.solvers.bias import LEAST, MOST, Bias, Variances, variances
from penchant.solvers.registry import solver_of

RATINGS = synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.5, seed=3)
TRAIN, TEST = RATINGS.take(np.arange(0, 700)), RATINGS.take(np.arange(700, 900))


def predicted(fitted, ratings):
    return fitted.factors.predict(ratings.user_rows, ratings.item_rows)


def crossed(n_users, n_items, user, item, noise, seed, share=0.3):
    """Ratings without a scale's ends, made of independent normal effects."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < share)
    effects = user * rng.normal(size=n_users)[users] + item * rng.normal(size=n_items)[items]
    values = 3 + effects + noise * rng.normal(size=len(users))
    return Ratings.from_columns(users, items, values)


def dense(ratings, l2_user, l2_item):
    """The objective as one dense least-squares problem, its centres as unknowns of their own."""
    n, M, N = len(ratings), ratings.user_ids.size, ratings.item_ids.size
    held_u, held_i = np.unique(ratings.user_rows), np.unique(ratings.item_rows)
    X = np.zeros((n + len(held_u) + len(held_i), M + N + 2))
    X[np.arange(n), ratings.user_rows] = 1
    X[np.arange(n), M + ratings.item_rows] = 1
    at = n
    for held, start, centre, l2 in ((held_u, 0, -2, l2_user), (held_i, M, -1, l2_item)):
        for row in held:
            X[at, start + row], X[at, centre] = np.sqrt(l2), -np.sqrt(l2)
            at += 1
    y = np.zeros(len(X))
    y[:n] = ratings.values.astype(np.float64) - ratings.mean
    x = np.linalg.lstsq(X, y)[0]
    users, items, c_u, c_i = x[:M], x[M:-2], x[-2], x[-1]
    users[np.setdiff1d(np.arange(M), held_u)] = c_u
    items[np.setdiff1d(np.arange(N), held_i)] = c_i
    return ratings.mean + users[:, None] + items[None, :]  # (M, N)


@pytest.mark.parametrize(("l2_user", "l2_item"), [(4.0, 3.0), (0.01, 50.0), (700.0, 0.2)])
def test_it_is_the_minimum_of_its_objective_for_known_cold_and_strange_rows(l2_user, l2_item):
    few = RATINGS.take(np.arange(0, 150))  # some rows of the tables are without ratings
    made = Bias(l2_user=l2_user, l2_item=l2_item).fit(few, factors=3).factors
    all_pairs = made.mean + made.user_bias[:, None] + made.item_bias[None, :]
    assert (np.bincount(few.user_rows, minlength=61) == 0).sum() > 1
    np.testing.assert_allclose(all_pairs, dense(few, l2_user, l2_item), atol=2e-6)


def test_the_biases_average_to_zero_over_the_ratings_and_the_stranger_is_the_mean_row():
    few = RATINGS.take(np.arange(0, 150))
    made = Bias().fit(few, factors=1).factors
    for biases, rows in ((made.user_bias, few.user_rows), (made.item_bias, few.item_rows)):
        assert abs(biases[rows].mean(dtype=np.float64)) < 1e-6
        held = np.unique(rows)
        np.testing.assert_allclose(biases[0], biases[held].mean(dtype=np.float64), atol=1e-6)
        cold = np.setdiff1d(np.arange(len(biases)), held)
        assert (biases[cold] == biases[0]).all()
    assert made.mean == few.mean


def test_variances_are_found_again():
    found = variances(crossed(400, 300, user=0.4, item=0.6, noise=0.9, seed=1))
    np.testing.assert_allclose(found, (0.16, 0.36, 0.81), rtol=0.15)


@given(st.integers(0, 2**32 - 1))
def test_variances_are_those_of_the_sums_over_pairs(seed):
    """Gao & Owen's U-statistics, written as the sums over pairs of ratings that define them."""
    table = crossed(7, 6, user=1, item=1, noise=1, seed=seed, share=0.6)
    u, i, r = table.user_rows, table.item_rows, table.values.astype(np.float64)
    if len(np.unique(u)) < 2 or len(np.unique(i)) < 2 or len(r) < 10:
        return
    same_u, same_i = u[:, None] == u, i[:, None] == i
    squares = (r[:, None] - r) ** 2 / 2
    n_u, n_i = same_u.sum(1), same_i.sum(1)
    sums = [(same_u * squares / n_u).sum(), (same_i * squares / n_i).sum(), squares.sum()]
    halves = [  # what each variance adds to the expectation of half a squared difference
        [(same_u * ~same_u / n_u).sum(), (same_u * ~same_i / n_u).sum()],
        [(same_i * ~same_u / n_i).sum(), (same_i * ~same_i / n_i).sum()],
        [(~same_u).sum(), (~same_i).sum()],
    ]
    others = ~np.eye(len(r), dtype=bool)
    noise = [(same_u * others / n_u).sum(), (same_i * others / n_i).sum(), others.sum()]
    expected = np.linalg.solve(np.column_stack([halves, noise]), sums)
    np.testing.assert_allclose(variances(table), expected, rtol=1e-5, atol=1e-6)


def test_the_rule_is_about_as_good_as_the_best_strength_in_hindsight():
    table = crossed(300, 200, user=0.3, item=0.6, noise=1.0, seed=5, share=0.05)
    rows = np.random.default_rng(0).permutation(len(table))
    train, test = table.take(rows[:2000]), table.take(rows[2000:])
    score = {
        l2: rmse(test.values, predicted(Bias(*l2).fit(train, factors=1), test))
        for l2 in [(None, None), *((u, i) for u in (1, 3, 10, 30, 100) for i in (1, 3, 10, 30))]
    }
    assert score[None, None] < min(score.values()) + 0.003
    assert score[None, None] < score[1, 1] - 0.02
    assert score[None, None] < score[100, 30] - 0.02


@pytest.mark.parametrize(("times", "plus"), [(25.0, -25.0), (0.1, 7.0), (4.0, -12.0)])
def test_any_scale_gives_the_same_model_in_its_own_unit(times, plus):
    other = dataclasses.replace(TRAIN, values=(TRAIN.values * times + plus).astype(np.float32))
    one, two = Bias().fit(TRAIN, factors=1), Bias().fit(other, factors=1)
    there = predicted(one, TEST) * times + plus
    np.testing.assert_allclose(predicted(two, TEST), there, atol=2e-5 * times)


def test_effects_that_are_not_there_are_left_out():
    table = crossed(200, 100, user=0.0, item=0.8, noise=0.5, seed=2)
    made = Bias().fit(table, factors=1).factors
    assert made.user_bias.std() < 0.05
    assert made.item_bias.std() > 0.6


@pytest.mark.parametrize(
    ("found", "l2"),
    [
        (Variances(0.2, 9.0, 0.8), 4.0),
        (Variances(-0.1, 9.0, 0.8), MOST),
        (Variances(0.0, 9.0, 0.8), MOST),
        (Variances(0.2, 9.0, -0.1), LEAST),
        (Variances(-0.1, 9.0, -0.1), LEAST),
        (Variances(0.0, 0.0, 0.0), LEAST),
        (Variances(np.nan, np.nan, np.nan), 1.0),
    ],
)
def test_the_rule_stays_within_bounds(found, l2):
    assert found.ratio("user") == pytest.approx(l2)


@pytest.mark.parametrize(
    "columns",
    [
        ([1], [1], [4]),
        ([1, 2, 3], [1, 2, 3], [1, 3, 5]),  # nobody rated twice: the parts can't be told apart
        ([1, 1, 1], [1, 2, 3], [1, 3, 5]),
        ([1, 1, 2, 2], [1, 2, 1, 2], [3, 3, 3, 3]),
    ],
)
def test_tables_too_small_to_tell_the_parts_apart(columns):
    ratings = Ratings.from_columns(*columns, scale=(1, 5))
    fitted = Bias().fit(ratings, factors=1)
    error = np.abs(predicted(fitted, ratings) - ratings.values)
    assert (error <= np.abs(ratings.values - ratings.mean) + 1e-6).all()


def test_each_setting_matters_and_the_seed_does_not():
    plain = predicted(Bias(3, 3).fit(TRAIN, factors=1), TEST)
    for other in (Bias(6, 3), Bias(3, 6)):
        assert np.abs(predicted(other.fit(TRAIN, factors=1), TEST) - plain).max() > 0.01
    again = Bias(3, 3).fit(TRAIN, factors=5, seed=9, threads=1, validation=TEST)
    np.testing.assert_array_equal(predicted(again, TEST), plain)


def test_the_order_of_the_ratings_does_not_matter():
    order = np.random.default_rng(1).permutation(len(TRAIN))
    one, two = Bias().fit(TRAIN, factors=1), Bias().fit(TRAIN.take(order), factors=1)
    np.testing.assert_allclose(predicted(one, TEST), predicted(two, TEST), atol=1e-5)


def test_its_history_has_one_record_that_tells_the_strengths():
    seen = []
    fitted = Bias(l2_item=2.5).fit(TRAIN, factors=1, watch=TEST, callbacks=[seen.append])
    (record,) = fitted.history.records
    assert record["epoch"] == Bias().rounds == 1
    assert record["l2_item"] == 2.5
    assert record["l2_user"] == pytest.approx(variances(TRAIN).noise / variances(TRAIN).user)
    assert record["watch_rmse"] < TEST.values.std()
    assert seen == [record]


def test_every_method_of_a_recommender_works_with_it(tmp_path):
    model = MatrixFactorization(factors=4, solver="bias").fit(TRAIN, progress=False)
    user = TRAIN.users[0]
    ordered = [entry.rating for entry in model.recommend(user, 5, by="rating")]
    assert ordered == sorted(ordered, reverse=True)
    assert [near.correlation for near in model.similar_items(TRAIN.items[0], 3)] == [0, 0, 0]
    model.save(tmp_path / "bias.penchant")
    opened = open_bundle(tmp_path / "bias.penchant")
    assert solver_of(opened.solver) == Bias()
    assert opened.evaluate(TEST) == model.evaluate(TEST)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "3"])
def test_an_l2_must_be_a_positive_number(value):
    with pytest.raises(SettingsError, match="l2_user must be a number of at least 1e-06, not"):
        Bias(l2_user=value)


def test_no_ratings_are_an_error():
    with pytest.raises(DataError, match="There are no ratings to train on"):
        Bias().fit(TRAIN.take([]), factors=1)


def test_biases_that_do_not_converge_are_an_error(monkeypatch):
    monkeypatch.setattr(bias, "_STEPS", 1)
    with pytest.raises(DivergedError, match="l2_user=2 and l2_item=3 did not converge"):
        Bias(2, 3).fit(TRAIN, factors=1)
