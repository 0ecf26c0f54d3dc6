"""Malformed requests for `fuzz_http.py`: a number gives bytes to send, the same each time."""

import json
import random
import socket

GOOD = [
    ("POST", "/v1/predict", {"user": 1, "items": [1, 2], "interval": 0.9}),
    ("POST", "/v1/predict", {"pairs": [[1, 2], [3, 4]]}),
    ("POST", "/v1/recommend", {"user": 1, "n": 5, "by": "low", "without": [3], "diversity": 0.1}),
    ("POST", "/v1/recommend", {"user": 2, "among": [1, 2, 3], "popularity": 0.5, "interval": 0.5}),
    ("POST", "/v1/recommend/group", {"users": [1, 2], "n": 3, "how": "average"}),
    ("POST", "/v1/explain", {"user": 1, "item": 2}),
    ("POST", "/v1/interview", {"answers": [{"item": 1, "rating": 4}], "skipped": [2], "n": 2}),
    ("POST", "/v1/ratings", [{"user": 1, "item": 2, "rating": 3}]),
    ("DELETE", "/v1/ratings", [{"user": 1, "item": 2}]),
    ("DELETE", "/v1/users/4711", None),
    ("GET", "/v1/model", None),
    ("GET", "/v1/history", None),
    ("GET", "/v1/items?search=a&page=1&size=5", None),
    ("GET", "/v1/items/1", None),
    ("GET", "/v1/items/1/similar?n=3", None),
    ("GET", "/v1/map?most=5", None),
    ("GET", "/v1/users?search=1&page=1&size=5", None),
    ("GET", "/v1/users/1/ratings", None),
    ("GET", "/v1/models", None),
    ("POST", "/v1/models/9999/activate", None),
    ("GET", "/health/ready", None),
    ("GET", "/metrics", None),
    ("GET", "/openapi.json", None),
    ("GET", "/page/app.js", None),
    ("GET", "/", None),
]
VALUES = [
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5,
    -0.0,
    1e308, 5e-324, "", "1", "ann", "\u0000", "\ud800", "'; DROP TABLE ratings; --",
    "../../etc/passwd",
    "%s%n{}", "\u202e", "é" * 300, "x" * 5_000, [], [[]], {}, {"": {}}, [None] * 50, [1] * 2_000,
]  # fmt: skip
LITERALS = [b"NaN", b"-Infinity", b"1e999", b"9" * 6_000, b"[" * 5_000, b'"\\ud800"', b"\xff\xfe"]
PATHS = [
    "/", "//", "/v1", "/v1/", "/v1//items", "/v1/items/", "/v1/items/%00", "/v1/items/%ff",
    "/v1/items/..%2f..%2fetc%2fpasswd", "/v1/items/9" + "9" * 400, "/v1/items/%D9%A3",
    "/v1/items/1_0",
    "/v1/items/-0", "/v1/items/+1", "/v1/users/%20/ratings", "/v1/users//ratings", "/page/",
    "/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/page/%00",
    "/page/index.html%00",
    "/page//etc/passwd", "/page/" + "a" * 5_000, "/v1/models/../compact",
    "/v1/models/%2e%2e/activate",
    "/docs", "/redoc", "/.git/config", "/%", "/%zz", "/\u00e9", "/v1/model;x=1", "/v1/model#x", "*",
    "http://127.0.0.1/v1/model", "/v1/items/1/similar/similar", "/v1/items/1/2/3",
]  # fmt: skip
QUERIES = [
    "page=0", "page=-1", "page=1e3", "page=99999999999999999999", "size=0", "size=1001", "size=x",
    "n=0", "n=1001", "n=", "most=0", "most=20001", "search=%ff", "search=%00",
    "search=" + "a" * 300,
    "search=%F0%9F%8E%AC", "search=(((", "search=%5C", "&&&", "=", "search=a&search=b", "%",
    "page=%31",
    "search=\u00e9", "x" * 3_000,
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "get"]
HEADERS = [
    b"Content-Type: text/plain", b"Content-Type: application/xml", b"Content-Type: \xff",
    b"Content-Type: multipart/form-data; boundary=x", b"Content-Type: application/json; charset=x",
    b"Content-Encoding: gzip", b"Accept: text/html", b"Accept-Encoding: nonsense",
    b"Idempotency-Key: ", b"Idempotency-Key: a b", b"Idempotency-Key: " + b"k" * 300,
    b"Idempotency-Key: \xe9", b"Idempotency-Key: once", b"Authorization: Bearer a.b",
    b"Authorization: \xff", b"Cookie: a=b", b"X-Request-Id: \xff", b"X-Request-Id: " + b"r" * 100,
    b"Range: bytes=0-1", b"Range: bytes=9-1", b"If-None-Match: *", b"If-Modified-Since: never",
    b"Expect: 100-continue", b"Expect: nonsense", b"Upgrade: websocket", b"Upgrade: h2c",
    b"Connection: upgrade", b"Transfer-Encoding: gzip", b"Origin: http://evil.example",
    b"X-Forwarded-For: 1.2.3.4", b"Host: evil.example", b"X: " + b"x" * 9_000,
    b"Penchant-Position: x",
    b"Penchant-Position: 99999999999999999999",
]  # fmt: skip


