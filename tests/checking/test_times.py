"""Leak and drift: planted, and absent."""

import time

import numpy as np
import pytest

from penchant.checking.effects import effects_of
from penchant.checking.times import drift, leak
from penchant.ratings import Ratings

DAY = 86_400
START = 1_577_836_800  # 2020-01-01


def people(seconds, mood=0.0, seed=0):
    """100 users with 40 ratings each; ratings of one second share a mood."""
    rng = np.random.default_rng(seed)
    users, items = np.repeat(np.arange(100), 40), np.tile(np.arange(40), 100)
    stamps = np.tile(np.asarray(seconds), 100)
    _, moment = np.unique(np.stack([users, stamps]), axis=1, return_inverse=True)
    values = 3 + rng.normal(0, 0.5, 4000) + mood * rng.normal(0, 1, 4000)[moment.ravel()]
    return Ratings.from_columns(users, items, values, START + stamps)


def of(look, ratings, *more):
    return look(ratings, effects_of(ratings), *more)


def test_a_planted_leak_is_found():
    finding = of(leak, people(np.arange(40) // 5 * DAY, mood=0.5), 0)
    assert finding.level == "warning"
    assert finding.numbers["share"] == pytest.approx(1 - 0.2**4, abs=0.01)
    assert finding.numbers["neighbours"] == pytest.approx(0.5, abs=0.1)  # .25 / (.25 + .25)
    assert abs(finding.numbers["others"]) < 0.15
    assert "can interpolate" in finding.text
    assert 'how="time"' in finding.advice


def test_the_last_of_each_user_is_advised_where_it_is_safe():
    """The last five share a second: all of them test."""
    finding = of(leak, people(np.arange(40) // 5 * DAY), 0)
    assert finding.numbers["shares"]["last"] == 0
    assert 'how="last"' in finding.advice
    torn = of(leak, people((np.arange(40) + 2) // 5 * DAY), 0)
    assert torn.numbers["shares"]["last"] > 0.3
    assert 'how="last"' not in torn.advice


def test_other_seconds_leak_nothing():
    finding = of(leak, people(np.arange(40) * DAY), 0)
    assert (finding.level, finding.numbers["share"], finding.numbers["pairs"]) == ("ok", 0, 0)
    assert finding.advice == ""


def test_where_every_split_leaks_the_times_must_go():
    """One user has half of the ratings, all in the newest second, and others a second each."""
    users, items = np.append(np.zeros(400, int), np.repeat(np.arange(1, 21), 20)), np.arange(800)
    stamps = START + np.append(np.full(400, 9), np.zeros(400, int))
    finding = of(leak, Ratings.from_columns(users, items, items % 5, stamps), 0)
    assert min(finding.numbers["shares"].values()) > 0.9
    assert "drop the timestamps" in finding.advice


def test_without_times_there_is_nothing_to_say(world):
    assert of(leak, world, 0) is None
    assert of(drift, world) is None


def moving(step):
    """Ratings over six years whose mean moves by a step in 2023."""
    rng = np.random.default_rng(0)
    n = 6000
    stamps = START + np.arange(n) * (6 * 365 * DAY // n)
    years = stamps.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    values = 3 + rng.normal(0, 0.5, n) + step * (years >= 2023)
    return Ratings.from_columns(rng.integers(0, 200, n), np.arange(n), values, stamps)


def test_a_drift_is_found_in_its_year():
    finding = of(drift, moving(1.0))
    assert finding.level == "note"
    assert finding.numbers["unit"] == "year"
    assert finding.numbers["between"] == ["2022", "2023"]
    assert finding.numbers["change"] == pytest.approx(1.0, abs=0.08)
    assert of(drift, moving(0.0)).level == "ok"


def test_a_short_time_is_told_by_quarters():
    finding = of(drift, people(np.arange(40) * 10 * DAY))
    assert list(finding.numbers["means"])[:2] == ["2020 Q1", "2020 Q2"]


def stamped(stamps):
    n = len(stamps)
    return Ratings.from_columns(np.arange(n) % 5, np.arange(n), np.arange(n) % 4, stamps)


@pytest.mark.parametrize(
    ("stamps", "name", "words"),
    [
        (START * 1000 + np.arange(50), "milliseconds", "look like milliseconds"),
        (START * 10**9 + np.arange(50), "milliseconds", "or finer"),
        (np.full(50, START), "equal", "All times are equal"),
        (np.append(0, START + np.arange(49)), "zero", "Times at 0 (1970): 1 of 50."),
        (
            np.append(time.time() + 1e8, START + np.arange(49)),
            "future",
            "Times in the future: 1 of 50.",
        ),
    ],
)
def test_times_that_cannot_be_right(stamps, name, words):
    finding = of(drift, stamped(stamps))
    assert finding.level == "warning"
    assert finding.numbers[name] == 1
    assert words in finding.text
    assert "correct the column of times" in finding.advice


@pytest.mark.parametrize("wrong", [2**61, -(2**61), START * 10**9])
def test_a_time_far_away_takes_no_memory(wrong):
    finding = of(drift, stamped(np.append(START + np.arange(49), wrong)))
    assert len(finding.numbers["means"]) == 2
    assert finding.numbers["future"] == (wrong > 0)
