"""What each kind of model can do: the library, the command and the server say and do the same."""

import copy
import dataclasses

import pytest
from tests.contract.test_recommenders import TRAIN, make, part, quick
from tests.serve.serving import client_of

import penchant as pc
from penchant.errors import UnsupportedError
from penchant.predict.predictor import ABILITIES
from penchant.recommender.opening import KINDS, kind_class

GROUP = {"users": [1, 2, 99], "n": 4, "how": "least misery", "interval": 0.8}


def of_kind(kind, solver=None):
    return make((kind_class(kind), solver)).fit(TRAIN, progress=False)


def blend_of(*members):
    """A blend in which each member has weight, whatever it is worth."""
    model = pc.Blend(list(members), folds=2, seed=5).fit(TRAIN, progress=False)
    parts = tuple(one._replace(weight=1 / len(members)) for one in model.weights)
    weights = dataclasses.replace(model.weights, parts=parts)
    model._predictor = dataclasses.replace(model.predictor, weights=weights)
    return model


MODELS = {
    "gibbs": lambda: part("gibbs").fit(TRAIN, progress=False),
    "bias": lambda: part("bias").fit(TRAIN, progress=False),
    "sgd, calibrated": lambda: part("sgd").fit(TRAIN, validation=0.3, progress=False),
    "gibbs, ordinal": lambda: of_kind("matrix_factorization", "gibbs, ordinal"),
    "gibbs, saved without ratings": lambda: part("gibbs").fit(TRAIN, progress=False),
    "autorec": lambda: of_kind("autorec"),
    "deep": lambda: of_kind("deep"),
    "blend": lambda: blend_of(part("gibbs"), part("als")),
    "blend with an autoencoder": lambda: blend_of(part("als"), make((kind_class("autorec"), None))),
    "blend with an ordinal one": lambda: blend_of(
        part("als"), pc.MatrixFactorization(3, quick("gibbs, ordinal"), seed=5)
    ),
}


@pytest.fixture(scope="module", params=MODELS)
def saved(request, tmp_path_factory):
    """A model as it is opened again, and its bundle."""
    path = tmp_path_factory.mktemp("able") / "m.penchant"
    MODELS[request.param]().save(path, ratings="without ratings" not in request.param)
    return pc.open(path), path


@pytest.fixture(scope="module")
def client(saved):
    with client_of(saved[1]) as client:
        yield client


def works(ask):
    """Whether a question of the library is answered."""
    try:
        ask()
    except (UnsupportedError, AttributeError):
        return False
    return True


def test_every_kind_is_here():
    assert {of.split()[0].strip(",") for of in MODELS} >= set(KINDS) - {
        "matrix_factorization",
        "neural",  # its bundle holds no network, and a server runs no code
    }


def test_the_library_does_what_it_says_that_it_can(saved):
    model, can = saved[0], saved[0].predictor.can()
    assert tuple(can) == ABILITIES
    changed = copy.copy(model)
    done = {
        "explain": works(lambda: model.explain(1, 2)),
        "interview": works(lambda: model.interview(2)),
        "intervals": model.calibration is not None,
        "ratings": works(lambda: changed.add_ratings([1], [3], [4.0])),
        "forget": works(lambda: copy.copy(model).forget(2)),
        "similar": works(lambda: model.similar_items(1, 2)),
    }
    assert {name: not can[name] for name in done} == done
    assert model.predictor.can() == can  # a copy's changes are its own


def test_the_server_says_the_same_and_does_it(saved, client):
    can = saved[0].predictor.can()
    card = client.get("/v1/model").json()
    assert card["can"] == {name: not why for name, why in can.items()}
    assert card["why_not"] == {name: why for name, why in can.items() if why}
    asked = {
        "explain": client.post("/v1/explain", json={"user": 1, "item": 2}),
        "interview": client.post("/v1/interview", json={}),
        "similar": client.get("/v1/items/1/similar"),
    }
    if card["can"]["intervals"]:
        # Without ratings nobody can be answered whose row is solved from theirs
        body = {"user": 99, "items": [2], "interval": 0.9}
        asked["intervals"] = client.post("/v1/predict", json=body)
    for name, response in asked.items():
        assert response.status_code == (200 if card["can"][name] else 409), response.text


def test_the_command_does_it_too(saved, penchant):
    can = saved[0].predictor.can()
    for name, arguments in {
        "explain": ("explain", saved[1], 1, 2),
        "interview": ("interview", saved[1], "--json"),
        "similar": ("similar", saved[1], 1),
        "intervals": ("predict", saved[1], 99, 2, "--interval", 0.9),
    }.items():
        code, _, err = penchant(*arguments)
        assert code == (1 if can[name] else 0), (name, err)


def test_groups_have_their_intervals_everywhere(saved, client):
    model = saved[0]
    body = {**GROUP, "exclude_rated": False}
    users, n = body["users"], body["n"]
    settings = {name: value for name, value in body.items() if name not in ("users", "n")}
    response = client.post("/v1/recommend/group", json=body)
    if not works(lambda: model.recommend_group(users, n, **settings)):
        assert response.status_code == 409
        return
    answer = response.json()
    assert answer["items"] == model.recommend_group(users, n, **settings).to_json()
    assert answer["interval"] == 0.8


def test_ratings_and_forgetting_reach_the_model(saved, client):
    """Last: it changes what is served."""
    model, can = copy.copy(saved[0]), saved[0].predictor.can()
    put = client.post("/v1/ratings", json=[{"user": 777, "item": 3, "rating": 5}])
    assert put.status_code == (409 if can["ratings"] else 200), put.text
    gone = client.delete("/v1/users/4")
    assert gone.status_code == (409 if can["forget"] else 200), gone.text
    if not can["ratings"] and not can["forget"]:
        model.add_ratings([777], [3], [5.0])
        model.forget(4)
        ask = {"user": 777, "items": [1, 2, 3]}
        served = client.post("/v1/predict", json=ask).json()["ratings"]
        assert [one["rating"] for one in served] == model.predict(777, [1, 2, 3]).tolist()
        assert client.post("/v1/models/compact").status_code == 200
        again = client.post("/v1/predict", json=ask).json()["ratings"]
        assert again == served
