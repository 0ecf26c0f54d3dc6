"""A report of every kind of recommender, and of data of other shapes."""

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pytest
from tests.contract.test_recommenders import TEST, TRAIN, make, reopened
from tests.report.test_page import Outline

import penchant as pc
from penchant.recommender.opening import KINDS, kind_class
from penchant.report import report

NEVER_LEFT_OUT = ("errors", "residuals", "extremes", "comparison", "people", "map")


def told_of(model, **given):
    """The numbers and the parsed page of a report."""
    made = report(model, **given)
    assert json.loads(json.dumps(made.numbers, allow_nan=False))
    return made.numbers, Outline(made.to_html())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind, tmp_path):
    case = (kind_class(kind), "gibbs" if kind == "matrix_factorization" else None)
    make(case).fit(TRAIN, progress=False).save(tmp_path / "a.penchant")
    model = reopened(tmp_path / "a.penchant")
    told, outline = told_of(model, test=TEST)
    assert told["errors"]["rmse"] == pytest.approx(model.evaluate(TEST).rmse)
    for name in NEVER_LEFT_OUT:
        assert "left_out" not in told[name], name
    has_intervals = model.calibration is not None
    assert ("left_out" in told["calibration"]) != has_intervals
    assert ("left_out" in told["network"]) == (kind == "neural")
    explains = kind in ("matrix_factorization", "blend")
    assert (told["people"]["no_reasons"] == "") == explains
    assert told["network"]["parameters"] == model.n_parameters
    assert told["comparison"]["models"][0]["name"] == "bias"
    assert outline.open == []
    words = " ".join(data for _, data in outline.texts)
    assert ("gives no reasons" in words) != explains


def test_a_blend_that_cannot_explain_says_so():
    members = [pc.MatrixFactorization(2, "als"), pc.AutoRec(layers=(4,), epochs=1)]
    model = pc.Blend(members, folds=2).fit(TRAIN, progress=False)
    parts = tuple(part._replace(weight=0.5) for part in model.weights)
    weights = dataclasses.replace(model.weights, parts=parts)
    model._predictor = dataclasses.replace(model.predictor, weights=weights)
    told, outline = told_of(model, test=TEST)
    assert told["people"]["no_reasons"].startswith("'autorec' can't: This needs a matrix")
    assert any("'autorec' can't" in data for _, data in outline.texts)
    assert told["network"]["members"][0]["name"] == "als"


def test_an_ordinal_model():
    solver = pc.Gibbs(rank=2, sweeps=6, burn_in=2, heads=2, likelihood="ordinal")
    model = pc.MatrixFactorization(2, solver).fit(TRAIN, progress=False)
    told, _ = told_of(model, test=TEST)
    assert told["network"]["ordinal"]
    assert told["people"]["users"][0]["items"][0]["latent"]


def other(**changes):
    """Training and test ratings of another shape."""
    return [dataclasses.replace(part, **changes) for part in (TRAIN, TEST)]


def fitted(train):
    return pc.MatrixFactorization(2, "als").fit(train, progress=False)


def test_without_titles_and_timestamps():
    train, test = other(item_table=None, user_table=None, timestamps=None)
    told, outline = told_of(fitted(train), test=test)
    assert told["map"]["titles"] is None
    assert "dates" not in told["data"] or told["data"]["dates"] is None
    words = " ".join(data for _, data in outline.texts)
    assert f"item {told['extremes']['worst'][0]['item']}" in words


def test_titles_of_other_types_and_lengths():
    n = TRAIN.item_ids.size
    numbered = other(item_table=pa.table({"title": [None, *range(n - 1)]}))
    told, outline = told_of(fitted(numbered[0]), test=numbered[1])
    assert isinstance(told["map"]["titles"][0], int)
    long = other(item_table=pa.table({"title": [None, "", " ", *["x" * 5000] * (n - 3)]}))
    told, outline = told_of(fitted(long[0]), test=long[1])
    assert "x" * 5000 in " ".join(data for _, data in outline.texts)


def test_ids_of_text_and_another_scale():
    columns = [
        ([f"u<{u}>" for u in part.users], [f"i&{i}" for i in part.items], part.values * 20 - 10)
        for part in (TRAIN, TEST)
    ]
    train, test = (pc.Ratings.from_columns(*part, scale=(0, 100)) for part in columns)
    told, outline = told_of(fitted(train), test=test)
    assert told["data"]["scale"] == [0, 100]
    assert told["people"]["users"][-1]["user"] is None
    words = " ".join(data for _, data in outline.texts)
    assert f"User {told['people']['users'][0]['user']}" in words


def test_half_stars_and_one_value():
    half = [
        dataclasses.replace(part, values=part.values / 2, scale=pc.Scale(0.5, 2.5))
        for part in (TRAIN, TEST)
    ]
    told, _ = told_of(fitted(half[0]), test=half[1])
    assert [entry["low"] for entry in told["data"]["histogram"]] == [0.5, 1, 1.5, 2, 2.5]
    same = [
        dataclasses.replace(part, values=np.full(len(part), 3, np.float32))
        for part in (TRAIN, TEST)
    ]
    told, _ = told_of(fitted(same[0]), test=same[1])
    assert told["errors"]["rmse"] == pytest.approx(0, abs=1e-3)


def test_strangers_are_counted_apart():
    more = pc.Ratings.from_columns([1, 2, 998, 999], [2, 888, 1, 889], [3, 4, 5, 1], scale=(1, 5))
    told, _ = told_of(fitted(TRAIN), test=more)
    assert told["errors"]["strangers"] == 3
    assert told["errors"]["by_activity"][0]["high"] == 0
    worst = {entry["user"]: entry for entry in told["extremes"]["worst"]}
    assert worst[999]["title"] is None


def test_ids_that_look_like_strangers():
    users = [-1, -2, -1, -2, -3]
    train = pc.Ratings.from_columns(users, [1, 2, 3, 1, 2], [1, 2, 3, 4, 5])
    told, _ = told_of(fitted(train))
    assert told["people"]["users"][-1]["ratings"] == 0
    text = pc.Ratings.from_columns(["somebody new", "b", "c"], [1, 2, 1], [1, 2, 3])
    told, _ = told_of(fitted(text))
    assert told["people"]["users"][-1]["ratings"] == 0


def test_the_least_there_can_be():
    train = pc.Ratings.from_columns([1, 2], [1, 1], [1, 5])
    told, outline = told_of(fitted(train))
    assert "left_out" in told["map"] or len(told["map"]["items"]) == 1
    assert outline.open == []
