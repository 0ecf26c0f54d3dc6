"""Worlds with known faults."""

import dataclasses

import numpy as np
import pytest

from penchant.data.synthetic import synthetic
from penchant.ratings import Ratings


def columns(ratings):
    return list(ratings.users), list(ratings.items), ratings.values.tolist()


@pytest.fixture(scope="session")
def world():
    """Honest people without times."""
    made = synthetic(n_users=300, n_items=200, n_ratings=15_000, factors=4, noise=0.8, seed=3)
    return dataclasses.replace(made, timestamps=None)


@pytest.fixture
def planted(world):
    """Return the world with more users: each a name, its items and its values."""

    def plant(more, timestamps=None):
        users, items, values = columns(world)
        for name, theirs, rated in more:
            users += [name] * len(theirs)
            items += list(theirs)
            values += list(rated)
        return Ratings.from_columns(users, items, values, timestamps, scale=(1, 5))

    return plant


@pytest.fixture
def some_items(world):
    """Return so many items of the world, drawn by their popularity."""

    def draw(n, seed):
        ids = np.array(world.items)
        drawn = np.random.default_rng(seed).permutation(len(ids))
        return list(dict.fromkeys(ids[drawn].tolist()))[:n]

    return draw
