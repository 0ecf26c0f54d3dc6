"""Downloads from real servers that break off, change, lie, dawdle, or have a bad certificate."""

import datetime
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import trustme

import penchant
from penchant.data.fetch import download, resumable
from penchant.data.fetch.download import Unreachable, downloaded
from penchant.errors import ChecksumError, SourceError

SOURCE = str(Path(penchant.__file__).parents[1])
BODY = bytes(range(256)) * 4_000  # 1,024,000 bytes
pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def web(serve):
    return serve(BODY)


def get(server, place, *, scheme="http", host="127.0.0.1", most=10**8, quiet=True):
    """Download and return what came; nothing may be left."""
    url = f"{scheme}://{host}:{server.port}/set.zip"
    with downloaded(url, place / "set.zip", most, quiet=quiet) as path:
        content = path.read_bytes()
    assert left(place) == []
    return content


def left(place):
    return sorted(path.name for path in place.iterdir())


def break_off(server, place, *sizes):
    """Let a download fail after so many bytes; each further attempt brings nothing."""
    server.drops = [*sizes, 0, 0]
    with pytest.raises(Unreachable):
        get(server, place)
    server.drops = []


def test_the_whole_at_once(web, tmp_path):
    assert get(web, tmp_path / "new" / "folder") == BODY
    assert web.asked == [(None, None)]


def test_one_call_asks_again_for_the_rest(web, tmp_path, capsys):
    web.drops = [300_000, 200_000]
    assert get(web, tmp_path, quiet=False) == BODY
    assert web.asked == [(None, None), ("bytes=300000-", '"1"'), ("bytes=500000-", '"1"')]
    told = capsys.readouterr().err
    assert "after 300,000 of 1,024,000 bytes. Trying again." in told


def test_a_later_call_continues(web, tmp_path):
    web.drops = [300_000, 0]
    message = r"the connection ended after 300,000 of 1,024,000 bytes, which are kept: the next"
    with pytest.raises(Unreachable, match=message):
        get(web, tmp_path)
    assert left(tmp_path) == ["set.zip.part", "set.zip.part.json"]
    assert (tmp_path / "set.zip.part").read_bytes() == BODY[:300_000]
    assert get(web, tmp_path) == BODY
    assert web.asked[-1] == ("bytes=300000-", '"1"')


