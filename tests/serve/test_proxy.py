"""The reverse proxy that docs/serve.md sets up: nginx itself, as it stands there."""

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import trustme
from tests.serve.serving import bearer, model, server
from tests.serve.waiting import until

from penchant.serve.gate.keys import KeyFile

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PATIENCE = 120
DOCS = Path(__file__).parents[2] / "docs" / "serve.md"
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {inner}
}}
"""
PLAIN = """
server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://localhost:{behind}; }}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def nginx(folder, inner, port):
    """nginx with a configuration, once it listens."""
    conf = folder / "nginx.conf"
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""  # to read our folders
    conf.write_text(AROUND.format(folder=folder, inner=inner, user=user))
    tested = subprocess.run([NGINX, "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with subprocess.Popen([NGINX, "-c", conf], stderr=subprocess.DEVNULL) as process:
        try:

            def listens():
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    return True

            until(listens)
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with a key behind the documented proxy: (folder, client, header with the key)."""
    folder = tmp_path_factory.mktemp("proxied")
    model().save(folder / "films.penchant")
    token = KeyFile.beside(folder / "films.penchant").add("write")[1]
    authority = trustme.CA()
    certificate = authority.issue_cert("films.example", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "films.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    block = re.search(r"```nginx\n(.*?)```", DOCS.read_text(), re.S).group(1)
    with server(folder / "films.penchant") as (_, url):
        port = free_port()
        for given, ours in {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "127.0.0.1:8000": url.removeprefix("http://"),
            "/etc/ssl/films.pem": str(folder / "films.pem"),
            "/etc/ssl/films.key": str(folder / "films.pem"),
        }.items():
            assert given in block
            block = block.replace(given, ours)
        with (
            nginx(folder, block, port),
            httpx.Client(
                base_url=f"https://127.0.0.1:{port}",
                headers={"Host": "films.example"},
                verify=ssl.create_default_context(cafile=folder / "ca.pem"),
                timeout=PATIENCE,
            ) as client,
        ):
            yield folder, client, bearer(token)


def test_a_request_with_a_key_comes_through_and_others_do_not(served):
    _, client, key = served
    assert client.get("/health/live").status_code == 200
    assert client.get("/v1/model", headers=key).status_code == 200
    assert client.get("/v1/items/a%2Fb", headers=key).status_code == 422  # as it was sent
    assert client.get("/v1/model").status_code == 401
    own = {"X-Forwarded-For": "127.0.0.1", "Host": "localhost"}
    assert client.get("/v1/model", headers=own).status_code == 401


def test_too_much_stops_at_the_proxy(served):
    _, client, key = served
    answer = client.post("/v1/ratings", content=b"x" * 2_000_000, headers=key)
    assert (answer.status_code, "nginx" in answer.headers["server"]) == (413, True)
    statuses = {client.get("/health/live").status_code for _ in range(400)}
    assert statuses <= {200, 429}


def test_without_keys_nobody_comes_through_a_proxy(tmp_path):
    """nginx' own defaults send no header that tells of it, and the Host that they are given."""
    model().save(tmp_path / "films.penchant")
    with server(tmp_path / "films.penchant") as (_, url):
        port, behind = free_port(), url.rpartition(":")[2]
        with nginx(tmp_path, PLAIN.format(port=port, behind=behind), port):
            for call, status in (("GET", 421), ("DELETE", 421)):
                path = "/v1/models" if call == "GET" else "/v1/users/7"
                answer = httpx.request(call, f"http://127.0.0.1:{port}{path}", timeout=PATIENCE)
                assert answer.status_code == status
        assert httpx.get(f"{url}/v1/users/7/ratings", timeout=PATIENCE).status_code == 200
