"""Limits at the gate: how often, how many at once, how long; what is logged and counted of it."""

import asyncio
import json
import logging
import threading

import httpx
import numpy as np
import pytest
from tests.serve.serving import GENEROUS, HOME, InThread, app_of, bearer, client_of, model
from tests.serve.waiting import until

from penchant.errors import PenchantError, SettingsError, SourceError, UnavailableError
from penchant.serve import Rating, Service, app
from penchant.serve.api import workers as desk
from penchant.serve.api.workers import Desk
from penchant.serve.gate import limits, problems
from penchant.serve.gate.keys import KeyFile
from penchant.serve.gate.limits import Buckets, Limits
from penchant.serve.gate.logs import JsonLines
from penchant.serve.gate.problems import Problem, problem_of

PATIENCE = 600


@pytest.fixture
def bundle(tmp_path):
    model().save(tmp_path / "films.penchant")
    return tmp_path / "films.penchant"


def with_limits(**settings):
    return Limits(**{**GENEROUS.to_json(), **settings})


def test_too_many_requests_of_one_key_and_not_of_another(bundle):
    tokens = [KeyFile.beside(bundle).add("read")[1] for _ in range(2)]
    with client_of(bundle, with_limits(rate=0.001, burst=3)) as client:
        statuses = [client.get("/v1/model", headers=bearer(tokens[0])) for _ in range(4)]
        assert [one.status_code for one in statuses] == [200, 200, 200, 429]
        assert 900 < int(statuses[3].headers["retry-after"]) <= 1000
        assert "Too many requests" in statuses[3].json()["detail"]
        assert client.get("/v1/model", headers=bearer(tokens[1])).status_code == 200
        probes = [client.get("/health/ready", headers=bearer(tokens[0])) for _ in range(3)]
        assert [one.status_code for one in probes] == [200] * 3  # probes have a rate of their own


class Held:
    """A service whose readings wait until they are let go."""

    def __init__(self):
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)

    def hold(self):
        self.begun.release()
        assert self.let_go.wait(PATIENCE)
        return 1


def test_too_many_at_once_are_turned_away_and_the_rest_is_answered():
    async def run():
        held, desk = Held(), Desk(None, Limits(concurrent=2, threads=1))
        first = [asyncio.ensure_future(desk.do(held.hold)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem, match="The server is busy") as caught:
            await desk.do(held.hold)
        held.let_go.set()
        answers = await asyncio.gather(*first)
        again = await desk.do(held.hold)
        desk.close()
        return caught.value, answers, again

    problem, answers, again = asyncio.run(run())
    assert (problem.status, problem.headers) == (503, {"Retry-After": "1"})
    assert (answers, again) == ([1, 1], 1)


def test_what_takes_too_long_is_given_up_but_goes_on_counting(bundle, monkeypatch):
    held = Held()
    monkeypatch.setattr("penchant.serve.api.views.card", lambda _: held.hold())
    app = app_of(bundle, with_limits(seconds=0.3, concurrent=1, threads=1))
    with httpx.Client(transport=InThread(app), base_url=HOME) as client:
        late = []

        def begun():  # on a slow machine it may be given up before a thread takes it
            late.append(client.get("/v1/model"))
            return held.begun.acquire(blocking=False)

        until(begun)
        assert late[-1].status_code == 503
        assert late[-1].json()["type"] == "urn:penchant:problem:timeout"
        app._limits = with_limits(seconds=PATIENCE)
        busy = client.get("/v1/history")  # the thread works on still
        assert busy.status_code == 503
        assert busy.json()["type"] == "urn:penchant:problem:busy"
        assert client.get("/health/live").status_code == 200
        held.let_go.set()


def test_a_gate_that_is_full(bundle):
    app = app_of(bundle, with_limits(concurrent=1))
    with httpx.Client(transport=InThread(app), base_url=HOME) as client:
        with app._places.taken("another", ""):
            answer = client.get("/v1/model")
            assert (answer.status_code, answer.json()["detail"][:18]) == (503, "The server is busy")
        assert client.get("/v1/model").status_code == 200
        assert 'penchant_refused_total{why="busy"} 1.0' in client.get("/metrics").text


def test_one_caller_leaves_a_thread_to_others():
    async def run():
        held, desk = Held(), Desk(None, Limits(threads=2))

        async def asked(caller, work):
            limits.CALLER.set(caller)
            return await desk.do(work)

        many = [asyncio.create_task(asked("ann", held.hold)) for _ in range(5)]
        await asyncio.sleep(0)
        assert await asked("bob", lambda: 2) == 2
        held.let_go.set()
        answers = await asyncio.gather(*many)
        desk.close()
        return answers

    assert asyncio.run(run()) == [1] * 5


def test_what_is_remembered_is_bounded_by_bytes(bundle, monkeypatch):
    monkeypatch.setattr(desk, "MOST_REMEMBERED", 20_000)
    app = app_of(bundle)
    kept = app._app.state.desk
    with httpx.Client(transport=InThread(app), base_url=HOME) as client:
        for most in range(1, 31):
            assert len(client.get("/v1/map", params={"most": most}).json()["items"]) == most
            held = sum(map(len, kept._memo.values())) + desk._OF_AN_ENTRY * len(kept._memo)
            assert held == kept._remembered <= 20_000
        assert 5 < len(kept._memo) < 30


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/recommend", {"user": 1, "among": [None] * 50_000}),
        ("/v1/recommend", {"user": 1} | {f"a{n}": 1 for n in range(50_000)}),
        ("/v1/ratings", [{}] * 10_000),
        ("/v1/ratings", [{f"a{n}": 1 for n in range(50_000)}]),
        ("/v1/predict", {"pairs": [[[]] * 50_000]}),
    ],
)
def test_a_body_that_is_wrong_everywhere_is_told_of_once(bundle, monkeypatch, path, body):
    """100,000 errors were made of one body, for 3 seconds in which nobody else was answered."""
    told = []
    plain = app._invalid
    monkeypatch.setattr(app, "_invalid", lambda error: told.append(error) or plain(error))
    with client_of(bundle) as client:
        answer = client.post(path, json=body)
    assert answer.status_code == 422
    assert len(told[0].errors()) <= 10