def test_a_process_that_is_killed_is_continued_by_the_next(web, tmp_path):
    web.piece, web.pause = 50_000, 0.1
    code = f"""
        from pathlib import Path
        from penchant.data.fetch.download import downloaded
        url = "http://127.0.0.1:{web.port}/set.zip"
        with downloaded(url, Path({str(tmp_path)!r}, "set.zip"), 10**8, quiet=True):
            pass
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=os.environ | {"PYTHONPATH": SOURCE}
    )
    part = tmp_path / "set.zip.part"
    while not (part.exists() and part.stat().st_size > 100_000):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    size = part.stat().st_size
    assert 100_000 < size < len(BODY)
    web.pause = 0
    assert get(web, tmp_path) == BODY
    assert web.asked[-1] == (f"bytes={size}-", '"1"')


def test_an_interrupted_block_keeps_what_has_arrived(web, tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        downloaded(f"http://127.0.0.1:{web.port}/set.zip", tmp_path / "set.zip", 10**8, quiet=True),
    ):
        raise KeyboardInterrupt
    assert left(tmp_path) == ["set.zip.part", "set.zip.part.json"]
    assert get(web, tmp_path) == BODY
    assert web.requests == 1  # the whole was there


def test_another_edition_is_fetched_from_its_start(web, tmp_path):
    break_off(web, tmp_path, 300_000)
    web.answer, web.edition = BODY[::-1], '"2"'
    assert get(web, tmp_path) == BODY[::-1]
    assert web.asked[-1] == ("bytes=300000-", '"1"')


def test_a_server_without_ranges(web, tmp_path):
    web.ranges = False
    break_off(web, tmp_path, 300_000)
    assert get(web, tmp_path) == BODY


def test_the_last_change_serves_where_there_is_no_strong_tag(web, tmp_path):
    web.edition, web.modified = 'W/"1"', "Tue, 24 Nov 2026 12:00:00 GMT"
    break_off(web, tmp_path, 300_000)
    assert get(web, tmp_path) == BODY
    assert web.asked[-1] == ("bytes=300000-", web.modified)


def test_without_an_edition_nothing_is_kept(web, tmp_path):
    web.edition = None
    web.drops = [300_000, 0, 0]
    with pytest.raises(Unreachable, match=r"after 0 of 1,024,000 bytes$"):
        get(web, tmp_path)
    assert left(tmp_path) == []


def test_a_part_that_was_not_asked_for(web, tmp_path):
    break_off(web, tmp_path, 300_000)
    web.part = "bytes 5-1023999/1024000"
    assert get(web, tmp_path) == BODY
    assert web.asked[-2:] == [("bytes=300000-", '"1"'), (None, None)]


def test_a_part_that_the_server_no_longer_has(web, tmp_path):
    break_off(web, tmp_path, 300_000)
    web.ranges, web.refusals = False, [416]
    assert get(web, tmp_path) == BODY


def test_a_note_that_is_damaged_or_of_another_address(web, tmp_path):
    for change in ({"url": "http://other/"}, {"total": 5}, {"edition": None}, None):
        break_off(web, tmp_path, 300_000)
        note = tmp_path / "set.zip.part.json"
        known = json.loads(note.read_text())
        note.write_text("{" if change is None else json.dumps(known | change))
        assert get(web, tmp_path) == BODY
        assert web.asked[-1] == (None, None)


def test_a_resumed_download_of_wrong_bytes_is_not_kept(tiny, server, tmp_path, no_pip):
    """The checksum decides: what was altered on the disk between two calls is seen."""
    server.drops = [100, 0]
    with pytest.raises(SourceError, match=r"after 100 of \d+ bytes, which are kept"):
        penchant.load("tiny", cache=tmp_path, quiet=True)
    part = tmp_path / "tiny.zip.part"
    part.write_bytes(b"x" * 100)
    with pytest.raises(ChecksumError, match=r"its MD5 is"):
        penchant.load("tiny", cache=tmp_path, quiet=True)
    assert left(tmp_path) == []
    assert len(penchant.load("tiny", cache=tmp_path, quiet=True)) == 5


def test_a_server_that_states_too_much_is_given_up(web, tmp_path):
    web.length, web.ranges = len(BODY) + 5, False
    with pytest.raises(Unreachable, match=r"(ended|broke).* after 1,024,000 of 1,024,005 bytes"):
        get(web, tmp_path)


def test_a_flood(web, tmp_path):
    with pytest.raises(ChecksumError, match=r"sends more than 1,000 bytes: it is not what was"):
        get(web, tmp_path, most=1_000)
    assert left(tmp_path) == []


def test_a_server_that_falls_silent_is_asked_again(web, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(download, "_SECONDS", 2)
    web.piece, web.pause = 600_000, 60
    assert get(web, tmp_path, quiet=False) == BODY
    told = "nothing came for 2 seconds after 600,000 of 1,024,000 bytes. Trying again."
    assert told in capsys.readouterr().err.replace("\n", " ").replace("  ", " ")
    assert [wanted for wanted, _ in web.asked] == [None, "bytes=600000-"]


def test_a_server_that_never_answers(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_SECONDS", 0.2)
    web = serve(BODY)
    web.respond = lambda handler: time.sleep(1)
    with pytest.raises(Unreachable, match=r"it doesn't answer within 0\.2 seconds"):
        get(web, tmp_path)
    assert left(tmp_path) == []


def test_a_server_that_dawdles(web, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_WINDOW", 0.1)
    web.answer, web.piece, web.pause = BODY[:4_000], 10, 0.03
    with pytest.raises(Unreachable, match=r"only \d+ bytes came in 0\.1 seconds after"):
        get(web, tmp_path)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_answer_that_is_none(status, web, tmp_path):
    web.status = status
    with pytest.raises(Unreachable, match=f"it answers {status} "):
        get(web, tmp_path)
    assert left(tmp_path) == []


def test_what_is_no_web_server_at_all(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def chat():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

        threading.Thread(target=chat, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/set.zip"
        with (
            pytest.raises(Unreachable, match=r"it can't be reached \("),
            downloaded(url, tmp_path / "set.zip", 10**8, quiet=True),
        ):
            pass


def test_no_network(tmp_path):
    """A name that no resolver knows (RFC 2606)."""
    url = "https://files.invalid/set.zip"
    with (
        pytest.raises(Unreachable, match=r"it can't be reached \("),
        downloaded(url, tmp_path / "set.zip", 10**8, quiet=True),
    ):
        pass
    assert left(tmp_path) == []


class Authority:
    """An authority that this process trusts, and servers with its certificates."""

    def __init__(self, serve, folder, monkeypatch):
        self.serve, self.ca = serve, trustme.CA()
        self.ca.cert_pem.write_to_path(folder / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))

    def server(self, name="localhost", **dates):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name, **dates).configure_cert(context)
        return self.serve(BODY, context)


@pytest.fixture
def authority(serve, tmp_path_factory, monkeypatch):
    return Authority(serve, tmp_path_factory.mktemp("authority"), monkeypatch)


def secure(server, place):
    return get(server, place, scheme="https", host="localhost")


def test_a_good_certificate(authority, tmp_path):
    assert secure(authority.server(), tmp_path) == BODY


def expired():
    now = datetime.datetime.now(datetime.UTC)
    return {"not_before": now - datetime.timedelta(9), "not_after": now - datetime.timedelta(2)}


def test_a_certificate_that_has_expired_is_told_as_such(authority, tmp_path):
    today = time.strftime("%Y-%m-%d")
    message = rf"its TLS certificate has expired \(if this computer's date, {today}, is right"
    with pytest.raises(Unreachable, match=message):
        secure(authority.server(**expired()), tmp_path)
    assert left(tmp_path) == []


def test_an_expired_certificate_ends_in_a_way_to_go_on(authority, change, no_pip, tmp_path):
    """The person is told how to get the archive by hand, and that its checksum is compared."""
    server = authority.server(**expired())
    named = change(url=f"https://localhost:{server.port}/tiny.zip")
    message = (
        rf"tiny can't be fetched\. localhost: its TLS certificate has expired .*download "
        rf"https://localhost:\d+/tiny\.zip, whose MD5 must be {named.md5} .*"
        rf"penchant\.load\('path/to/tiny\.zip'\)\."
    )
    with pytest.raises(SourceError, match=message):
        penchant.load("tiny", cache=tmp_path, quiet=True)


def test_a_certificate_of_another_host(authority, tmp_path):
    server = authority.server("elsewhere.example")
    message = r"its TLS certificate is not accepted \(Hostname mismatch"
    with pytest.raises(Unreachable, match=message):
        secure(server, tmp_path)


def test_an_authority_that_nobody_knows(authority, tmp_path, monkeypatch):
    server = authority.server()
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unreachable, match=r"its TLS certificate is not accepted \("):
        secure(server, tmp_path)


def test_no_way_from_https_to_http(authority, web, tmp_path):
    server = authority.server()
    server.location = f"http://127.0.0.1:{web.port}/set.zip"
    with pytest.raises(Unreachable, match=r"it redirects to http://127.*, which is not encrypted"):
        secure(server, tmp_path)
    assert web.requests == 0
    web.location = f"https://localhost:{authority.server().port}/set.zip"
    assert get(web, tmp_path) == BODY  # the other way is fine
    for location in ("file:///etc/passwd", "ftp://127.0.0.1/set.zip"):
        web.location = location
        with pytest.raises(Unreachable, match=r"redirects to|can't be reached|it answers"):
            get(web, tmp_path)


def test_redirects_in_a_circle(web, tmp_path):
    web.location = f"http://127.0.0.1:{web.port}/again.zip"
    with pytest.raises(Unreachable, match=r"it answers 302 .*redirect"):
        get(web, tmp_path)


def test_a_full_disk(web, small_disk):
    disk = small_disk("512k")
    message = r"The disk is full: 1\.0 MB were to be kept in .*PENCHANT_CACHE"
    with pytest.raises(SourceError, match=message):
        get(web, disk)
    assert left(disk) == []


def test_a_disk_that_is_full_only_for_the_unpacked(later, pack, change, server, small_disk):
    """The archive fits, what it holds doesn't: neither is left."""
    disk = small_disk("256k")
    files = {f"tiny/{name}": os.urandom(70_000) for name in ("u.data", "u.user", "u.item")}
    server.answer = pack(files)
    change(md5=hashlib.md5(server.answer).hexdigest(), max_bytes=10**6)
    with pytest.raises(SourceError, match=r"The disk is full: 0\.\d MB were to be kept in"):
        penchant.load("tiny", cache=disk, quiet=True)
    assert left(disk) == []


def test_a_folder_that_cannot_be_made(web, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"Not writable \(.*were to be kept in"):
        get(web, tmp_path / "file")


def test_two_processes_at_once_do_not_meet_in_one_file(web, tmp_path):
    url = f"http://127.0.0.1:{web.port}/set.zip"
    with downloaded(url, tmp_path / "set.zip", 10**8, quiet=True) as first:
        with downloaded(url, tmp_path / "set.zip", 10**8, quiet=True) as second:
            assert first != second
            assert first.read_bytes() == second.read_bytes() == BODY
        assert not second.exists()
    assert left(tmp_path) == []


def test_a_file_that_is_removed_before_it_is_locked(web, tmp_path, monkeypatch):
    """Another process has just finished with it: a new one is made, or a copy of our own."""
    lock = resumable.lock
    times = []

    def late(file):
        times.append(1)
        (tmp_path / "set.zip.part").unlink()
        return lock(file)

    monkeypatch.setattr(resumable, "lock", late)
    assert get(web, tmp_path) == BODY
    assert len(times) == 3
