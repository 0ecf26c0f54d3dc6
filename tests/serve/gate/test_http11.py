"""Connections: clients that are slow, send too much, say nothing, or don't speak HTTP."""

import contextlib
import json
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from tests.serve.serving import GENEROUS, app_of, model

from penchant.serve.gate.http11 import GuardedProtocol
from penchant.serve.gate.limits import Limits

PATIENCE = 600  # seconds until a test gives up
SHORT = 0.5
GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "films.penchant"
    model().save(path)
    return path


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextlib.contextmanager
def running(bundle, monkeypatch, **limits):
    """A server in a thread, with a real socket: (address, uvicorn's server)."""
    chosen = Limits(**{**GENEROUS.to_json(), **limits})
    monkeypatch.setattr(GuardedProtocol, "limits", chosen)
    config = uvicorn.Config(
        app_of(bundle, chosen), http=GuardedProtocol, ws="none", log_config=None, lifespan="on"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            yield listening.getsockname(), server
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


def said(address, *parts, end=False):
    """All that the server answers to these bytes until it closes the connection."""
    with socket.create_connection(address, timeout=PATIENCE) as client:
        for part in parts:
            client.sendall(part)
        if end:
            client.shutdown(socket.SHUT_WR)
        return drained(client)


def drained(client):
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            found += part
    return found


def problem(answer, status):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert len(json.loads(body)["request_id"]) == 16


def refused(address, status, *parts):
    """The server refuses these bytes; an answer may be lost where it closes before all is sent."""
    found = []

    def told():
        with contextlib.suppress(ConnectionError):
            found.append(said(address, *parts))
        return found and found[-1]

    until(told)
    problem(found[-1], status)


def answers(address):
    """The server answers others: perhaps not at once, where the machine is slow."""
    url = "http://{}:{}/health/live".format(*address)

    def answered():
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, timeout=PATIENCE).status_code == 200

    until(answered)


def test_slow_headers_are_cut_off_and_block_nobody(bundle, monkeypatch):
    with running(bundle, monkeypatch, header_seconds=SHORT) as (address, server):
        slow = [socket.create_connection(address, timeout=PATIENCE) for _ in range(50)]
        for client in slow[1:]:  # the first one says nothing at all
            with contextlib.suppress(ConnectionError):  # on a slow machine it is cut off already
                client.sendall(b"GET /v1/model HTTP/1.1\r\nHost: local")
        answers(address)
        problem(drained(slow[0]), 408)
        for client in slow[1:]:
            answer = drained(client)  # lost, where the client spoke after the server had closed
            assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
            client.close()
        slow[0].close()
        until(lambda: not server.server_state.connections)


def test_a_letter_now_and_then_wins_no_time(bundle, monkeypatch):
    with (
        running(bundle, monkeypatch, header_seconds=SHORT) as (address, server),
        socket.create_connection(address, timeout=0.05) as client,
    ):
        begun = time.monotonic()
        client.sendall(b"GET /health/live HTTP/1.1\r\nX-Letters: ")
        with contextlib.suppress(ConnectionError):  # it is cut off
            while time.monotonic() < begun + PATIENCE:
                client.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    if client.recv(65_536).startswith(b"HTTP/1.1 408 "):
                        break
        until(lambda: not server.server_state.connections)
        assert time.monotonic() - begun < PATIENCE


def test_headers_between_requests_have_a_clock_too(bundle, monkeypatch):
    with (
        running(bundle, monkeypatch) as (address, _),
        socket.create_connection(address, timeout=PATIENCE) as client,
    ):
        client.sendall(GET)
        first = client.recv(65_536)
        while not first.endswith(b'{"status":"alive"}'):
            first += client.recv(65_536)
        hurried = Limits(**{**GENEROUS.to_json(), "header_seconds": SHORT})
        monkeypatch.setattr(GuardedProtocol, "limits", hurried)
        client.sendall(b"GET /health")
        problem(drained(client), 408)


def test_a_connection_that_asks_nothing_more_is_closed(bundle, monkeypatch):
    with running(bundle, monkeypatch) as (address, server):
        server.config.timeout_keep_alive = 1
        assert b"alive" in said(address, GET)