def test_a_length_that_is_no_number(bundle):
    with client_of(bundle) as client:
        answer = client.post("/v1/recommend", content=b"{}", headers={"Content-Length": "two"})
        assert answer.status_code == 400
        assert answer.json()["detail"] == "The Content-Length is no number."


def test_a_read_has_what_its_caller_wrote_elsewhere(bundle):
    """Nothing waits for a position: the log is read at once, as far as it goes."""
    with (
        Service.open(bundle) as other,
        httpx.Client(transport=InThread(app_of(bundle)), base_url=HOME) as client,
    ):
        for n in range(20):
            position = other.rate([Rating(700 + n, 1, 3.0)]).position
            asked = {"Penchant-Position": str(position)}
            answer = client.get(f"/v1/users/{700 + n}/ratings", headers=asked)
            assert (answer.status_code, answer.headers["penchant-position"]) == (200, str(position))
        beyond = client.get("/v1/model", headers={"Penchant-Position": "999999"})
        assert (beyond.status_code, beyond.headers["penchant-position"]) == (200, "20")
        for nonsense in ("x", "-1", "9" * 40, "1.5", ""):
            answer = client.get("/v1/model", headers={"Penchant-Position": nonsense})
            assert answer.status_code == 200
            assert "penchant-position" not in answer.headers


def test_a_start_loads_what_the_first_write_needs_and_changes_nothing(bundle, caplog):
    app = app_of(bundle)
    service = app._app.state.desk.service
    with service.reading() as before:
        arrays = {name: array.copy() for name, array in before.trained.arrays().items()}
    with httpx.Client(transport=InThread(app), base_url=HOME) as client:
        position = client.get("/health/ready").json()["position"]
    with service.reading() as after:
        assert after is before
        same = [np.array_equal(arrays[name], a) for name, a in after.trained.arrays().items()]
    assert (position, all(same)) == (0, True)
    assert "warming up failed" not in caplog.text


def test_a_start_that_cannot_warm_up_goes_on_and_tells(bundle, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("penchant.serve.api.workers.put_in", broken)
    with client_of(bundle) as client:
        assert client.get("/v1/model").status_code == 200
    assert "warming up failed" in caplog.text


def test_a_line_in_the_log_for_each_answer(bundle, caplog):
    with client_of(bundle) as client, caplog.at_level("INFO", "penchant.serve"):
        sent = client.get("/v1/items/3")
        client.get("/none")
        client.request("BREW", "/v1/items/3")
        client.get("/health/live")  # probes come all the time
    lines = [json.loads(JsonLines().format(one)) for one in caplog.records if one.name != "httpx"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/items/{item}", 200),
        ("GET", "none", 404),
        ("other", "/v1/items/{item}", 405),
    ]
    assert lines[0]["request_id"] == sent.headers["x-request-id"]
    assert lines[0]["key"] is None
    assert 0 < lines[0]["seconds"] < PATIENCE


def test_a_log_line_holds_a_trace_on_one_line():
    error = ValueError("two\nlines")
    record = logging.makeLogRecord({"msg": "failed", "exc_info": (ValueError, error, None)})
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "ValueError: two\nlines" in json.loads(line)["trace"]


def test_the_status_is_told_though_the_log_is_away(bundle, monkeypatch):
    app = app_of(bundle)
    with httpx.Client(transport=InThread(app), base_url=HOME) as client:
        service = app._app.state.desk.service

        def away():
            raise UnavailableError("The log is away.")

        monkeypatch.setattr(service, "status", away)
        assert "penchant_ready 0.0" in client.get("/metrics").text
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:penchant:problem:unavailable",
        )
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("name", ["body", "headers", "burst", "concurrent", "connections"])
def test_a_limit_is_a_count(name):
    with pytest.raises(SettingsError, match=f"{name} must be a whole number of at least 1, not 0"):
        Limits(**{name: 0})


@pytest.mark.parametrize("name", ["rate", "seconds", "header_seconds", "body_seconds"])
def test_a_limit_is_a_number(name):
    with pytest.raises(SettingsError, match=f"{name} must be a number above 0, not -1"):
        Limits(**{name: -1})


def test_buckets_are_bounded_and_refill(monkeypatch):
    monkeypatch.setattr(limits, "MOST_CALLERS", 2)
    now = [0.0]
    buckets = Buckets(1, 1, lambda: now[0])
    assert [buckets.wait("ann"), buckets.wait("ann")] == [0.0, 1.0]
    now[0] = 0.25
    assert buckets.wait("ann") == 0.75
    for caller in ("bob", "eve"):  # ann, idle longest, is forgotten
        buckets.wait(caller)
    assert buckets.wait("ann") == 0.0
    now[0] = 1e9
    assert [buckets.wait("bob"), buckets.wait("bob")] == [0.0, 1.0]  # no more than the burst


def test_an_error_of_ours_without_a_status_keeps_its_words_to_itself():
    problem = problem_of(PenchantError("the password is"))
    assert problem.status == 500
    assert "password" not in problem.detail
    away = problem_of(SourceError("gone"))
    assert (away.status, away.headers) == (503, {"Retry-After": "1"})


def test_a_detail_is_bounded():
    assert len(json.loads(Problem(422, "x" * 9_000).body("id"))["detail"]) == problems._LONGEST
