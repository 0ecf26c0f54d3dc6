"""Intervals of a group's score: as simulated, and as the members' own where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pc
from penchant.answers.group_intervals import of_average, of_extreme
from penchant.answers.lists import Recommendation
from penchant.errors import SettingsError, UnsupportedError

WAYS = {"average": np.mean, "least misery": np.min, "most pleasure": np.max}


def ends(how, ratings, deviations, level):
    if how == "average":
        return of_average(ratings, deviations, level)
    return of_extreme(ratings, deviations, level, least=how == "least misery")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_so_many_simulated_outcomes_lie_inside(how, level):
    rng = np.random.default_rng(0)
    ratings, deviations = rng.normal(3, 1, (4, 3)), rng.uniform(0.3, 1.5, (4, 3))
    low, high = ends(how, ratings, deviations, level)
    outcomes = WAYS[how](rng.normal(ratings, deviations, (200_000, 4, 3)), axis=1)
    below, above = (outcomes < low).mean(axis=0), (outcomes > high).mean(axis=0)
    assert below == pytest.approx((1 - level) / 2, abs=0.004)
    assert above == pytest.approx((1 - level) / 2, abs=0.004)


@given(st.floats(1, 5), st.floats(0.01, 3), st.floats(0.01, 0.99), st.sampled_from(list(WAYS)))
def test_one_member_has_an_interval_around_the_prediction(rating, deviation, level, how):
    low, high = ends(how, np.array([[rating]]), np.array([[deviation]]), level)
    assert (low + high) / 2 == pytest.approx(rating, abs=1e-6)
    assert low < high


@pytest.mark.parametrize("how", WAYS)
def test_what_is_not_known_has_no_ends(how):
    low, high = ends(how, np.full((2, 2), 3.0), np.array([[1.0, np.inf], [1.0, np.inf]]), 0.9)
    assert np.isfinite([low[0], high[0]]).all()
    assert (low[1], high[1]) == (-np.inf, np.inf)


@pytest.fixture(scope="module")
def model():
    ratings = pc.synthetic(n_users=30, n_items=40, n_ratings=500, factors=2, noise=0.3, seed=1)
    solver = pc.Gibbs(rank=2, sweeps=60)
    return pc.MatrixFactorization(factors=4, solver=solver).fit(ratings, progress=False)


@pytest.mark.parametrize("how", WAYS)
def test_a_group_of_one_has_its_members_interval(model, how):
    user = model.knowledge.user_ids.array.to_pylist()[3]
    alone = model.recommend(user, 6, interval=0.8)
    shared = model.recommend_group([user], 6, how, interval=0.8)
    for one, other in zip(alone, shared, strict=True):
        assert isinstance(one, Recommendation)
        assert (one.item, one.rating) == (other.item, other.score)
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-5)


@pytest.mark.parametrize("how", WAYS)
def test_the_ends_are_those_by_hand(model, how):
    members = model.knowledge.user_ids.array.to_pylist()[4:8]
    shared = model.recommend_group(members, 5, how, interval=0.9, exclude_rated=False)
    known = model.knowledge
    for one in shared:
        rows, item = known.user_ids.rows(members), known.item_ids.rows([one.item] * 4)
        rating = model.predict(members, one.item)
        deviations = model.predictor.deviations(rows, item)[:, None]
        low, high = ends(how, rating[:, None], deviations, 0.9)
        assert one.low == pytest.approx(max(1, float(low[0])), abs=1e-4)
        assert one.high == pytest.approx(min(5, float(high[0])), abs=1e-4)
        assert one.pays in members
    assert shared.table()[0][-6:] == ("score", "low", "high", "lowest", "highest", "pays")


def test_a_level_that_is_none(model):
    with pytest.raises(SettingsError, match="interval must be"):
        model.recommend_group([1], interval=1.0)


def test_a_model_without_intervals():
    ratings = pc.synthetic(n_users=9, n_items=9, n_ratings=60, factors=1, noise=0.3, seed=1)
    model = pc.MatrixFactorization(factors=2, solver="bias").fit(ratings, progress=False)
    with pytest.raises(UnsupportedError, match="knows no intervals"):
        model.recommend_group([1, 2], interval=0.9)
