"""Malformed requests: none brings a 500, a stack trace, or an answer that is no problem document.

The whole, of 10,000 requests and a soak, is `python benchmarks/fuzz_http.py --seconds 300`.
"""

import contextlib
import importlib
import json
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.serve.gate.test_http11 import running
from tests.serve.serving import client_of, model

import penchant as pc

BENCHMARKS = Path(pc.__file__).parents[2] / "benchmarks"
REQUESTS = 1_500
SENT = ("method", "url", "params", "headers", "json")


def of_benchmarks(name):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


fuzz = of_benchmarks("fuzz_requests")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "films.penchant"
    model().save(path)
    return path


def test_malformed_requests_are_refused_in_order(bundle, monkeypatch, caplog):
    faults, quick = [], {"header_seconds": 0.3, "body_seconds": 0.3}
    with running(bundle, monkeypatch, **quick) as (address, _):
        for number in range(REQUESTS):
            data, method = fuzz.request(number)
            told = fuzz.fault(method, fuzz.exchanged(address, data, method))
            if told:
                faults.append((number, told))
    assert faults == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_requests_are_the_same_each_time():
    assert fuzz.request(3) == fuzz.request(3)
    assert len({fuzz.request(number)[0] for number in range(200)}) > 190


@pytest.mark.parametrize("number", [119, 8299, 8689])
def test_what_the_whole_run_found(bundle, monkeypatch, number):
    data, method = fuzz.request(number)
    with running(bundle, monkeypatch) as (address, _):
        assert fuzz.fault(method, fuzz.exchanged(address, data, method)) is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "no answer"),
        (b"HTTP/1.1 500 Error\r\n\r\n", "status 500"),
        (b"HTTP/1.1 400 Bad\r\ncontent-type: text/plain\r\n\r\nbad", "status 400 as b'text/plain'"),
        (b"HTTP/1.1 200 OK\r\n\r\nTraceback (most recent call last)", "a stack trace"),
    ],
)
def test_the_judge_sees_faults(answer, told):
    assert fuzz.fault("GET", answer) == told


# What the OpenAPI document promises, asked by schemathesis


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "films.penchant"
    model().save(path)
    with client_of(path) as client:
        yield client


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


def test_every_operation_keeps_its_promise(document, client):
    operations = [
        found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()
    ]
    assert len(operations) >= 22
    for operation in operations:
        ask(operation, GenerationMode.POSITIVE, client)
        if operation.body or len(operation.query):  # else nothing can be wrong
            with contextlib.suppress(Unsatisfiable):  # few values don't fit, and it finds none
                ask(operation, GenerationMode.NEGATIVE, client)


def test_every_operation_has_words_and_examples(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            assert "default" in operation["responses"], (method, path)
    shapes = document["components"]["schemas"]
    for name in ("Predict", "Recommend", "RecommendGroup", "Explain", "Interview", "Rated"):
        assert shapes[name]["examples"], name


def test_no_other_host_is_named(document):
    assert "://" not in json.dumps(document)


def ask(operation, mode, client):
    """Send an operation requests that fit its schema, or don't, and look at the answers."""

    @seed(1)
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=8,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case):
        if operation.method.upper() == "DELETE" and operation.path == "/v1/users/{user}":
            case.path_parameters = {"user": "4711"}  # the model is to keep its users
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
        response = client.request(**{name: sent.get(name) for name in SENT})
        answer = schemathesis.Response.from_httpx(response, verify=False)
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    run()
