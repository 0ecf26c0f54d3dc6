"""Strangers and cold rows, counted as a second way does."""

import dataclasses

import numpy as np
import pytest

from penchant.checking.splits import splits
from penchant.data.synthetic import synthetic
from penchant.ratings import Ratings
from penchant.split import split, unseen

MADE = synthetic(n_users=150, n_items=200, n_ratings=1500, factors=2, noise=0.5, seed=1)
STAMPS = np.random.default_rng(0).integers(0, 10**9, 1500)
TIMED = Ratings.from_columns(MADE.users, MADE.items, MADE.values, STAMPS)


@pytest.mark.parametrize(
    ("how", "settings"), [("random", {"seed": 5}), ("last", {"n": 5}), ("time", {})]
)
def test_the_counts_are_those_of_unseen(how, settings):
    part = splits(TIMED, TIMED, 5).numbers[how]
    parts = split(TIMED, how=how, **settings)
    known = unseen(*parts)
    assert part["unseen"] == known.ratings > 0
    assert (part["users"], part["items"]) == (known.cold_users, known.cold_items)
    assert part["share"] == known.ratings / len(parts.test)


def test_without_times_only_the_random_split_is_told():
    timeless = dataclasses.replace(MADE, timestamps=None)
    finding = splits(timeless, timeless, 0)
    assert list(finding.numbers) == ["random"]
    assert "newest" not in finding.text


def test_newcomers_are_a_note():
    """All newest ratings are by users who come late."""
    n = 500
    late = Ratings.from_columns(np.arange(n) // 10, np.arange(n) % 10, np.arange(n) % 5, range(n))
    finding = splits(late, late, 0)
    assert finding.numbers["time"]["share"] == 1
    assert finding.level == "note"
    assert "newest 20 %: 100 % (10 users, 0 items)" in finding.text
    assert "and newest 20 %, look" in finding.advice


def test_one_rating_cannot_be_split():
    one = Ratings.from_columns([1], [1], [3], [7])
    assert splits(one, one, 0).text == "One rating can't be split."


def test_a_sample_says_so():
    assert splits(TIMED, TIMED.take(range(1000)), 0).text.startswith("(Of 1,000 ratings, users")
