import numpy as np
import pytest
import scipy.sparse as sp

from penchant.features import Noise
from penchant.posterior import rows


def table(M, N, density, seed=0):
    made = sp.random(M, N, density, "csr", np.float32, np.random.default_rng(seed))
    made.indices = made.indices.astype(np.int32)
    return made


def test_weights_do_not_depend_on_how_many_ratings_are_weighed_at_once(monkeypatch):
    ratings = table(40, 30, 0.3)
    users = np.repeat(np.arange(40), np.diff(ratings.indptr))
    noise = Noise.learn(users, ratings.indices, ratings.data, 40, 30)
    whole = rows.user_weights(noise, ratings)
    np.testing.assert_allclose(whole, noise.user_weights, rtol=1e-4)
    for few in (1, 7, 100):
        monkeypatch.setattr(rows, "_RATINGS_AT_ONCE", few)
        np.testing.assert_array_equal(rows.user_weights(noise, ratings), whole)


@pytest.mark.parametrize(("M", "density"), [(1, 0.2), (40, 0.02), (40, 0.5), (2, 0.0)])
def test_the_rows_that_are_rated_and_the_places_of_the_ratings(M, density):
    ratings = table(M, 30, density)
    used, places = rows._used(ratings)
    np.testing.assert_array_equal(used, np.unique(ratings.indices))
    np.testing.assert_array_equal(used[places], ratings.indices)
    assert places.dtype == np.int32
