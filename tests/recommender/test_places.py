import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

import penchant as pc
from penchant.errors import SettingsError
from penchant.factors import Factors
from penchant.recommender import places as module
from penchant.recommender.places import places

WORLD = pc.synthetic(n_users=50, n_items=30, n_ratings=800, factors=2, noise=0.3, seed=3)


@pytest.fixture(scope="module")
def model():
    return pc.MatrixFactorization(2, "als", seed=0).fit(WORLD, progress=False)


def deviations(model):
    """The predicted deviations of all items, (N-1, users), each user's and item's level out."""
    users = np.flatnonzero(model.knowledge.user_counts > 0).astype(np.int32)
    table = np.stack([model.predictor.scores(user)[1:] for user in users], axis=1).astype(float)
    table -= table.mean(axis=1, keepdims=True)
    return table / np.sqrt(len(users))


def test_distances_are_those_of_the_predicted_deviations(model):
    found = places(model)
    table = deviations(model)[np.array(found.items) - 1]
    xy = np.column_stack([found.x, found.y])
    for one, other in ((0, 1), (3, 17), (29, 5)):
        wanted = np.linalg.norm(table[one] - table[other])
        assert np.linalg.norm(xy[one] - xy[other]) == pytest.approx(wanted, abs=1e-4)
    assert sum(found.shares) == pytest.approx(1)  # of two factors
    assert found.x.std() >= found.y.std()
    assert max(found.x, key=abs) > 0
    assert max(found.y, key=abs) > 0


def test_the_basis_of_the_factors_does_not_matter(model):
    basis = np.array([[2.0, 1.0], [0.5, 1.5]], np.float32)
    factors = model.trained
    turned = dataclasses.replace(
        factors,
        user_factors=factors.user_factors @ basis,
        item_factors=factors.item_factors @ np.linalg.inv(basis).T.astype(np.float32),
    )
    assert isinstance(turned, Factors)
    other = pc.MatrixFactorization(2, "als", seed=0).fit(WORLD, progress=False)
    other._predictor = dataclasses.replace(other.predictor, factors=turned)
    one, two = places(model), places(other)
    np.testing.assert_allclose(one.x, two.x, atol=1e-4)
    np.testing.assert_allclose(one.y, two.y, atol=1e-4)


def test_asking_for_predictions_gives_the_same_map(model):
    class Opaque:
        """What is known of a model without factors."""

        knowledge = model.knowledge
        predictor = SimpleNamespace(scores=model.predictor.scores)

    exact, asked = places(model), places(Opaque())
    np.testing.assert_allclose(exact.x, asked.x, atol=1e-4)
    np.testing.assert_allclose(exact.y, asked.y, atol=1e-4)


def test_only_the_busiest_users_are_asked(model, monkeypatch):
    monkeypatch.setattr(module, "_PAIRS", 20 * 30)
    asked = []

    def scores(user):
        asked.append(user)
        return model.predictor.scores(user)

    class Opaque:
        knowledge = model.knowledge
        predictor = SimpleNamespace(scores=scores)

    places(Opaque())
    counts = model.knowledge.user_counts
    assert len(asked) == 20
    assert counts[asked].min() >= np.delete(counts, asked).max()


def test_the_most_rated_come_first_and_cold_ones_are_left_out():
    kept = WORLD.take(np.flatnonzero(WORLD.item_rows != 4))
    model = pc.MatrixFactorization(2, "als", seed=0).fit(kept, progress=False)
    found = places(model)
    assert found.total == 30
    assert len(found.items) == 29
    assert model.knowledge.item_ids.ids([4])[0] not in found.items
    assert found.ratings == sorted(found.ratings, reverse=True)
    few = places(model, most=5)
    assert few.items == found.items[:5]
    said = few.to_json()
    assert json.loads(json.dumps(said)) == said
    assert said["titles"] == model.knowledge.titles(model.knowledge.item_ids.rows(said["items"]))
    assert len(said["x"]) == len(said["y"]) == len(said["ratings"]) == 5


def test_without_titles_there_is_none():
    bare = dataclasses.replace(WORLD, item_table=None)
    found = places(pc.MatrixFactorization(2, "als").fit(bare, progress=False), most=3)
    assert found.titles is found.to_json()["titles"] is None


def test_a_model_without_factors_has_one_point():
    found = places(pc.MatrixFactorization(1, "bias").fit(WORLD, progress=False))
    assert found.shares == (0, 0)
    assert np.abs(found.x).max() == np.abs(found.y).max() == 0


def test_one_factor_is_a_line():
    found = places(pc.MatrixFactorization(1, "als").fit(WORLD, progress=False), most=1)
    assert (len(found.x), found.y[0]) == (1, 0)


def test_no_count_of_items_is_an_error(model):
    with pytest.raises(SettingsError, match="most"):
        places(model, most=0)
