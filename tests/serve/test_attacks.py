"""What was tried against a server, as it was tried: real processes, real sockets, real kills.

`benchmarks/attacks` has the long forms.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from tests.serve.serving import SRC, bearer, model, server
from tests.serve.waiting import until

from penchant.serve import Rating, Service
from penchant.serve.gate.keys import KeyFile

PATIENCE = 600
CONNECTIONS = 32
SMALL = f"""
import json, sys
from penchant.serve.gate.limits import Limits
from penchant.serve.running import Serving, serve
limits = Limits(connections={CONNECTIONS}, concurrent={CONNECTIONS // 2})
tell = lambda url, keys, open_: print(json.dumps({{"url": url}}), flush=True)
serve(Serving(sys.argv[1], port=0, limits=limits), tell)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux' /proc")


@pytest.fixture
def bundle(tmp_path):
    model().save(tmp_path / "films.penchant")
    return tmp_path / "films.penchant"


def workers_of(process):
    """The process ids of a server's workers."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    commands = {int(one): Path(f"/proc/{one}/cmdline").read_text() for one in children}
    return {one for one, command in commands.items() if "spawn_main" in command}


def asked(url, path="/v1/models", **settings):
    """The status of an answer on a connection of its own; None where there is none."""
    try:
        return httpx.get(f"{url}{path}", timeout=PATIENCE, **settings).status_code
    except httpx.TransportError:
        return None


@pytest.mark.parametrize("how", ["removed", "deleted"])
def test_the_last_key_goes_and_workers_are_killed_and_nobody_comes_in(bundle, how):
    """A worker that takes a killed one's place found no key, and let everybody in as admin."""
    file = KeyFile.beside(bundle)
    key, token = file.add("admin")
    with server(bundle, "--host", "0.0.0.0", "--workers", 2) as (process, url):
        url = url.replace("0.0.0.0", "127.0.0.1")
        assert asked(url, headers=bearer(token)) == 200
        if how == "removed":
            file.remove(key.id)
        else:
            file.path.unlink()
        until(lambda: asked(url, headers=bearer(token)) == 401)
        before = workers_of(process)
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        until(lambda: len(workers_of(process) - before) == 2 and asked(url, "/health/live") == 200)
        assert {asked(url, headers={"Host": "localhost"}) for _ in range(12)} == {401}


def test_counts_of_a_killed_server_go_at_the_next_start(bundle):
    def counts():
        return set(bundle.with_name("films.penchant.serving").glob(".metrics.*.tmp"))

    with server(bundle, "--workers", 2) as (process, _):
        (killed,) = counts()
        workers = workers_of(process)
        for one in (process.pid, *workers):
            os.kill(one, signal.SIGKILL)
    with server(bundle, "--workers", 2):
        assert len(counts()) == 1
        assert not killed.exists()


def test_a_start_after_the_last_key_was_removed_is_closed(bundle):
    file = KeyFile.beside(bundle)
    file.remove(file.add("admin")[0].id)
    with server(bundle) as (_, url):
        through = {"Host": "127.0.0.1:8000", "X-Forwarded-For": "203.0.113.7", "Via": "1.1 proxy"}
        assert [asked(url), asked(url, headers=through)] == [401, 401]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user of the machine")
def test_another_user_of_the_machine_reads_nothing_and_holds_no_lock():
    """Ratings stood in files that all could read, and a lock on one of them stopped all writes."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)  # as folders commonly are
        bundle = folder / "films.penchant"
        old = os.umask(0o022)
        try:
            model().save(bundle)
            KeyFile.beside(bundle).add("admin")
            with Service.open(bundle) as service:
                service.rate([Rating(77_777, 1, 3.0)])
                service.compact()
                find = ["find", made, "-type", "f", "-readable"]
                ours = subprocess.run(find, capture_output=True, text=True, check=True).stdout
                theirs = subprocess.run(
                    find, capture_output=True, text=True, check=False, user=65_534, group=65_534
                ).stdout
        finally:
            os.umask(old)
    names = {Path(line).name for line in ours.splitlines()}
    assert {"users.arrow", "events.sqlite", "events.sqlite-shm", "events.sqlite-wal"} <= names
    assert theirs == ""


def test_a_folder_of_an_older_server_is_closed_to_others(bundle):
    home = bundle.with_name("films.penchant.serving")
    home.mkdir(mode=0o755)
    Service.open(bundle).close()
    assert home.stat().st_mode & 0o007 == 0


CHANGE_KEYS = """
import sys
from penchant.serve import Rating, Service
from penchant.serve.gate.keys import KeyFile
file = KeyFile.beside(sys.argv[1])
print("begun", flush=True)
sys.stdin.readline()
for _ in range(10):
    gone, kept = (file.add("admin")[0].id for _ in range(2))
    file.remove(gone)
    print(gone, kept)
"""


def test_keys_that_several_processes_add_and_remove_are_there_and_gone(bundle):
    """Removed keys came back, and added ones were lost."""
    command = [sys.executable, "-c", CHANGE_KEYS, str(bundle)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [
        subprocess.Popen(command, env={**os.environ, "PYTHONPATH": SRC}, **pipes) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "begun\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [
        line.split()
        for one in processes
        for line in one.communicate(timeout=PATIENCE)[0].splitlines()
    ]
    assert len(told) == 30
    assert {key.id for key in KeyFile.beside(bundle).read()} == {kept for _, kept in told}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A server with a key, and few places for connections: (address, a header with the key)."""
    path = tmp_path_factory.mktemp("keyed") / "films.penchant"
    model().save(path)
    token = KeyFile.beside(path).add("write")[1]
    with server(path, program=SMALL) as (process, url):
        yield url, bearer(token), process


def connected(url, text, source="127.0.0.2"):
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    client = socket.create_connection(address, timeout=PATIENCE, source_address=(source, 0))
    client.sendall(text)
    return client


LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"


def test_bodies_that_nobody_reads_hold_no_connection(keyed):
    """An answer, then one byte of the body, and no clock ran any more: 999 shut all others out."""
    url, _, _ = keyed
    client = connected(url, LIVE + b"Content-Length: 1000\r\n\r\n")
    answer = client.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200")
    client.sendall(b"x")
    with contextlib.suppress(ConnectionError):
        while client.recv(65_536):
            pass
    client.close()


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHo", LIVE + b"\r\n"])
def test_connections_that_wait_for_their_client_make_room(keyed, begun):
    url, key, _ = keyed
    many = [connected(url, begun) for _ in range(3 * CONNECTIONS)]
    with httpx.Client(base_url=url, headers=key, timeout=PATIENCE) as client:
        for _ in range(3):
            assert client.get("/v1/model").status_code == 200
            many += [connected(url, begun) for _ in range(CONNECTIONS // 2)]
    for one in many:
        one.close()


def test_positions_that_strangers_ask_for_hold_no_place(keyed):
    """70 of them, each for 1.5 s, had all 64 places."""
    url, key, _ = keyed
    position = b"Penchant-Position: 999999999\r\n\r\n"
    many = [connected(url, LIVE + position) for _ in range(CONNECTIONS // 2)]
    assert asked(url, "/v1/model", headers=key) == 200
    for one in many:
        head = one.recv(65_536).lower()
        assert head.startswith(b"http/1.1 200")
        assert b"penchant-position" not in head
        one.close()


def test_strangers_are_limited_by_address_and_fill_no_log(keyed):
    """12,043 requests without a key in 5 s made 3.3 MB of log."""
    url, key, process = keyed
    log = Path(f"/proc/{process.pid}/fd/2").resolve()
    before = log.stat().st_size
    with httpx.Client(
        transport=httpx.HTTPTransport(local_address="127.0.0.3"), base_url=url, timeout=PATIENCE
    ) as stranger:
        answers = [stranger.get("/v1/model").status_code for _ in range(1_500)]
        assert set(answers) == {401, 429}
        assert {asked(url, "/v1/model", headers=key) for _ in range(5)} == {200}
    assert log.stat().st_size - before < 60_000


def test_slow_bodies_take_nobodys_place(keyed):
    url, key, _ = keyed
    sent = (
        f"POST /v1/recommend HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key['Authorization']}"
    )
    slow = sent.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    many = [connected(url, slow) for _ in range(CONNECTIONS // 2)]  # as many as there are places
    assert {asked(url, "/v1/model", headers=key) for _ in range(5)} == {200}
    for one in many:
        one.close()


def test_a_key_that_is_guessed_is_nobody_elses(keyed):
    """A predictable idempotency key could be claimed by another writer before its owner."""
    url, key, _ = keyed
    bundle = Path(f"/proc/{keyed[2].pid}/cmdline").read_text().split("\0")[-2]
    other = bearer(KeyFile.beside(bundle).add("write")[1])
    until(lambda: asked(url, "/v1/model", headers=other) == 200)
    once = {"Idempotency-Key": "order-1"}
    positions = [
        httpx.post(
            f"{url}/v1/ratings",
            json=[{"user": 1, "item": 1, "rating": stars}],
            headers={**who, **once},
            timeout=PATIENCE,
        ).json()["position"]
        for who, stars in ((other, 1), (key, 2), (other, 1))
    ]
    assert positions == [1, 2, 1]


def test_a_user_without_a_name_cannot_be_made(keyed):
    """It could be rated, and neither read nor forgotten."""
    url, key, _ = keyed
    body = [{"user": "", "item": 1, "rating": 3}]
    answer = httpx.post(f"{url}/v1/ratings", json=body, headers=key, timeout=PATIENCE)
    assert answer.status_code == 422
    assert "at least 1 character" in answer.json()["detail"]
