"""Starting and stopping a real server: its first line, its address, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from tests.serve.gate.test_http11 import drained
from tests.serve.serving import PATIENT, SRC, bearer, model, server
from tests.serve.waiting import until

from penchant.cli import main
from penchant.errors import SettingsError, SourceError
from penchant.serve.client import Client
from penchant.serve.gate.keys import KeyFile
from penchant.serve.running import Serving, serve

PATIENCE = 600


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "films.penchant"
    model().save(path)
    return path


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a command in this process: (exit code, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["penchant", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_a_server_of_several_workers_from_start_to_end(bundle):
    """Two workers: what one is told the other says soon, and they count together."""
    with server(bundle, "--workers", 2) as (process, url):
        with Client(url, seconds=PATIENCE) as client:
            written = client.rate([(1, 2, 5.0), (777, 3, 4.0)])
        path = f"{url}/v1/users/777/ratings"
        after = {"Penchant-Position": str(written["position"])}
        right = []

        def answered():  # a new connection, which either worker may take
            response = httpx.get(path, headers=after, timeout=PATIENCE)
            right.extend([response.json()["total"]] if response.status_code == 200 else [])
            return len(right) == 20

        until(answered)
        assert right == [1] * 20
        text = httpx.get(f"{url}/metrics", timeout=PATIENCE).text
        counted = re.findall(r'_total{.*route="/v1/users/{user}/ratings",status="200"} (\S+)', text)
        assert [float(count) for count in counted] == [20.0]
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert output == ""  # the first line alone goes there
    for line in bundle.with_name("server.log").read_text().splitlines():
        assert json.loads(line)["level"] in ("info", "warning"), line


def test_what_runs_at_the_signal_is_finished(bundle):
    """Requests whose bodies are on their way when SIGTERM comes get their answers."""
    head = b"POST /v1/recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    begun = head + b'Content-Length: 11\r\n\r\n{"use'
    with server(bundle, program=PATIENT) as (process, url):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        clients = [socket.create_connection(address, timeout=PATIENCE) for _ in range(3)]
        for client in clients:
            client.sendall(begun)
        working = "penchant_requests_working 4.0"  # they, and who asks
        until(lambda: working in httpx.get(f"{url}/metrics", timeout=PATIENCE).text)
        process.send_signal(signal.SIGTERM)
        answers = []
        for client in clients:
            client.sendall(b'r": 1}')
            answers.append(drained(client))
            client.close()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 200 OK"), answer
        assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["items"]) == 10


def test_the_first_line_says_where_and_for_whom(bundle, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "penchant", "serve", str(bundle), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SRC},
    )
    with process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=PATIENCE)
    told = r"Serving films.penchant at http://127.0.0.1:\d+ \(no key: this machine alone, .*\n"
    assert re.fullmatch(told, line), (line, log)
    assert process.returncode == 0


def test_beyond_this_machine_a_key_is_needed(bundle, command):
    for host in ("0.0.0.0", "::", ""):
        with pytest.raises(SettingsError, match="There is no key, so the server answers this"):
            serve(Serving(str(bundle), host=host, port=0), lambda *_: None)
    code, output, _ = command("serve", bundle, "--host", "0.0.0.0", "--json")
    assert code == 2
    assert json.loads(output)["error"]["kind"] == "SettingsError"


def test_with_a_key_it_answers_on_other_addresses_and_whoever_has_none_learns_nothing(tmp_path):
    path = tmp_path / "films.penchant"
    model().save(path)
    token = KeyFile.beside(path).add("read")[1]
    with server(path, "--host", "0.0.0.0") as (_, url):
        port = url.rpartition(":")[2]
        other = f"http://127.0.0.2:{port}"  # an address that it wasn't told of
        with httpx.Client(base_url=other, timeout=PATIENCE) as client:
            assert client.get("/health/live").status_code == 200
            for path_ in ("/v1/model", "/health/ready", "/metrics", "/openapi.json", "/none"):
                assert client.get(path_).status_code == 401
            assert client.get("/v1/model", headers=bearer(token)).status_code == 200
            body = [{"user": 1, "item": 1, "rating": 3}]
            answer = client.post("/v1/ratings", json=body, headers=bearer(token))
            assert answer.status_code == 403
        with Client(other, token, seconds=PATIENCE) as client:
            assert len(client.recommend(1, 3)) == 3


def test_an_address_that_is_taken(bundle):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match=f"can't listen at 127.0.0.1 port {port}"):
            serve(Serving(str(bundle), port=port), lambda *_: None)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"port": 70_000}, "--port must be from 0 to 65535"),
        ({"workers": 0}, "--workers must be a whole number"),
        ({"keep": 0}, "--keep must be a whole number"),
    ],
)
def test_settings_that_make_no_sense(settings, told):
    with pytest.raises(SettingsError, match=told):
        Serving("films.penchant", **settings)


def test_what_is_no_bundle(tmp_path, command):
    code, output, told = command("serve", tmp_path / "none.penchant", "--port", "0")
    assert (code, output) == (2, "")
    assert told.startswith("Error: ")
    assert len(told.splitlines()) == 1


def test_compact_while_nobody_serves(tmp_path, command):
    path = tmp_path / "films.penchant"
    model().save(path)
    code, output, _ = command("compact", path, "--json")
    assert code == 0
    assert json.loads(output)["active"]
    assert "it holds the log up to event 0" in command("compact", path)[1]


def test_keys_on_the_command_line(tmp_path, command):
    path = tmp_path / "films.penchant"
    model().save(path)
    assert command("keys", "list", path)[1].startswith("There is no key")
    code, output, told = command("keys", "add", path, "--role", "admin")
    token = output.strip()
    assert code == 0
    assert re.fullmatch(r"[0-9a-f]{12}\.[A-Za-z0-9_-]{43}", token)
    id_, secret = token.split(".")
    assert id_ in told
    assert secret not in told
    made = json.loads(command("keys", "add", path, "--json")[1])
    assert made["key"].startswith(f"{made['id']}.")
    listed = json.loads(command("keys", "list", path, "--json")[1])["keys"]
    assert [(key["id"], key["role"]) for key in listed] == [(id_, "admin"), (made["id"], "read")]
    assert "hash" not in json.dumps(listed)
    assert "admin" in command("keys", "list", path)[1]
    assert command("keys", "remove", path, id_)[1].startswith(f"Removed the key {id_}")
    assert json.loads(command("keys", "remove", path, made["id"], "--json")[1])["role"] == "read"
    code, _, told = command("keys", "remove", path, "nobody")
    assert code == 2
    assert "There is no key 'nobody'" in told


def test_a_link_to_a_bundle_that_has_keys_or_a_log_is_refused(tmp_path):
    """Keys and log go by name: by a link there were none."""
    for name in ("films", "free"):
        model().save(tmp_path / f"{name}.penchant")
        (tmp_path / f"link-{name}.penchant").symlink_to(f"{name}.penchant")
    KeyFile.beside(tmp_path / "films.penchant").add("admin")
    with pytest.raises(SettingsError, match=r"is a link to .* which has a log or keys of its own"):
        Serving(str(tmp_path / "link-films.penchant"))
    assert Serving(str(tmp_path / "link-free.penchant")).keys().read() == ()
