"""A small model, saved where a server is to find it."""

import numpy as np
import pytest

import penchant as pc
from penchant.serve import Service
from penchant.serve.log import database

GIBBS = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """On a slow machine others may hold a lock for longer than a server would wait."""
    monkeypatch.setattr(database, "PATIENCE", 600.0)


@pytest.fixture(scope="session")
def small_model():
    """Trained on ratings with times: users 1 … 40, items 1 … 30, a scale from 1 to 5."""
    ratings = pc.synthetic(n_users=40, n_items=30, n_ratings=600, factors=2, noise=0.4, seed=1)
    return pc.MatrixFactorization(factors=4, solver=GIBBS, seed=0).fit(ratings, progress=False)


@pytest.fixture
def films(small_model, tmp_path):
    small_model.save(tmp_path / "films.penchant")
    return tmp_path / "films.penchant"


@pytest.fixture
def service(films):
    with Service.open(films) as service:
        yield service


@pytest.fixture
def tables():
    """A function from a service to the trained arrays of the model that answers."""

    def arrays(service):
        with service.reading() as model:
            return model.trained.arrays()

    return arrays


@pytest.fixture
def same():
    """A function that tells whether two models' arrays are the same bits."""

    def are_same(one, other):
        return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)

    return are_same
