"""The HTTP API: what each route answers, and that it is what the model says."""

import json

import pytest
from tests.serve.serving import client_of, model

import penchant as pc


@pytest.fixture(scope="module")
def films():
    return model()


@pytest.fixture(scope="module")
def client(films, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "films.penchant"
    films.save(path)
    with client_of(path) as client:
        yield client


@pytest.fixture
def fresh(films, tmp_path):
    films.save(tmp_path / "films.penchant")
    with client_of(tmp_path / "films.penchant") as client:
        yield client


def found(response):
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said = response.json()
    assert sorted(said) == ["detail", "request_id", "status", "title", "type"]
    assert said["status"] == status
    assert said["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return said


def test_predict_is_the_models(client, films):
    said = found(client.post("/v1/predict", json={"user": 1, "items": [1, 2], "interval": 0.8}))
    expected = films.predict([1, 1], [1, 2], interval=0.8)
    assert [one["rating"] for one in said["ratings"]] == expected.rating.tolist()
    assert [one["low"] for one in said["ratings"]] == expected.low.tolist()
    assert said["strangers"] == 0
    pairs = found(client.post("/v1/predict", json={"pairs": [[2, 3], [99999, 1]]}))
    expected = films.predict([2, 99999], [3, 1])
    assert [one["rating"] for one in pairs["ratings"]] == expected.tolist()
    assert [one["user"] for one in pairs["ratings"]] == [2, 99999]
    assert pairs["strangers"] == 1
    assert "low" not in pairs["ratings"][0]


@pytest.mark.parametrize("body", [{"user": 1}, {"items": [1]}, {"user": 1, "pairs": [[1, 1]]}, {}])
def test_predict_needs_one_way_to_name_pairs(client, body):
    said = problem(client.post("/v1/predict", json=body), 422)
    assert said["detail"] == "Give either user and items, or pairs."


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"by": "low"},
        {"interval": 0.5},
        {"diversity": 0.5},
        {"popularity": -1},
        {"exclude_rated": False},
        {"among": [1, 2, 3, 4], "exclude_rated": False},
        {"without": [5, 6]},
        {"min_ratings": 22},
    ],
)
def test_recommend_is_the_models(client, films, settings):
    for _ in range(2):  # the second time it is remembered
        said = found(client.post("/v1/recommend", json={"user": 3, "n": 4, **settings}))
        assert said["items"] == films.recommend(3, 4, **settings).to_json()
    level = 0.9 if settings.get("by") == "low" else settings.get("interval")
    assert (said["interval"], said["stranger"]) == (level, False)


def test_a_stranger_is_answered(client, films):
    said = found(client.post("/v1/recommend", json={"user": 4711, "n": 3}))
    assert said["stranger"]
    assert said["items"] == films.recommend(4711, 3).to_json()


def test_a_group_an_explanation_an_interview(client, films):
    group = found(client.post("/v1/recommend/group", json={"users": [1, 2], "how": "least misery"}))
    assert group["items"] == films.recommend_group([1, 2], how="least misery").to_json()
    why = found(client.post("/v1/explain", json={"user": 1, "item": 2}))
    assert why == json.loads(json.dumps(films.explain(1, 2).to_json()))
    body = {"answers": [{"item": 3, "rating": 5}], "skipped": [4], "n": 2, "recommend": 3}
    talk = found(client.post("/v1/interview", json=body))
    expected = films.interview(2, answers={3: 5}, unknown=[4])
    assert talk["questions"] == expected.to_json()
    assert talk["recommendations"] == expected.recommend(3).to_json()
    twice = {"answers": [{"item": 3, "rating": 5}, {"item": 3, "rating": 4}]}
    assert "answered twice" in problem(client.post("/v1/interview", json=twice), 422)["detail"]


def test_items_by_number_of_ratings_and_by_search(client, films):
    known = films.knowledge
    all_of_them = found(client.get("/v1/items?size=100"))
    assert all_of_them["total"] == len(all_of_them["items"]) == len(known.item_ids)
    counts = [one["ratings"] for one in all_of_them["items"]]
    assert counts == sorted(counts, reverse=True)
    second = found(client.get("/v1/items?size=7&page=2"))
    assert second["items"] == all_of_them["items"][7:14]
    assert found(client.get("/v1/items?size=7&page=99"))["items"] == []
    title = all_of_them["items"][0]["title"]
    by_title = found(client.get("/v1/items", params={"search": title.upper()}))
    assert title in [one["title"] for one in by_title["items"]]
    assert found(client.get("/v1/items?search=no+such+title"))["total"] == 0
    assert found(client.get("/v1/items", params={"search": r"\Q%_*"}))["total"] == 0


