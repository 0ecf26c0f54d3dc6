"""penchant data SOURCE --check, through the command itself."""

import json

import pytest

from penchant.checking import KINDS
from penchant.data.synthetic import synthetic

MADE = synthetic(n_users=60, n_items=40, n_ratings=900, factors=2, noise=0.4, seed=2)


@pytest.fixture
def source(tmp_path, write_csv):
    return str(write_csv(tmp_path / "ratings.csv", MADE, times=True))


def test_it_prints_words_of_80_columns(penchant, source):
    code, out, _ = penchant("data", source, "--check")
    assert code == 0
    assert out.startswith("Check of ")
    assert max(map(len, out.splitlines())) <= 80
    assert "What to do: " in out


def test_json_is_one_object_and_the_seed_counts(penchant, source):
    code, out, _ = penchant("data", source, "--check", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["source"] == source
    assert [finding["kind"] for finding in said["findings"]] == list(KINDS)
    _, other, _ = penchant("data", source, "--check", "--json", "--seed", "3")
    assert json.loads(other)["findings"] != said["findings"]


def test_a_check_needs_a_source(penchant):
    code, out, err = penchant("data", "--check")
    assert (code, out) == (2, "")
    assert "--check needs a source" in err
