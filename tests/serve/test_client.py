"""The client: each method against a real application, and what it makes of errors."""

import httpx
import pytest
from tests.serve.serving import HOME, InThread, app_of, bearer, model

from penchant.errors import (
    ConflictError,
    DataError,
    SettingsError,
    SourceError,
    UnavailableError,
    UnknownIdError,
)
from penchant.serve import client as module
from penchant.serve.client import Client
from penchant.serve.gate.keys import KeyFile


@pytest.fixture
def client(tmp_path):
    model().save(tmp_path / "films.penchant")
    with Client(HOME, transport=InThread(app_of(tmp_path / "films.penchant"))) as client:
        yield client


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(module.time, "sleep", lambda _: None)


def test_asking(client):
    films = model()
    expected = films.predict([1, 1], [2, 3], interval=0.8)
    found = client.predict(1, [2, 3], interval=0.8)
    assert [one.rating for one in found] == expected.rating.tolist()
    assert [one.high for one in found] == expected.high.tolist()
    assert client.predict_pairs([(1, 2)])[0].low is None
    best = films.recommend(1, 3, by="low")
    assert [tuple(one) for one in client.recommend(1, 3, by="low")] == [tuple(one) for one in best]
    group = client.recommend_group([1, 2], 4)
    assert [one.item for one in group] == [one.item for one in films.recommend_group([1, 2], 4)]
    assert client.explain(1, 2)["prediction"] == films.explain(1, 2).prediction
    assert len(client.interview({3: 5.0}, [4], 2)["questions"]) == 2


def test_looking(client):
    films = model()
    assert client.ready()
    assert client.model()["counts"]["users"] == len(films.knowledge.user_ids)
    listed = client.items(size=3)
    assert len(listed) == 3
    assert client.item(listed[0].item)["title"] == listed[0].title
    like = client.similar(1, 2)
    assert [one.item for one in like] == [one.id for one in films.similar_items(1, 2)]
    assert len(client.ratings(1)) == int(films.knowledge.user_counts[1])


def test_changing(client):
    assert client.rate([(900, 2, 4.0)], key="order-1")["added"] == 1
    assert client.rate([(900, 2, 4.0)], key="order-1")["added"] == 1  # done once
    with pytest.raises(ConflictError, match="key"):
        client.rate([(900, 3, 4.0)], key="order-1")
    assert [one["item"] for one in client.ratings(900)] == [2]
    assert client.unrate([(900, 2)])["removed"] == 1
    client.rate([(901, 2, 4.0), (901, 3, 2.0)])
    assert client.forget(901)["ratings"] == 2
    with pytest.raises(UnknownIdError, match="knows no user 901"):
        client.ratings(901)


def test_models(client):
    before = client.models()
    assert [one["active"] for one in before] == [True]
    client.rate([(1, 2, 5.0)])
    made = client.compact()
    assert made["active"]
    assert client.roll_back()["name"] == before[0]["name"]
    assert client.activate(made["name"])["active"]
    with pytest.raises(UnknownIdError):
        client.activate("../../etc")


def test_what_makes_no_sense(client):
    with pytest.raises(DataError, match="scale"):
        client.rate([(1, 2, 99.0)])
    with pytest.raises(DataError, match="by: Input should be"):
        client.recommend(1, by="luck")


def test_a_key_that_is_missing(tmp_path):
    path = tmp_path / "films.penchant"
    model().save(path)
    token = KeyFile.beside(path).add("read")[1]
    with Client(HOME, transport=InThread(app_of(path))) as client:
        with pytest.raises(SourceError, match="Send a key"):
            client.model()
        client._http.headers.update(bearer(token))
        assert client.model()["role"] == "read"
        with pytest.raises(SourceError, match="needs a key whose role is write"):
            client.rate([(1, 2, 3.0)])
    assert token not in repr(client)


def answering(*answers):
    """A client whose server gives these answers, and the requests that came."""
    seen, left = [], list(answers)

    def handle(request):
        seen.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Client(HOME, transport=httpx.MockTransport(handle)), seen


def test_a_write_without_an_answer_is_sent_again_with_the_same_key():
    done = httpx.Response(200, json={"position": 1})
    client, seen = answering(httpx.ReadError("gone"), httpx.Response(503), done)
    assert client.rate([(1, 2, 3.0)]) == {"position": 1}
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len(seen) == 3


def test_a_server_that_is_away():
    client, seen = answering(*[httpx.ConnectError("refused")] * 8)
    with pytest.raises(UnavailableError, match="can't be reached: refused"):
        client.model()
    assert len(seen) == 4
    assert not client.ready()


def test_reads_hold_what_the_client_wrote_or_say_that_they_cannot():
    def at(position):
        return httpx.Response(200, json={"items": []}, headers={"Penchant-Position": position})

    done = [httpx.Response(200, json={"position": n}) for n in (7, 5)]
    client, seen = answering(at("0"), *done, at("6"), at("7"), *[at("6")] * 4)
    assert client.items() == []
    client.rate([(1, 2, 3.0)])
    client.unrate([(1, 2)])  # an answer that came late
    assert client.items() == []
    with pytest.raises(UnavailableError, match="answers without what this client wrote"):
        client.recommend(1)
    asked = [request.headers.get("Penchant-Position") for request in seen]
    assert asked == [None] * 3 + ["7"] * 6


def test_a_question_that_may_have_been_heard_is_not_asked_twice():
    client, seen = answering(httpx.ReadError("gone"))
    with pytest.raises(UnavailableError):
        client.recommend(1)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500, text="<html>"), SourceError),
        (httpx.Response(200, text="no json"), SourceError),
        (httpx.Response(200, json=[1]), SourceError),
        (httpx.Response(413, json={"detail": "too large"}), SettingsError),
    ],
)
def test_answers_that_are_none(answer, error):
    client, _ = answering(answer)
    with pytest.raises(error):
        client.model()


def test_a_busy_server_is_asked_again_and_then_told_of():
    busy = [httpx.Response(429, json={"detail": "slow down"}, headers={"Retry-After": "1"})] * 4
    client, seen = answering(*busy)
    with pytest.raises(UnavailableError, match="slow down"):
        client.model()
    assert len(seen) == 4
