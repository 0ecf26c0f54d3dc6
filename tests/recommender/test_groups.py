"""Items for a group: as by hand from the members' ratings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.errors import NotFittedError, SettingsError, UnsupportedError
from penchant.predict.by_factors import FactorPredictor

WAYS = {"average": np.mean, "least misery": np.min, "most pleasure": np.max}


@pytest.fixture(scope="module")
def model():
    ratings = pc.synthetic(n_users=30, n_items=40, n_ratings=500, factors=2, noise=0.3, seed=1)
    titles = pa.table({"title": [None, *(f"film {n}" for n in range(1, 41))]})
    ratings = dataclasses.replace(ratings, item_table=titles)
    return pc.MatrixFactorization(factors=4, solver=pc.SGD(epochs=60)).fit(ratings, progress=False)


@pytest.fixture(scope="module")
def members(model):
    return model.knowledge.user_ids.array.to_pylist()[4:7]


def unclipped(model, members):
    return np.stack(
        [model.predictor.scores(model.knowledge.user_ids.row(user)) for user in members]
    )


@pytest.mark.parametrize("how", WAYS)
def test_by_liking_it_is_the_same_of_what_members_pick_and_like(model, members, how):
    known = model.knowledge
    likely = {}
    for user in members:
        for one in model.recommend(user, 1000, exclude_rated=False):
            likely.setdefault(one.item, []).append(one.probability)
    rated = {i for u in members for i in known.item_ids.ids(known.rated(known.user_ids.row(u)))}
    worth = {item: WAYS[how](one) for item, one in likely.items() if item not in rated}
    answer = [one.item for one in model.recommend_group(members, 6, how)]
    assert [worth[item] for item in answer] == sorted(worth.values(), reverse=True)[:6]


@pytest.mark.parametrize("how", WAYS)
def test_the_scores_are_those_by_hand(model, members, how):
    known = model.knowledge
    ratings = unclipped(model, members)
    scores = WAYS[how](ratings, axis=0)
    scores[0] = -np.inf
    for user in members:
        scores[known.rated(known.user_ids.row(user))] = -np.inf
    best = np.argsort(-scores, kind="stable")[:6]
    answer = model.recommend_group(members, 6, how, by="rating")
    assert [one.item for one in answer] == known.item_ids.ids(best.astype(np.int32))
    for one, row in zip(answer, best.tolist(), strict=True):
        theirs = model.predict(members, one.item)
        assert one.score == pytest.approx(float(np.clip(scores[row], 1, 5)), abs=1e-5)
        assert (one.lowest, one.highest) == pytest.approx((theirs.min(), theirs.max()), abs=1e-5)
        assert one.pays == members[int(ratings[:, row].argmin())]
        assert one.title == known.titles(np.array([row], np.int32))[0]


def test_what_is_shown_lies_on_the_scale(model, members, monkeypatch):
    inside = FactorPredictor.scores
    monkeypatch.setattr(FactorPredictor, "scores", lambda one, row: 4 * (inside(one, row) - 3) + 3)
    for how in WAYS:
        shown = model.recommend_group(members, 40, how, exclude_rated=False)
        assert all(min(one[2:5]) >= 1 and max(one[2:5]) <= 5 for one in shown)
        assert {1, 5} & {one.score for one in shown}


def test_the_ways_differ(model, members):
    lists = {how: [one.item for one in model.recommend_group(members, 8, how)] for how in WAYS}
    assert len({tuple(items) for items in lists.values()}) > 1


def test_a_group_of_one_is_that_user(model, members):
    alone = model.recommend(members[0], 5)
    for users in (members[0], members[:1]):
        answer = model.recommend_group(users, 5)
        assert [one.item for one in answer] == [one.item for one in alone]
        assert [one.score for one in answer] == pytest.approx([one.rating for one in alone])
        assert {one.pays for one in answer} == {members[0]}


def test_what_any_member_rated_is_left_out_unless_asked(model, members):
    known = model.knowledge
    rated = {
        item
        for user in members
        for item in known.item_ids.ids(known.rated(known.user_ids.row(user)))
    }
    assert rated
    assert not rated & {one.item for one in model.recommend_group(members, 40)}
    every = model.recommend_group(members, 40, exclude_rated=False)
    assert len(every) == known.item_ids.size - 1


def test_only_what_may_be_chosen(model, members):
    items = model.knowledge.item_ids.array.to_pylist()
    answer = model.recommend_group(
        members, 40, exclude_rated=False, among=items[:9], without=items[0]
    )
    assert {one.item for one in answer} == set(items[1:9])


def test_a_stranger_is_a_member_too(model, members):
    answer = model.recommend_group([*members, 10**6], 5, "least misery")
    assert all(one.lowest <= model.predict(10**6, one.item)[0] + 1e-5 for one in answer)


def test_it_prints_who_pays(model, members):
    head, *lines = str(model.recommend_group(members, 3)).splitlines()
    assert head.split() == ["item", "title", "score", "lowest", "highest", "pays"]
    assert len(lines) == 3
    assert lines[0].split()[-1] in map(str, members)


def test_without_ratings_only_what_needs_none(model, members, tmp_path):
    model.save(tmp_path / "m.penchant", ratings=False)
    opened = pc.open(tmp_path / "m.penchant")
    with pytest.raises(UnsupportedError, match="saved without them"):
        opened.recommend_group(members)
    answer = opened.recommend_group(members, exclude_rated=False)
    assert answer == model.recommend_group(members, exclude_rated=False)


@pytest.mark.parametrize(
    ("users", "settings", "says"),
    [
        ([], {}, "at least one member; received none"),
        ([1, 2, 1], {}, "names user 1 twice"),
        ([1, 2], {"how": "median"}, "how must be"),
        ([1, 2], {"n": 0}, "n must be"),
    ],
)
def test_what_makes_no_group(model, users, settings, says):
    with pytest.raises(SettingsError, match=says):
        model.recommend_group(users, **settings)


def test_before_fit():
    with pytest.raises(NotFittedError):
        pc.MatrixFactorization().recommend_group([1])
