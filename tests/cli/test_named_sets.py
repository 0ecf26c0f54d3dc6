"""penchant data without a source: what can be had by name, how large, and what is there."""

import json
import re

import pytest

from penchant.data.fetch.cache import keep


@pytest.fixture
def run(penchant, monkeypatch, tmp_path):
    """Run the command with an empty cache; returns standard output."""
    monkeypatch.setenv("PENCHANT_CACHE", str(tmp_path))

    def run(*arguments):
        code, out, _ = penchant("data", *arguments)
        assert code == 0
        return out

    return run


def test_the_list_says_how_large_where_from_and_what_is_there(run, tmp_path):
    keep(tmp_path / "ml-100k", {"u.data": iter([b"1\t2\t3\t4\n"])}, "a test")
    (tmp_path / "ml-25m.zip.part").write_bytes(bytes(2_500_000))
    lines = run().splitlines()
    assert lines[0] == f"Named sets; the cache is {tmp_path}"
    rows = {line.split()[0]: re.sub(r" {2,}", "|", line) for line in lines[2:]}
    files = "https://files.grouplens.org/datasets/movielens"
    assert rows["ml-100k"] == (
        f"ml-100k|100,000|943|1,682|1 to 5|4.9|yes|{files}/ml-100k.zip "
        "or the wheel of recbole 1.2.1"
    )
    assert rows["ml-25m"] == (
        f"ml-25m|25,000,095|162,541|62,423|0.5 to 5|262.0|2.5 MB of it|{files}/ml-25m.zip"
    )
    assert [name for name, row in rows.items() if "|no|" in row] == [
        "ml-latest-small", "ml-1m", "ml-10m", "ml-20m", "ml-32m",
    ]  # fmt: skip


def test_the_list_as_json(run, tmp_path):
    told = json.loads(run("--json"))
    assert told["cache"] == str(tmp_path)
    sets = {entry["name"]: entry for entry in told["sets"]}
    assert sets["ml-32m"] == {
        "name": "ml-32m",
        "ratings": 32_000_204,
        "users": 200_948,
        "items": 87_585,
        "scale": [0.5, 5],
        "megabytes": 239.0,
        "url": "https://files.grouplens.org/datasets/movielens/ml-32m.zip",
        "md5": "d472be332d4daa821edc399621853b57",
        "wheel": None,
        "cached": False,
        "arrived_bytes": 0,
    }
    assert sets["ml-latest-small"]["md5"] is None
    assert sets["ml-100k"]["wheel"] == "the wheel of recbole 1.2.1"