def test_one_item_and_those_like_it(client, films):
    said = found(client.get("/v1/items/3"))
    mine = films.knowledge.ratings
    values = [v for v, i in zip(mine.values.tolist(), mine.items, strict=True) if i == 3]
    assert said["ratings"] == len(values)
    assert said["mean"] == pytest.approx(sum(values) / len(values))
    assert said["columns"]["title"] == said["title"]
    like = found(client.get("/v1/items/3/similar?n=4"))["items"]
    expected = films.similar_items(3, 4)
    assert [(one["item"], one["correlation"]) for one in like] == [(n.id, n[2]) for n in expected]
    problem(client.get("/v1/items/4711"), 404)
    problem(client.get("/v1/items/4711/similar"), 404)
    assert "whole numbers" in problem(client.get("/v1/items/three"), 422)["detail"]
    assert "UTF-8" in problem(client.get("/v1/items/%ff"), 422)["detail"]


def test_users_and_their_ratings(client, films):
    said = found(client.get("/v1/users?size=1000"))
    assert said["total"] == len(films.knowledge.user_ids)
    assert sum(one["ratings"] for one in said["users"]) == len(films.knowledge.ratings)
    hers = found(client.get("/v1/users/1/ratings"))
    assert hers["total"] == next(one["ratings"] for one in said["users"] if one["user"] == 1)
    mine = films.knowledge.ratings
    expected = {i: v for u, i, v in zip(mine.users, mine.items, mine.values, strict=True) if u == 1}
    assert {one["item"]: one["rating"] for one in hers["ratings"]} == expected
    if "timestamp" in hers["ratings"][0]:
        times = [one["timestamp"] for one in hers["ratings"]]
        assert times == sorted(times, reverse=True)
    problem(client.get("/v1/users/4711/ratings"), 404)


def test_the_card_the_history_the_map(client, films):
    card = found(client.get("/v1/model"))
    assert card["kind"] == "matrix_factorization"
    assert card["counts"]["ratings"] == len(films.knowledge.ratings)
    assert all(card["can"].values())
    assert card["why_not"] == {}
    assert card["role"] == "admin"
    assert card["parameters"] == films.n_parameters
    assert found(client.get("/v1/history")) == json.loads(json.dumps(films.history.to_json()))
    places = found(client.get("/v1/map?most=5"))
    assert len(places["items"]) == len(places["x"]) == 5
    assert places["total"] == len(films.knowledge.item_ids)


def test_a_rating_is_in_the_next_answer_once(fresh):
    best = found(fresh.post("/v1/recommend", json={"user": 1}))["items"][0]["item"]
    body, key = [{"user": 1, "item": best, "rating": 5}], {"Idempotency-Key": "order-7"}
    first = found(fresh.post("/v1/ratings", json=body, headers=key))
    assert first["added"] == 1
    assert found(fresh.post("/v1/ratings", json=body, headers=key)) == first
    other = [{"user": 1, "item": best, "rating": 4}]
    said = problem(fresh.post("/v1/ratings", json=other, headers=key), 409)
    assert said["type"] == "urn:penchant:problem:conflict"
    items = found(fresh.post("/v1/recommend", json={"user": 1}))["items"]
    assert best not in [one["item"] for one in items]
    hers = found(fresh.get("/v1/users/1/ratings"))["ratings"]
    assert 5.0 in [one["rating"] for one in hers if one["item"] == best]
    gone = found(fresh.request("DELETE", "/v1/ratings", json=[{"user": 1, "item": best}]))
    assert gone["removed"] == 1
    problem(fresh.request("DELETE", "/v1/ratings", json=[{"user": 1, "item": best}]), 404)


