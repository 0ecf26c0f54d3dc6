import errno
import hashlib
import json
import os
import threading

import pytest

import penchant
from penchant.data.fetch.cache import Kept, cache_folder, find_kept, keep
from penchant.errors import SourceError

FILES = {"u.data": b"1\t2\t3\t4\n", "u.user": b"1|20|M|artist|0\n"}


def ratings_sum():
    return hashlib.sha256(FILES["u.data"]).hexdigest()


def find(folder):
    return find_kept(folder, "u.data", ratings_sha256=ratings_sum())


def put(folder, origin="x", **facts):
    return keep(folder, {name: iter([content]) for name, content in FILES.items()}, origin, **facts)


def test_the_folder_is_given_or_in_the_environment_or_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PENCHANT_CACHE", str(tmp_path / "environment"))
    assert cache_folder(tmp_path) == tmp_path
    assert cache_folder() == tmp_path / "environment"
    monkeypatch.setenv("PENCHANT_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name in ("penchant", "Cache")
    assert cache_folder("~/x") == tmp_path.home() / "x"


def test_what_is_kept_is_found(tmp_path):
    assert find(tmp_path / "set") is None
    kept = put(tmp_path / "set", "http://x", md5="0")
    assert kept == Kept(tmp_path / "set", ("u.data", "u.user"), "http://x", "0")
    assert find(tmp_path / "set") == kept
    assert {path.name for path in kept.folder.iterdir()} == {*FILES, "manifest.json"}


def changed(folder, name, content):
    (folder / name).write_bytes(content)


def manifest(**sums):
    return json.dumps({"origin": "x", "sha256": sums}).encode()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda f: changed(f, "u.data", b"1\t2\t5\t4\n"), "the checksum of u.data doesn't match"),
        (lambda f: changed(f, "u.user", b""), "the checksum of u.user doesn't match"),
        (lambda f: (f / "u.user").unlink(), "u.user is missing"),
        (lambda f: changed(f, "manifest.json", b"{"), "manifest.json is damaged"),
        (lambda f: changed(f, "manifest.json", b"[]"), "manifest.json is damaged"),
        (lambda f: changed(f, "manifest.json", b"\xff"), "manifest.json is damaged"),
        (lambda f: changed(f, "manifest.json", manifest()), "manifest.json is not ours"),
        (
            lambda f: changed(f, "manifest.json", manifest(**{"../u.data": "0"})),
            "manifest.json names files elsewhere",
        ),
    ],
)
def test_damage_is_seen(tmp_path, damage, told):
    put(tmp_path)
    damage(tmp_path)
    assert find(tmp_path) == told


def test_another_edition_is_not_taken(tmp_path):
    put(tmp_path)
    wrong = find_kept(tmp_path, "u.data", ratings_sha256="0" * 64)
    assert wrong == "manifest.json is not ours"
    put(tmp_path, md5="1" * 32)
    wrong = find_kept(tmp_path, "u.data", md5="2" * 32)
    assert wrong == "manifest.json is of another edition"
    assert isinstance(find_kept(tmp_path, "u.data", md5="1" * 32), Kept)
    assert isinstance(find_kept(tmp_path, "u.data"), Kept)


def test_a_damaged_copy_is_told_and_fetched_again(tiny, server, tmp_path, capsys):
    first = penchant.load("tiny", cache=tmp_path, quiet=True)
    (tmp_path / "tiny" / "u.data").write_bytes(b"1\t2\t3\t4\n")
    again = penchant.load("tiny", cache=tmp_path)
    told = "is damaged (the checksum of u.data doesn't match). Fetching it again."
    assert told in capsys.readouterr().err
    assert again.fingerprint() == first.fingerprint()
    assert server.requests == 2


@pytest.mark.parametrize("step", range(7))
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_at_each_step_leaves_nothing_half_written(tmp_path, monkeypatch, call, step):
    real = getattr(os, call)
    calls = []

    def full(*args):
        calls.append(args)
        if len(calls) == step + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    monkeypatch.setattr(os, call, full)
    steps = 6 if call == "fsync" else 3  # two files and the manifest, the folder after each
    if step >= steps:
        put(tmp_path)
        assert len(calls) == steps
        return
    with pytest.raises(SourceError, match=r"The disk is full: 0\.0 MB were to be kept in .*cache="):
        put(tmp_path)
    monkeypatch.undo()
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {*FILES, "manifest.json"}
    found = find(tmp_path)
    assert found is None or found.names == tuple(FILES)


def test_a_folder_that_cannot_be_written(tiny, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SourceError, match=r"(Not writable|cannot be read).*PENCHANT_CACHE"):
        penchant.load("tiny", cache=blocked, quiet=True)
    with pytest.raises(SourceError, match=r"Not writable \(.*\): 0\.0 MB were to be kept"):
        put(blocked)


def test_a_manifest_that_may_not_be_read(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(SourceError, match=r"The cache .* cannot be read: .*Choose another folder"):
        find(tmp_path)


def test_many_writers_and_readers_at_once(tmp_path):
    put(tmp_path)
    wrong, stop = [], threading.Event()

    def write(origin):
        for _ in range(15):
            put(tmp_path, origin)

    def read():
        while not stop.is_set():
            found = find(tmp_path)
            if not isinstance(found, Kept):
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(str(at),)) for at in range(4)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert len(list(tmp_path.iterdir())) == 3
