"""penchant blocks and verify."""

import json

import pytest

import penchant as pc
from penchant.store import BlockStore

LINES = "\n".join(f"{user}\t{item}\t{(user + item) % 5 + 1}\t{user}" for user in range(9)
                  for item in range(40))  # fmt: skip


@pytest.fixture
def penchant(penchant, monkeypatch, tmp_path):
    """Run a command in a folder with ratings; returns exit code, output and standard error."""

    monkeypatch.chdir(tmp_path)
    (tmp_path / "u.data").write_text(LINES)
    return penchant


def test_a_store_is_written_and_verified(penchant, tmp_path):
    code, out, err = penchant("blocks", "u.data", "films", "--test", "0.2", "--by-item")
    assert code == 0
    assert "held out" in out
    assert out.splitlines()[-1] == f"Next: penchant fit {tmp_path / 'films'}"
    assert "Read 360 ratings of 1 files." in err
    code, out, _ = penchant("verify", "films")
    assert code == 0
    assert f"{tmp_path / 'films'} is sound: 5 files, " in out


def test_json_is_all_that_stands_on_standard_output(penchant, tmp_path):
    options = ("--blocks", "3", "--test", "0.25", "--seed", "4", "--scale", "0,5", "--json")
    said = json.loads(penchant("blocks", "u.data", "films", *options)[1])
    store = BlockStore.open("films")
    assert said["fingerprint"] == store.fingerprint
    assert said["ratings"] + said["held_out"] == 360
    assert (said["users"], said["items"], said["seed"]) == (9, 40, 4)
    assert said["scale"] == "0 to 5"
    assert "scale 0 to 5 (given)" in said["notices"][0]
    verified = json.loads(penchant("verify", "films", "--json")[1])
    assert verified["sound"] is True
    assert verified["bytes"] == said["bytes"]
    ratings = pc.split(pc.load("u.data", quiet=True), test=0.25, how="pair", seed=4).train
    assert len(ratings) == store.n_ratings


def test_options_reach_the_writer(penchant, tmp_path):
    columns = ("--columns", "user=1,item=0,rating=2", "--no-timestamps", "--separator", "\\t")
    said = json.loads(penchant("blocks", "u.data", "turned", *columns, "--json")[1])
    assert (said["users"], said["items"], said["seed"]) == (40, 9, None)
    assert not BlockStore.open("turned").has_timestamps
    said = json.loads(penchant("blocks", "u.data", "rated", "--unrated", "1,2", "--json")[1])
    assert said["ratings"] == sum(line.split("\t")[2] > "2" for line in LINES.splitlines())


def test_what_is_wrong_is_told(penchant, tmp_path):
    assert penchant("blocks", "u.data", "films")[0] == 0
    code, _, err = penchant("blocks", "u.data", "films")
    assert code == 2
    assert "is there already, and nothing is overwritten" in err
    (tmp_path / "films" / "user-00000.parquet").write_bytes(b"other")
    code, out, _ = penchant("verify", "films", "--json")
    assert code == 2
    assert "user-00000.parquet can't be used" in json.loads(out)["error"]["message"]
    code, _, err = penchant("blocks", "u.data", "more", "--blocks", "2", "--ratings-per-block", "9")
    assert code == 2
    assert "not both" in err