def test_a_newcomer_gets_a_row(fresh):
    body = [{"user": 900, "item": 1, "rating": 5}, {"user": 900, "item": 901, "rating": 2}]
    said = found(fresh.post("/v1/ratings", json=body))
    assert (said["users"], said["items"]) == (1, 1)
    assert not found(fresh.post("/v1/recommend", json={"user": 900}))["stranger"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([{"user": 1, "item": 1, "rating": 9}], "scale"),
        ([{"user": "ann", "item": 1, "rating": 3}], "type"),
        ([{"user": True, "item": 1, "rating": 3}], "user"),
        ([{"user": 1, "item": 1, "rating": "3"}], "rating"),
        ([{"user": 1, "item": 1}], "rating"),
        ([{"user": 1, "item": 1, "rating": 3, "raitng": 4}], "raitng"),
        ([{"user": 2**63, "item": 1, "rating": 3}], "user"),
        ([], "1 item"),
        ({}, "list"),
    ],
)
def test_what_is_no_rating_is_refused_and_nothing_is_written(client, body, told):
    before = found(client.get("/health/ready"))["position"]
    assert told in problem(client.post("/v1/ratings", json=body), 422)["detail"]
    assert found(client.get("/health/ready"))["position"] == before


def test_health_and_metrics(client):
    assert found(client.get("/health/live")) == {"status": "alive"}
    ready = found(client.get("/health/ready"))
    assert ready["ready"]
    client.get("/v1/model")
    text = client.get("/metrics").text
    assert 'penchant_requests_total{method="GET",route="/v1/model",status="200"}' in text
    assert f"penchant_log_position {float(ready['position'])}" in text
    assert 'penchant_request_seconds_bucket{le="0.005",route="/v1/model"}' in text


def test_what_a_model_cannot_do_is_told(tmp_path):
    world = pc.synthetic(n_users=20, n_items=15, n_ratings=200, factors=1, noise=0.4, seed=1)
    bare = pc.Ratings.from_columns([f"u/{u}" for u in world.users], world.items, world.values)
    made = pc.MatrixFactorization(2, pc.SGD(epochs=2)).fit(bare, progress=False)
    made.save(tmp_path / "bare.penchant", ratings=False)
    with client_of(tmp_path / "bare.penchant") as client:
        card = found(client.get("/v1/model"))
        can = {name for name, able in card["can"].items() if able}
        assert can == {"choices", "explain", "similar", "map"}
        assert sorted(card["why_not"]) == sorted(set(card["can"]) - can)
        assert card["ids"] == {"users": "str", "items": "int"}
        for path, body in {"recommend": {"user": "u/1"}, "interview": {}}.items():
            said = problem(client.post(f"/v1/{path}", json=body), 409)
            assert said["type"] == "urn:penchant:problem:unsupported"
        body = [{"user": "u/1", "item": 1, "rating": 3}]
        problem(client.post("/v1/ratings", json=body), 409)
        problem(client.get("/v1/users/u%2F1/ratings"), 409)
        problem(client.get("/v1/users/u%2F99/ratings"), 404)
        problem(client.get("/v1/users/u/1/ratings"), 404)


def test_an_address_or_method_that_is_none(client):
    said = problem(client.get("/v1/nothing"), 404)
    assert said["type"] == "urn:penchant:problem:not-found"
    response = client.put("/v1/ratings", json=[])
    problem(response, 405)
    assert response.headers["allow"] == "DELETE, POST"
    problem(client.get("/v1/model/"), 404)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"9" * 10_000, b'{"user":NaN}'])
def test_what_is_no_json_is_told(client, body):
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/recommend", content=body, headers=headers)
    assert response.status_code in (400, 422)
    problem(response, response.status_code)


def test_a_request_id_of_the_caller_is_kept_where_it_is_one(client):
    response = client.get("/v1/nothing", headers={"X-Request-Id": "trace-7"})
    assert response.json()["request_id"] == "trace-7"
    response = client.get("/v1/nothing", headers={"X-Request-Id": "a b\tc"})
    assert response.json()["request_id"] not in ("", "a b\tc")


def test_an_error_that_nobody_thought_of_is_a_problem_and_logged(client, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("secret thought")

    monkeypatch.setattr("penchant.serve.api.views.card", broken)
    response = client.get("/v1/model")
    said = problem(response, 500)
    assert "secret thought" not in response.text
    failed = [record for record in caplog.records if record.exc_info]
    assert failed[0].about["request_id"] == said["request_id"]
