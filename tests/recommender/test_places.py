"""The plane of the items: by construction, by its own properties, and for models of each kind."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pc
from penchant.errors import DataError, SettingsError
from penchant.recommender.places import places, principal


def distances(at):
    return np.linalg.norm(at[:, None] - at[None], axis=-1)


@pytest.fixture(scope="module")
def world():
    return pc.synthetic(n_users=60, n_items=40, n_ratings=1200, factors=2, noise=0.2, seed=3)


@given(st.integers(0, 2**32 - 1), st.integers(3, 30), st.integers(3, 30))
def test_two_factors_are_found_up_to_turning_and_one_factor(seed, m, n):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 2))
    users = rng.normal(size=(m, 2))
    users -= users.mean(axis=0)
    table = 3.5 + users @ truth.T + rng.normal(size=(1, n))  # an item's own bias changes nothing
    at, shown = principal(table, np.ones(n))
    assert np.abs(at).max() == pytest.approx(1)
    assert shown.sum() == pytest.approx(1)
    wanted = distances(truth @ np.linalg.cholesky(users.T @ users))
    found = distances(at)
    assert found * (wanted.max() / found.max()) == pytest.approx(wanted, abs=1e-6 * wanted.max())


def test_biases_of_users_and_items_alone_leave_all_in_the_middle():
    table = np.add.outer(np.arange(5.0), np.arange(7.0))
    at, shown = principal(table, np.ones(7))
    assert not at.any()
    assert not shown.any()


def test_a_weight_of_nothing_has_no_say_in_the_axes():
    rng = np.random.default_rng(0)
    table = np.outer(rng.normal(size=6), [1.0, -1, 2, -2, 0])
    table[:, 4] = 100 * rng.normal(size=6)
    _, shown = principal(table, np.array([1.0, 1, 1, 1, 0]))
    assert shown == pytest.approx([1, 0], abs=1e-9)


def test_one_user_and_one_item_have_a_place():
    for shape in ((1, 4), (4, 1), (1, 1)):
        at, _ = principal(np.arange(4.0)[: shape[0] * shape[1]].reshape(shape), np.ones(shape[1]))
        assert at.shape == (shape[1], 2)
        assert np.isfinite(at).all()


@pytest.mark.parametrize(
    ("table", "weights"),
    [
        (np.ones(3), np.ones(3)),
        (np.ones((2, 3)), np.ones(2)),
        (np.full((2, 3), np.nan), np.ones(3)),
        (np.ones((2, 3)), -np.ones(3)),
        (np.ones((0, 3)), np.ones(3)),
    ],
)
def test_what_is_no_table_is_refused(table, weights):
    with pytest.raises(DataError, match="principal needs a table of finite numbers and a weight"):
        principal(table, weights)


@pytest.mark.parametrize("solver", ["als", "bias"])
def test_places_of_a_model(world, solver):
    model = pc.MatrixFactorization(solver=solver, factors=4).fit(world, progress=False)
    found = places(model)
    assert found.total == len(found.items) == len(found.ratings) == 40
    assert found.ratings == sorted(found.ratings, reverse=True)
    told = json.loads(json.dumps(found.to_json()))
    assert len(told["x"]) == len(told["y"]) == 40
    assert told["titles"] == model.knowledge.titles(model.knowledge.item_ids.rows(found.items))
    assert found.at.any() == (solver == "als")  # biases alone don't tell items' tastes apart


def test_near_on_the_plane_is_alike_by_the_model(world):
    model = pc.MatrixFactorization(solver="als", factors=4).fit(world, progress=False)
    found = places(model)
    near, far = [], []
    for row in np.argsort(-np.linalg.norm(found.at, axis=1))[:10]:  # away from the middle
        alike = {other.id: other.correlation for other in model.similar_items(found.items[row], 39)}
        order = np.argsort(np.linalg.norm(found.at - found.at[row], axis=1))
        near += [alike[found.items[other]] for other in order[1:6]]
        far += [alike[found.items[other]] for other in order[-5:]]
    assert np.mean(near) > 0.5
    assert np.mean(far) < -0.5


def test_the_most_rated_are_placed_and_without_titles_none_are_told():
    ratings = pc.Ratings.from_columns(["a", "a", "b", "b", "c"], ["x", "y", "x", "z", "x"],
                                      [1.0, 2, 3, 4, 5])  # fmt: skip
    model = pc.MatrixFactorization(solver="bias").fit(ratings, progress=False)
    found = places(model, most=2)
    assert (found.items, found.titles, found.ratings, found.total) == (["x", "y"], None, [3, 1], 3)
    with pytest.raises(SettingsError, match="most"):
        places(model, most=0)
