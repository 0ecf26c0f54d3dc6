"""What was tried against a server, as it was tried: real processes, real sockets, real kills.

`benchmarks/attacks` has the long forms.
"""

import os
import signal
from pathlib import Path

import httpx
import pytest
from tests.serve.serving import bearer, model, server
from tests.serve.waiting import until

from penchant.serve.keys import KeyFile

PATIENCE = 120

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


def test_a_start_after_the_last_key_was_removed_is_closed(bundle):
    file = KeyFile.beside(bundle)
    file.remove(file.add("admin")[0].id)
    with server(bundle) as (_, url):
        through = {"Host": "127.0.0.1:8000", "X-Forwarded-For": "203.0.113.7", "Via": "1.1 proxy"}
        assert [asked(url), asked(url, headers=through)] == [401, 401]
