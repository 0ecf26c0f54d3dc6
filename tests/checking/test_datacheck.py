"""The whole check: its order, its words, its JSON, the same every time."""

import json

import numpy as np
import pytest

import penchant as pc
from penchant.checking import KINDS, DataCheck, Finding
from penchant.checking.findings import counted


@pytest.fixture(scope="module")
def timed():
    made = pc.synthetic(n_users=100, n_items=80, n_ratings=2000, factors=2, noise=0.5, seed=0)
    stamps = 10**9 + np.arange(2000) * 40_000
    return pc.Ratings.from_columns(made.users, made.items, made.values, stamps, name="mine")


def test_the_findings_come_in_order_and_narrow(timed):
    found = pc.datacheck(timed)
    assert tuple(finding.kind for finding in found) == KINDS
    assert len(found) == len(KINDS)
    lines = str(found).splitlines()
    assert lines[0].startswith("Check of mine: ")
    assert max(map(len, lines)) <= 80
    assert all(kind in str(found) for kind in KINDS)


def test_without_times_two_are_missing(world):
    kinds = [finding.kind for finding in pc.datacheck(world)]
    assert kinds == list(KINDS[:-2])


def test_json_holds_all_of_it(timed):
    said = json.loads(json.dumps(pc.datacheck(timed).to_json(), allow_nan=False))
    assert said["name"] == "mine"
    assert [finding["kind"] for finding in said["findings"]] == list(KINDS)
    assert all(set(f) == {"kind", "level", "text", "numbers", "advice"} for f in said["findings"])


def test_the_same_seed_says_the_same_and_another_differs(timed):
    assert pc.datacheck(timed).to_json() == pc.datacheck(timed).to_json()
    assert pc.datacheck(timed, seed=1)["floor"] != pc.datacheck(timed)["floor"]


def test_nothing_of_the_ratings_is_changed(timed):
    before = timed.fingerprint()
    pc.datacheck(timed)
    assert timed.fingerprint() == before


@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_small_tables_are_checked_too(n):
    small = pc.Ratings.from_columns(range(n), [1] * n, range(1, n + 1), range(n))
    assert json.dumps(pc.datacheck(small).to_json(), allow_nan=False)


def test_no_ratings_are_an_error(timed):
    with pytest.raises(pc.PenchantError, match="There are no ratings to check"):
        pc.datacheck(timed.take([]))


def test_a_seed_is_a_count(timed):
    with pytest.raises(pc.PenchantError, match="seed"):
        pc.datacheck(timed, seed=-1)


def test_a_kind_that_isnt_there_is_a_key_error():
    with pytest.raises(KeyError, match="leak"):
        DataCheck("x", (Finding("size", "ok", "."),))["leak"]


def test_the_head_counts_levels():
    found = DataCheck("x", tuple(Finding("k", level, ".") for level in ("note", "note", "warning")))
    assert str(found).startswith("Check of x: 1 warning, 2 notes\n")
    assert counted(0, "user") == "0 users"


def test_no_line_begins_with_a_percent_sign():
    text = str(Finding("kind", "ok", "a 20 %, " * 40))
    assert not [line for line in text.splitlines() if line.strip().startswith("%")]
    assert text.count("20 %,") == 40
