"""Closed by default: what answers without a key, what each role may, and who is turned away."""

import itertools

import pytest
from fastapi.routing import APIRoute
from tests.serve.serving import access_of, bearer, client_of, model

from penchant.serve.app import _ROUTERS
from penchant.serve.gate import access
from penchant.serve.gate.access import role_for
from penchant.serve.gate.keys import ROLES, KeyFile, may
from penchant.serve.gate.problems import Problem

ROUTES = [
    (method, route.path.replace("{item}", "1").replace("{user}", "1").replace("{name}", "none"))
    for router in _ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
AGREED = {
    "GET": "read",
    "POST /v1/predict": "read",
    "POST /v1/recommend": "read",
    "POST /v1/recommend/group": "read",
    "POST /v1/explain": "read",
    "POST /v1/interview": "read",
    "POST /v1/ratings": "write",
    "DELETE /v1/ratings": "write",
    "DELETE /v1/users/1": "admin",
    "GET /v1/models": "admin",
    "POST /v1/models/none/activate": "admin",
    "POST /v1/models/roll-back": "admin",
    "POST /v1/models/compact": "admin",
    "GET /v1/receipts/{id}": "admin",
    "GET /health/live": None,
}


def needed(method, path):
    return AGREED[f"{method} {path}"] if f"{method} {path}" in AGREED else AGREED[method]


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A client from another machine, and a token of each role."""
    path = tmp_path_factory.mktemp("keyed") / "films.penchant"
    model().save(path)
    tokens = {role: KeyFile.beside(path).add(role)[1] for role in ROLES}
    with client_of(path, address="203.0.113.7") as client:
        yield client, tokens


@pytest.fixture(scope="module")
def keyless(tmp_path_factory):
    path = tmp_path_factory.mktemp("keyless") / "films.penchant"
    model().save(path)
    with client_of(path) as client:
        yield client


def test_no_route_escapes():
    assert len(ROUTES) >= 22
    assert {role_for(*route) for route in ROUTES} == {None, *ROLES}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_role_that_a_route_needs_is_the_agreed_one(method, path):
    assert role_for(method, path) == needed(method, path)


@pytest.mark.parametrize(
    "path", ["/metrics", "/openapi.json", "/docs", "/v1", "/v1/new", "/health"]
)
def test_what_is_not_listed_is_closed(path):
    assert role_for("GET", path) == "read"
    assert role_for("PATCH", path) == role_for("POST", path) == "admin"
    assert role_for("OPTIONS", "/") == role_for("POST", "/page/x") == "admin"


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/openapi.json"), ("GET", "/none")])
def test_without_a_key_nothing_answers_but_that_it_lives(keyed, method, path):
    client, _ = keyed
    response = client.request(method, path, content=b"{}")
    if path == "/health/live":
        assert response.status_code == 200
        return
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["type"] == "urn:penchant:problem:unauthorized"


def test_the_page_asks_for_a_key_itself_and_holds_no_data(keyed):
    client, _ = keyed
    assert client.get("/").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_it_may_and_no_more(keyed, method, path, role):
    client, tokens = keyed
    if role == "admin" and method != "GET":
        return  # these would change the model; the next test has the admin's
    content = b"nothing" if method != "GET" else None  # refused before it is read
    response = client.request(method, path, content=content, headers=bearer(tokens[role]))
    role_needed = needed(method, path)
    refused = role_needed is not None and not may(role, role_needed)
    assert (response.status_code == 403) == refused
    assert response.status_code != 401
    assert response.status_code < 500


def test_an_admin_may_write(keyed):
    client, tokens = keyed
    body = [{"user": 1, "item": 1, "rating": 3}]
    for role, status in (("read", 403), ("write", 200), ("admin", 200)):
        response = client.post("/v1/ratings", json=body, headers=bearer(tokens[role]))
        assert response.status_code == status
    response = client.get("/v1/model", headers=bearer(tokens["write"]))
    assert response.json()["role"] == "write"


def test_headers_that_hold_no_right_key(tmp_path):
    model().save(tmp_path / "films.penchant")
    token = KeyFile.beside(tmp_path / "films.penchant").add("admin")[1]
    id_, secret = token.split(".")
    given = ["Basic ", "Bearer", "Bearer ", token, f"Bearer  {token}", f"Bearer {token}x"]
    given += [f"Bearer {id_}.", f"Bearer {id_}", f"Bearer .{secret}", f"Bearer {token} {token}"]
    with client_of(tmp_path / "films.penchant") as client:
        for header in given:
            response = client.get("/v1/model", headers={"Authorization": header})
            assert (header, response.status_code) == (header, 401)
            assert secret not in response.text
        assert client.get("/v1/model", headers=bearer(token)).status_code == 200


STRANGER = 8_120_457_936_204_711_593  # so long that no clock or thread reads like it


def test_neither_key_nor_ids_nor_bodies_are_logged(keyed, caplog):
    client, tokens = keyed
    wrong = f"{tokens['read'][:13]}{'B' * 43}"
    with caplog.at_level("DEBUG"):
        client.get("/v1/items/3?secret=thing", headers=bearer(tokens["read"]))
        client.get("/v1/items/3", headers=bearer(wrong))
        client.post("/v1/explain", json={"user": STRANGER}, headers=bearer(tokens["read"]))
    ours = [record for record in caplog.records if record.name != "httpx"]
    said = " ".join(f"{record.getMessage()} {record.__dict__}" for record in ours)
    assert "/v1/items/{item}" in said
    assert tokens["read"][:12] in said  # the key's id, to know who asks
    secrets = (tokens["read"].split(".")[1], "B" * 43, "secret=thing", str(STRANGER), "/v1/items/3")
    for secret in secrets:
        assert secret not in said


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example"])
def test_without_keys_another_name_is_refused(keyless, host):
    response = keyless.get("/v1/model", headers={"Host": host})
    assert response.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_without_keys_this_machines_names_are_right(keyless, host):
    assert keyless.get("/v1/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "Cross-Site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({}, 200),
    ],
)
def test_without_keys_a_page_of_another_site_changes_nothing(keyless, headers, status):
    body = [{"user": 1, "item": 1, "rating": 3}]
    assert keyless.post("/v1/ratings", json=body, headers=headers).status_code == status
    assert keyless.get("/v1/map", headers=headers).status_code == status  # nor makes work
    if "Origin" not in headers:
        assert keyless.get("/", headers=headers).status_code == 200  # a link leads to the page


def test_no_other_site_is_told_that_it_may_read(keyless):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for response in (
        keyless.options("/v1/ratings", headers=asked),
        keyless.get("/v1/model", headers={"Origin": "http://127.0.0.1"}),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_every_answer_has_the_headers_of_a_careful_site(keyless):
    for path in ("/v1/model", "/none", "/", "/health/live"):
        headers = keyless.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] in ("no-store", "no-cache")
        assert "server" not in headers


# Who asks, without an application around it


def ask(gate, token=None, address="203.0.113.7", path="/v1/model", **headers):
    given = {} if token is None else {b"authorization": f"Bearer {token}".encode()}
    given |= {name.encode(): value for name, value in headers.items()}
    caller = gate.asker(address, given)
    gate.require(caller, {"method": "GET", "path": path, "http_version": "1.1"}, given)
    return caller


@pytest.fixture
def file(tmp_path):
    return KeyFile.beside(tmp_path / "films.penchant")


def refused(gate, *arguments, **settings):
    with pytest.raises(Problem) as caught:
        ask(gate, *arguments, **settings)
    return caught.value.status


def test_wrong_keys_lock_no_right_one_out(file):
    tokens = [file.add("read")[1] for _ in range(2)]
    gate = access_of(file)
    wrong = f"{'0' * 12}.{'A' * 43}"
    assert {refused(gate, wrong) for _ in range(1_000)} == {401}
    assert [ask(gate, token).role for token in tokens] == ["read"] * 2


def test_who_sends_wrong_keys_is_counted_by_address(file):
    file.add("read")
    gate = access_of(file)
    wrong = {b"authorization": b"Bearer a.b"}
    names = {gate.asker(f"2001:db8::{n:x}", wrong).name for n in range(1, 9)}
    assert names == {"2001:db8::"}  # one network of IPv6 is one who tries
    assert gate.asker("203.0.113.7", wrong).name == "203.0.113.7"


def clocked(monkeypatch):
    """A clock on which each look is two seconds after the one before."""
    ticks = itertools.count(step=2.0)
    monkeypatch.setattr(access.time, "monotonic", lambda: next(ticks))


def test_the_first_key_closes_a_server_that_runs(file, monkeypatch):
    clocked(monkeypatch)
    gate = access_of(file)
    assert ask(gate, address="127.0.0.1", host=b"localhost").role == "admin"
    key, token = file.add("read")
    assert refused(gate) == 401
    assert ask(gate, token).role == "read"
    file.remove(key.id)
    assert refused(gate, token) == 401
    assert refused(gate, host=b"localhost") == 401  # the last key gone doesn't open it again
    file.path.unlink()
    assert refused(gate, host=b"localhost") == 401


def test_a_file_of_keys_without_keys_is_closed(file):
    file.remove(file.add("admin")[0].id)
    assert refused(access_of(file), host=b"localhost") == 401


def test_a_broken_file_of_keys_closes_all(file, monkeypatch, caplog):
    clocked(monkeypatch)
    token = file.add("admin")[1]
    gate = access_of(file)
    assert ask(gate, token).role == "admin"
    file.path.write_text("broken")
    assert refused(gate, token) == 401
    assert "the keys can't be read" in caplog.text


@pytest.mark.parametrize("name", ["Forwarded", "Via", "X-Real-IP", "X-Forwarded-For"])
def test_without_keys_nobody_comes_through_a_proxy(keyless, name):
    assert keyless.get("/v1/model", headers={name: "x"}).status_code == 421
