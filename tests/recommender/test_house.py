"""How far a question goes through the house, and how many ancestors a class has."""

import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

import penchant as pc
import penchant.answers
import penchant.predict
import penchant.recommender

ROOT = Path(penchant.__file__).parent


@pytest.fixture(scope="module")
def model():
    world = pc.synthetic(n_users=40, n_items=30, n_ratings=500, factors=2, noise=0.4, seed=1)
    # Without side columns: what encodes those is one file more
    world = pc.Ratings.from_columns(world.users, world.items, world.values)
    solver = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
    return pc.MatrixFactorization(4, solver).fit(world, progress=False)


def entered(ask):
    """The files of the library that a question enters, once all is warm."""
    files = set()

    def look(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            files.add(str(path.relative_to(ROOT)))

    ask()
    sys.setprofile(look)
    try:
        ask()
    finally:
        sys.setprofile(None)
    return files


# Three of each for the probability of being picked and liked: choices, liking, predictor
@pytest.mark.parametrize(("by", "most"), [("liking", 11), ("rating", 11), ("low", 17)])
def test_a_list_enters_few_files(model, by, most):
    files = entered(lambda: model.recommend(1, by=by))
    assert "answers/recommend.py" in files
    assert len(files) <= most, sorted(files)


def test_no_recommender_or_predictor_has_more_than_three_ancestors():
    seen = set()
    packages = (penchant.recommender, penchant.answers, penchant.predict)
    walks = [pkgutil.walk_packages(one.__path__, f"{one.__name__}.") for one in packages]
    for module in (module for walk in walks for module in walk):
        for cls in vars(importlib.import_module(module.name)).values():
            if isinstance(cls, type) and cls.__module__.startswith("penchant."):
                ours = [one for one in cls.__mro__[1:] if one.__module__.startswith("penchant.")]
                assert len(ours) <= 3, (cls, ours)
                seen.add(cls.__name__)
    assert {"MatrixFactorization", "AutoRec", "Blend", "FactorPredictor", "Newcomer"} <= seen