def test_a_slow_body_is_cut_off(bundle, monkeypatch):
    with running(bundle, monkeypatch, body_seconds=SHORT) as (address, _):
        answer = said(address, POST + b'Content-Length: 50\r\n\r\n{"user"')
        problem(answer, 408)
        assert b"connection: close" in answer
        answers(address)


def test_too_large_a_body_is_refused_before_it_is_read(bundle, monkeypatch):
    with running(bundle, monkeypatch, body=1_000) as (address, _):
        answer = said(address, POST + b"Content-Length: 1001\r\n\r\n")
        problem(answer, 413)
        assert b"connection: close" in answer
        digits = b"9" * 30
        problem(said(address, POST + b"Content-Length: " + digits + b"\r\n\r\n"), 400)


def test_a_body_that_grows_too_large_is_refused(bundle, monkeypatch):
    with running(bundle, monkeypatch, body=1_000) as (address, _):
        chunk = b"200\r\n" + b" " * 0x200 + b"\r\n"
        refused(address, 413, POST + b"Transfer-Encoding: chunked\r\n\r\n", chunk, chunk)


def test_too_large_headers(bundle, monkeypatch):
    with running(bundle, monkeypatch, headers=2_000) as (address, _):
        refused(address, 431, b"GET / HTTP/1.1\r\nX: " + b"x" * 3_000)
        refused(address, 431, b"GET /" + b"x" * 3_000)
        long = b"GET /v1/items?search=" + b"x" * 2_100 + b" HTTP/1.1\r\nHost: localhost\r\n"
        problem(said(address, long + b"Connection: close\r\n\r\n"), 414)
        answers(address)


def test_of_too_many_connections_the_one_that_waited_longest_goes(bundle, monkeypatch):
    with running(bundle, monkeypatch, connections=3, header_seconds=PATIENCE) as (address, server):
        kept = []
        for n in range(1, 4):
            kept.append(socket.create_connection(address, timeout=PATIENCE))
            until(lambda n=n: len(server.server_state.connections) == n)
        answers(address)
        assert drained(kept[0]) == b""
        for client in kept[1:]:
            client.sendall(GET)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        for client in kept:
            client.close()


def test_too_many_connections_all_of_which_are_at_work(bundle, monkeypatch):
    begun, let_go = threading.Semaphore(0), threading.Event()

    def held(_):
        begun.release()
        assert let_go.wait(PATIENCE)
        return {}

    monkeypatch.setattr("penchant.serve.api.views.card", held)
    ask = b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with running(bundle, monkeypatch, connections=2) as (address, _):
        kept = [socket.create_connection(address, timeout=PATIENCE) for _ in range(2)]
        for client in kept:
            client.sendall(ask)
            assert begun.acquire(timeout=PATIENCE)
        problem(said(address), 503)
        let_go.set()
        for client in kept:
            assert drained(client).startswith(b"HTTP/1.1 200")
            client.close()


def test_a_client_that_does_not_read_is_cut_off(bundle, monkeypatch):
    with running(bundle, monkeypatch, seconds=SHORT) as (address, server):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.settimeout(PATIENCE)
            client.connect(address)
            ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
            with contextlib.suppress(ConnectionError):
                client.sendall(ask * 200)
            until(lambda: not server.server_state.connections)
        answers(address)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",  # a client that thinks this is TLS
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo Colon\r\n\r\n",
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http(bundle, monkeypatch, garbage):
    with running(bundle, monkeypatch, header_seconds=PATIENCE) as (address, _):
        answer = said(address, garbage)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer
        assert b"Traceback" not in answer
        answers(address)


def test_requests_one_after_another_without_waiting(bundle, monkeypatch):
    with running(bundle, monkeypatch) as (address, _):
        last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert said(address, GET * 3 + last).count(b'{"status":"alive"}') == 4


def test_a_client_that_goes_away_hurts_nobody(bundle, monkeypatch, caplog):
    with running(bundle, monkeypatch) as (address, server):
        for part in (b"", POST, POST + b'Content-Length: 50\r\n\r\n{"user"', GET):
            with socket.create_connection(address, timeout=PATIENCE) as client:
                client.sendall(part)
        until(lambda: not server.server_state.connections)
        answers(address)
    assert not [record for record in caplog.records if record.exc_info]
