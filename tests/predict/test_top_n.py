import numpy as np
import pytest

from penchant.errors import SettingsError
from penchant.factors import Factors
from penchant.kernels.plain import topn
from penchant.predict.top_n import Lists, top_n

f = np.float32
RNG = np.random.default_rng(5)
M, N, K = 700, 2500, 17  # some blocks of users and of items, none of them full


def random_factors(seed=0):
    rng = np.random.default_rng(seed)
    tables = (rng.normal(0, 0.4, shape).astype(f) for shape in ((M,), (N,), (M, K), (N, K)))
    return Factors(3.5, *tables)


FACTORS = random_factors()
USERS = RNG.permutation(M).astype(np.int32)
RATED = Lists.of(
    RNG.integers(1, M, 9000, dtype=np.int32), RNG.integers(1, N, 9000, dtype=np.int32), M
)


def plain(factors, users, n, exclude, among):
    return topn.top_n(
        factors.user_factors,
        factors.item_factors,
        factors.item_bias,
        users,
        n,
        indptr=exclude.indptr,
        items=exclude.items,
        among=among,
    )


@pytest.mark.parametrize("among", [None, np.arange(2400, 2, -3, dtype=np.int32)])
def test_it_equals_sorting_all_scores(among):
    best = top_n(FACTORS, USERS, 9, exclude=RATED, among=among, threads=2)
    allowed = np.arange(1, N, dtype=np.int32) if among is None else among
    rows, scores = plain(FACTORS, USERS, 9, RATED, allowed)
    near_ties = best.items != rows
    assert near_ties.mean() < 1e-3
    ratings = scores + FACTORS.user_bias[USERS][:, None] + f(3.5)
    np.testing.assert_allclose(best.ratings, ratings, rtol=1e-4, atol=1e-4)


def test_nobody_gets_what_is_excluded_or_a_stranger():
    best = top_n(FACTORS, USERS, 50, exclude=RATED)
    for user, items in zip(USERS, best.items, strict=True):
        rated = RATED.items[RATED.indptr[user] : RATED.indptr[user + 1]]
        assert not np.isin(items, rated).any()
    assert (best.items > 0).all()


def test_ratings_are_those_that_the_model_predicts():
    best = top_n(FACTORS, USERS[:5], 3)
    pairs = np.repeat(USERS[:5], 3), best.items.ravel()
    np.testing.assert_allclose(best.ratings.ravel(), FACTORS.predict(*pairs), rtol=1e-5)


def test_equal_items_stand_in_the_order_of_their_rows():
    tables = FACTORS.arrays()
    tables["item_factors"], tables["item_bias"] = (
        np.tile(FACTORS.item_factors[1], (N, 1)),
        np.full(N, f(0.1)),
    )
    alike = Factors(**{**tables, "mean": 3.5})
    best = top_n(alike, USERS, 20, among=np.arange(30, N, dtype=np.int32))
    np.testing.assert_array_equal(best.items, np.tile(np.arange(30, 50), (M, 1)))


def test_neither_threads_nor_company_change_a_bit():
    whole = top_n(FACTORS, USERS, 8, exclude=RATED, threads=1)
    others = top_n(FACTORS, USERS, 8, exclude=RATED, threads=2)
    np.testing.assert_array_equal(whole.ratings, others.ratings)
    np.testing.assert_array_equal(whole.items, others.items)
    for place in (0, 3, 300, 699):
        alone = top_n(FACTORS, USERS[place : place + 1], 8, exclude=RATED)
        np.testing.assert_array_equal(alone.ratings[0], whole.ratings[place])
        np.testing.assert_array_equal(alone.items[0], whole.items[place])


def test_where_fewer_are_left_row_0_fills_up():
    best = top_n(FACTORS, USERS[:2], 4, among=np.array([0, 7, 5, 7], np.int32))
    assert (best.items[:, 2:] == 0).all()
    assert np.isneginf(best.ratings[:, 2:]).all()
    assert [sorted(row) for row in best.items[:, :2].tolist()] == [[5, 7], [5, 7]]


@pytest.mark.parametrize("among", [np.zeros(0, np.int32), np.zeros(1, np.int32)])
def test_nothing_to_choose_among_is_an_empty_answer(among):
    assert (top_n(FACTORS, USERS[:3], 2, among=among).items == 0).all()


def test_no_users_get_no_answer():
    assert top_n(FACTORS, USERS[:0], 2).items.shape == (0, 2)


def test_n_is_a_count():
    with pytest.raises(SettingsError, match="n must be a whole number of at least 1, not 0"):
        top_n(FACTORS, USERS, 0)