def request(number):
    """Return the bytes of a malformed request, and its method."""
    rng = random.Random(number)
    method, path, body = rng.choice(GOOD)
    sent = None if body is None else json.dumps(body).encode()
    headers = [b"Host: 127.0.0.1", b"Content-Type: application/json"]
    for change in rng.sample(CHANGES, rng.choice((1, 1, 1, 2, 3))):
        method, path, sent, headers = change(rng, method, path, sent, headers)
    if sent is not None or method in ("POST", "PUT", "PATCH"):
        headers.append(b"Content-Length: %d" % len(sent or b""))
    headers.append(b"Connection: close")
    target = path.encode("utf-8", "surrogatepass")
    head = b"\r\n".join([method.encode() + b" " + target + b" HTTP/1.1", *headers])
    whole = head + b"\r\n\r\n" + (sent or b"")
    if rng.random() < 0.05:  # what is no HTTP at all
        at = rng.randrange(len(head))
        whole = whole[:at] + rng.randbytes(rng.randint(1, 8)) + whole[at + rng.randint(0, 8) :]
    return whole, method


def change_value(rng, method, path, sent, headers):
    if sent is None:
        return method, path, json.dumps(rng.choice(VALUES)).encode(), headers
    try:
        body = json.loads(sent)
    except (ValueError, RecursionError):
        return method, path, sent, headers
    places = list(_places(body))
    if not places:
        return method, path, sent, headers
    holder, key = rng.choice(places)
    what = rng.random()
    if what < 0.6:
        holder[key] = rng.choice(VALUES)
    elif what < 0.8 and isinstance(holder, dict):
        holder[rng.choice(["", "x", "__class__", "user", "\ud800", "n" * 500])] = holder.pop(key)
    else:
        del holder[key]
    return method, path, json.dumps(body).encode(), headers


def _places(body):
    """All (dictionary or list, key) inside a JSON value."""
    keys = (
        body.keys()
        if isinstance(body, dict)
        else range(len(body))
        if isinstance(body, list)
        else ()
    )
    for key in list(keys):
        yield body, key
        yield from _places(body[key])


def change_literal(rng, method, path, sent, headers):
    if not sent:
        return method, path, rng.choice(LITERALS), headers
    at = rng.randrange(len(sent))
    return method, path, sent[:at] + rng.choice(LITERALS) + sent[at + 1 :], headers


def change_bytes(rng, method, path, sent, headers):
    if not sent:
        return method, path, rng.randbytes(rng.randint(1, 40)), headers
    changed = bytearray(sent)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return method, path, bytes(changed[: rng.randint(0, len(changed))]), headers


def change_path(rng, method, path, sent, headers):
    return method, rng.choice(PATHS), sent, headers


def change_query(rng, method, path, sent, headers):
    return method, f"{path.partition('?')[0]}?{rng.choice(QUERIES)}", sent, headers


def change_method(rng, method, path, sent, headers):
    return rng.choice(METHODS), path, sent, headers


def change_headers(rng, method, path, sent, headers):
    return method, path, sent, [*headers, *rng.sample(HEADERS, rng.randint(1, 3))]


CHANGES = [
    change_value, change_value, change_value, change_literal, change_bytes, change_path,
    change_query, change_method, change_headers,
]  # fmt: skip


def exchanged(address, data, method):
    """Send bytes to a server and return its answer."""
    with socket.create_connection(address, timeout=60) as client:
        found = b""
        try:
            client.sendall(data)
            while not _is_whole(found, method):
                part = client.recv(65_536)
                if not part:
                    break
                found += part
        except ConnectionError:  # refused before all of it was sent
            return found or REFUSED
    return found


def _is_whole(answer, method):
    """Whether an answer is complete, so that a connection that is kept needn't be waited for."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        head, end, body = body.partition(b"\r\n\r\n")
    length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if not end or not length:
        return False
    return method == "HEAD" or len(body) >= int(length[0].partition(b":")[2])


REFUSED = b"HTTP/1.1 000 closed before it was sent\r\n\r\n"


def fault(method, answer):
    """Return what is wrong with the bytes of an answer, or None."""
    if not answer:
        return "no answer"
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        head, _, body = body.partition(b"\r\n\r\n")
    status = int(head[9:12])
    fields = {name.lower(): value.strip() for name, _, value in
              (line.partition(b":") for line in head.split(b"\r\n")[1:])}  # fmt: skip
    if b"Traceback" in answer or b'File "' in answer:
        return "a stack trace"
    if status >= 500:
        return f"status {status}"
    if status < 400:
        return None
    if fields.get(b"content-type") != b"application/problem+json":
        return f"status {status} as {fields.get(b'content-type')}"
    if method == "HEAD" or not body:
        return None if method == "HEAD" else "no body"
    said = json.loads(body)
    if said["status"] != status or not said["detail"] or not said["request_id"]:
        return f"an odd problem: {body!r}"
    return None
