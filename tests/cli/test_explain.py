"""The command explain, and intervals of predict and recommend."""

import json

import numpy as np
import pytest

import penchant as pc

WORLD = pc.synthetic(n_users=40, n_items=30, n_ratings=600, factors=2, noise=0.5, seed=1)
QUICK = pc.Gibbs(rank=2, sweeps=10, burn_in=4, heads=3)


@pytest.fixture(scope="module")
def model():
    return pc.MatrixFactorization(4, QUICK).fit(WORLD, validation=0.2, progress=False)


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "m.penchant"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "sgd.penchant"
    pc.MatrixFactorization(4, pc.SGD(epochs=2)).fit(WORLD, progress=False).save(path)
    return path


def test_explain_prints_the_table_and_the_sentences(penchant, bundle, model):
    code, out, err = penchant("explain", bundle, 3, 4)
    assert (code, err) == (0, "")
    assert out == f"{model.explain(3, 4)}\n"
    assert "You gave Film " in out


def test_explain_json_is_one_object(penchant, bundle, model):
    e = model.explain(3, 4)
    code, out, _ = penchant("explain", bundle, 3, 4, "--json", "--had", f"{e.reasons[0].item}=1")
    assert code == 0
    said = json.loads(out)
    would_be = said.pop("would_be")
    assert said == json.loads(json.dumps(e.to_json()))
    item = e.reasons[0].item
    assert would_be == [{"item": item, "rating": 1.0, "prediction": e.would_be(item, 1.0)}]


def test_explain_tells_what_would_be(penchant, bundle, model):
    e = model.explain(3, 4)
    item = e.reasons[0].item
    _, out, _ = penchant("explain", bundle, 3, 4, "--had", f"{item}=1", "--had", f"{item}=none")
    last = out.splitlines()[-2:]
    assert last == [
        f"Had you given item {item} 1 star, it would be {e.would_be(item, 1.0):.2f}.",
        f"Had you not rated item {item}, it would be {e.would_be(item, None):.2f}.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("3", "4", "--had", "5"), "--had takes ITEM=RATING or ITEM=none, not '5'"),
        (("3", "4", "--had", "5=much"), "not '5=much'"),
        (("3", "4", "--had", "5=9"), "A rating lies on the scale 1 to 5"),
        (("3", "4", "--had", "555=3"), "555"),
        (("x", "4"), "'x'"),
    ],
)
def test_explain_tells_mistakes(penchant, bundle, arguments, message):
    code, out, err = penchant("explain", bundle, *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_strangers_and_models_without_a_posterior_are_explained(penchant, bundle, plain):
    _, out, _ = penchant("explain", bundle, 999, 4)
    assert "The model has never seen user 999" in out
    code, out, _ = penchant("explain", plain, 3, 4)
    assert code == 0
    assert "learned in training" in out
    code, _, err = penchant("explain", plain, 3, 4, "--had", "5=3")
    assert code == 1
    assert "can't tell what another rating would change" in err


def test_predict_with_an_interval(penchant, bundle, model):
    found = [float(end[0]) for end in model.predict([3], [4], interval=0.9)]
    _, out, err = penchant("predict", bundle, 3, 4, "--interval", 0.9)
    assert f"would rate item 4 (Film 4) {found[0]:.2f} on the scale" in out
    assert f"0.9 of such ratings lie from {found[1]:.2f} to {found[2]:.2f}." in out
    assert err == f"The interval is {model.calibration}.\n"
    _, out, _ = penchant("predict", bundle, 3, 4, "--interval", 0.9, "--json")
    said = json.loads(out)
    assert [said["rating"], said["low"], said["high"]] == found
    assert said["interval"] == 0.9
    assert said["calibration"] == str(model.calibration)
    _, out, _ = penchant("predict", bundle, 3, 4, "--json")
    assert not {"low", "high", "interval", "calibration"} & set(json.loads(out))


def test_recommend_by_the_lower_end(penchant, bundle, model):
    _, out, err = penchant("recommend", bundle, 3, "--by", "low", "-n", 4)
    assert out.splitlines()[0].split() == [
        *("item", "title", "rating", "probability", "low", "high")
    ]
    assert err == f"Intervals of level 0.9, {model.calibration}.\n"
    _, out, _ = penchant(
        "recommend", bundle, 3, "--by", "low", "-n", 4, "--interval", 0.6, "--json"
    )
    said = json.loads(out)
    assert said["results"] == model.recommend(3, 4, by="low", interval=0.6).to_json()
    assert said["interval"] == 0.6
    assert np.all(np.diff([one["low"] for one in said["results"]]) <= 1e-6)
    _, out, err = penchant("recommend", bundle, 3, "-n", 4)
    assert out.splitlines()[0].split() == ["item", "title", "rating", "probability"]
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("predict", "{m}", "3", "4", "--interval", "90"), 2, "interval must be a number above 0"),
        (
            ("recommend", "{m}", "3", "--by", "high"),
            2,
            "by must be one of 'liking', 'rating', 'low'",
        ),
        (("predict", "{s}", "3", "4", "--interval", "0.9"), 1, "knows no intervals"),
        (("recommend", "{s}", "3", "--by", "low"), 1, "knows no intervals"),
    ],
)
def test_mistakes_with_intervals(penchant, bundle, plain, arguments, code, message):
    ended, out, err = penchant(*(a.format(m=bundle, s=plain) for a in arguments))
    assert (ended, out) == (code, "")
    assert message in err
