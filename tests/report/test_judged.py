"""Which rows judge a model: never those that it was trained on."""

import dataclasses

import numpy as np
import pytest

import penchant as pc
from penchant.errors import DataError, SettingsError
from penchant.report import judged as module
from penchant.report import report
from penchant.report.judged import judge


def pairs(ratings):
    return set(zip(ratings.users, ratings.items, strict=True))


@pytest.fixture(scope="module")
def bare(model, tmp_path_factory):
    """The model from a bundle without ratings."""
    path = tmp_path_factory.mktemp("bare") / "a.penchant"
    model.save(path, ratings=False)
    return pc.open(path)


@pytest.fixture
def unnoted(parts):
    return pc.MatrixFactorization(1, "bias").fit(parts[0], progress=False)


def test_the_noted_split_is_made_again(model, world, parts):
    found = judge(model, world)
    assert found.verified
    assert pairs(found.test) == pairs(parts[1])
    assert found.protocol.startswith("random split, test=0.2, seed=11: 280 test ratings of ")
    assert not pairs(found.test) & pairs(model.knowledge.ratings)
    assert len(found.whole) == len(world)
    assert found.caution == found.why == ""


def test_validation_ratings_are_never_test_ratings(model, world, parts):
    kept_out = pairs(parts[0]) - pairs(model.knowledge.ratings)
    assert len(kept_out) == 112
    assert not pairs(judge(model, world).test) & kept_out


def test_a_bundle_without_ratings_gets_them_back(bare, model, world):
    assert bare.knowledge.fetch() is None
    found = judge(bare, world)
    assert found.verified
    assert pairs(found.model.knowledge.ratings) == pairs(model.knowledge.ratings)
    assert bare.knowledge.fetch() is None  # the caller's model stays as it was
    one, two = report(bare, source=world).numbers, report(model, source=world).numbers
    assert one["errors"] == two["errors"]
    assert one["people"]["users"][0]["items"] == two["people"]["users"][0]["items"]


def test_another_table_is_judged_by_its_unseen_pairs(model, world):
    other = world.take(np.arange(0, len(world), 2))
    found = judge(model, other)
    assert not found.verified
    assert pairs(found.test) == pairs(other) - pairs(model.knowledge.ratings)
    assert found.left_out == len(other) - len(found.test)
    assert "whose pairs of user and item were not trained on" in found.protocol
    assert "112 validation ratings" in found.caution


def test_without_a_note_unseen_pairs_judge(unnoted, world, parts):
    found = judge(unnoted, world)
    assert pairs(found.test) == pairs(parts[1])
    assert (found.verified, found.caution) == (False, "")


def test_a_validation_curve_is_a_reason_for_caution(parts, world):
    solver = pc.SGD(epochs=3)
    model = pc.MatrixFactorization(2, solver).fit(parts[0], validation=0.1, progress=False)
    model._predictor = dataclasses.replace(model.predictor, calibration=None)
    assert "may include validation ratings" in judge(model, world).caution


def test_given_test_ratings_lose_those_that_trained(unnoted, world, parts):
    found = judge(unnoted, test=world)
    assert pairs(found.test) == pairs(parts[1])
    assert found.protocol == "280 test ratings as given, without 1,120 that were trained on"
    found = judge(unnoted, test=parts[1])
    assert found.protocol == "280 test ratings as given"
    assert found.left_out == 0


def test_what_cannot_be_checked_is_said(bare, parts):
    found = judge(bare, test=parts[1])
    assert len(found.test) == 280
    assert "It can't be checked that they weren't trained on" in found.caution


def test_trained_ratings_judge_nothing(unnoted, parts):
    for given in ({"source": parts[0]}, {"test": parts[0]}):
        found = judge(unnoted, **given)
        assert found.test is None
        assert "All 1,120 ratings are of pairs that the model was trained on" in found.why


def test_without_ratings_and_note_nothing_is_known(unnoted, bare, world, parts, tmp_path):
    unnoted.save(tmp_path / "a.penchant", ratings=False)
    found = judge(pc.open(tmp_path / "a.penchant"), world)
    assert found.test is None
    assert "neither ratings nor a note" in found.why
    found = judge(bare, world.take(np.arange(700)))
    assert found.test is None
    assert "is not the table that its note" in found.why


def test_a_table_too_small_for_the_split_is_another_one(model, world):
    assert not judge(model, world.take([0])).verified


def test_without_anything_the_note_says_what_to_give(model, unnoted):
    assert "doesn't tell which ratings were held out" in judge(unnoted).why
    assert "penchant report BUNDLE films.csv" in judge(model).why
    noted = dataclasses.replace(model.provenance, test=0)
    unnoted.note(noted)
    assert "No ratings were held out" in judge(unnoted).why


def test_a_noted_set_is_loaded_and_checked(unnoted, model, world, monkeypatch):
    asked = []

    def load(name):
        asked.append(name)
        return world

    monkeypatch.setattr(module, "_load", load)
    noted = dataclasses.replace(model.provenance, source="ml-100k", validation=None)
    unnoted.note(noted)
    assert judge(unnoted).verified
    assert asked == ["ml-100k"]
    unnoted.note(dataclasses.replace(noted, seed=12))  # another split
    found = judge(unnoted)
    assert found.test is None
    assert "does not leave the ratings that this model holds" in found.why


def test_a_set_that_cannot_be_loaded_is_no_failure(unnoted, model, monkeypatch):
    def load(name):
        raise pc.load("/no/such/file")

    monkeypatch.setattr(module, "_load", load)
    unnoted.note(dataclasses.replace(model.provenance, source="ml-100k"))
    assert judge(unnoted).why.startswith("ml-100k could not be loaded: There is no file")


def test_only_named_sets_are_loaded_by_themselves(unnoted, model, monkeypatch):
    """A bundle from elsewhere can't make this machine read a file, or ask another one."""
    monkeypatch.setattr(module, "_load", lambda name: pytest.fail(f"loaded {name}"))
    for source in ("/etc/passwd", "../secret.csv", "postgresql://a@b/c", "sqlite:///x.db", ""):
        unnoted.note(dataclasses.replace(model.provenance, source=source))
        assert judge(unnoted).test is None


def test_wrong_arguments(unnoted, world, parts):
    with pytest.raises(SettingsError, match="Give either the whole table"):
        judge(unnoted, world, parts[1])
    with pytest.raises(DataError, match="test must be Ratings"):
        judge(unnoted, test=[1])
    with pytest.raises(DataError, match="no ratings in source"):
        judge(unnoted, world.take(np.zeros(0, int)))
