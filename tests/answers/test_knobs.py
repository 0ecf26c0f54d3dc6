"""Lists that are more varied, or of better or less known items."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pc
from penchant.answers.knobs import by_popularity, varied
from penchant.answers.recommend import top_rows
from penchant.errors import SettingsError

WORLD = pc.synthetic(n_users=150, n_items=120, n_ratings=6000, factors=4, noise=0.3, seed=3)


@pytest.fixture(scope="module")
def model():
    solver = pc.Gibbs(rank=4, sweeps=30, burn_in=10, heads=8)
    return pc.MatrixFactorization(8, solver).fit(WORLD, progress=False)


def rows_of(model, answer):
    return model.knowledge.item_ids.rows([one.item for one in answer])


def test_without_knobs_the_list_is_the_same(model):
    assert model.recommend(3, diversity=0, popularity=0) == model.recommend(3)


def test_the_more_diversity_the_less_alike_and_the_lower_the_ratings(model):
    alike, ratings = [], []
    for weight in (0.0, 0.5, 1.0):
        pairs, rated = [], []
        for user in range(1, 40):
            answer = model.recommend(user, diversity=weight)
            rows = rows_of(model, answer)
            table = np.array([model.predictor.correlations("item", int(row))[rows] for row in rows])
            pairs.append(table[np.triu_indices(10, 1)].mean())
            rated.append(np.mean([one.rating for one in answer]))
        alike.append(np.mean(pairs))
        ratings.append(np.mean(rated))
    assert alike[0] > alike[1] > alike[2]
    assert ratings[0] > ratings[1] > ratings[2]


def test_popularity_moves_the_lists_both_ways(model):
    counts = model.knowledge.item_counts
    many = [
        np.mean([np.log1p(counts[rows_of(model, model.recommend(u, popularity=w))]).mean()
                 for u in range(1, 40)])
        for w in (-1.0, 0.0, 1.0)
    ]  # fmt: skip
    assert many[0] < many[1] < many[2]


def test_knobs_leave_out_what_was_rated_and_keep_intervals(model):
    answer = model.recommend(5, diversity=0.7, popularity=0.5, by="low")
    assert not set(rows_of(model, answer)) & set(model.knowledge.rated(5))
    assert all(one.low <= one.rating <= one.high for one in answer)
    assert len({one.item for one in answer}) == 10


@given(st.integers(0, 500), st.integers(1, 12), st.floats(0, 1))
def test_varied_picks_different_rows_of_the_pool_and_the_best_first(seed, n, weight):
    random = np.random.default_rng(seed)
    ranks = random.normal(size=10).astype(np.float32)
    table = np.corrcoef(random.normal(size=(10, 4))).astype(np.float32)
    pool = top_rows(ranks, np.arange(1, 10), 9)
    rows = varied(ranks, pool, n, lambda row: table[row], weight)
    assert len(set(rows.tolist())) == len(rows) == min(n, 9)
    assert set(rows.tolist()) <= set(pool.tolist())
    if weight < 1:
        assert rows[0] == pool[0]
    if weight == 0:
        assert rows.tolist() == pool[:n].tolist()


def test_equal_counts_change_nothing():
    ranks, among = np.array([1, 2, 3], np.float32), np.arange(3)
    assert by_popularity(ranks, among, np.full(3, 7), 1.0).tolist() == [1, 2, 3]


def test_an_item_without_a_correlation_is_unlike_all():
    table = np.full((4, 4), np.nan, np.float32)
    rows = varied(np.array([0, 3, 2, 1], np.float32), np.array([1, 2, 3], np.int32), 3,
                  lambda row: table[row], 0.9)  # fmt: skip
    assert rows.tolist() == [1, 2, 3]


@pytest.mark.parametrize("wrong", [{"diversity": 1.5}, {"diversity": -0.1}, {"popularity": 2}])
def test_knobs_out_of_bounds(model, wrong):
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} must be a number of at least"):
        model.recommend(3, **wrong)


def test_nothing_to_choose_from_is_an_empty_list(model):
    assert len(model.recommend(1, among=[999_999], popularity=0.5, diversity=0.5)) == 0
