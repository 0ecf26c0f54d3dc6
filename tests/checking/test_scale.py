"""Size, repeats and scale."""

import numpy as np
import pyarrow as pa
import pytest

from penchant.checking.scale import scale
from penchant.checking.size import repeats, size
from penchant.ratings import Ratings


def table(values, **more):
    n = len(values)
    return Ratings.from_columns(np.arange(n) % 7, np.arange(n) // 7, values, **more)


def test_size_counts_only_who_rated():
    ratings = Ratings.from_columns([1, 1, 2, 3], [1, 2, 1, 1], [1, 2, 3, 4]).take([0, 1, 2])
    numbers = size(ratings).numbers
    assert (numbers["ratings"], numbers["users"], numbers["items"]) == (3, 2, 2)
    assert numbers["density"] == 0.75
    assert numbers["per_user"] == {"least": 1, "q25": 1.25, "median": 1.5, "q75": 1.75, "most": 2}


def test_size_names_the_side_columns():
    import dataclasses

    ratings = Ratings.from_columns([1, 2], [1, 1], [1, 2])
    assert "no side columns" in size(ratings).text
    assert "side columns (users=" in size(ratings).advice
    ages = pa.table({"age": [None, 30, 40]})
    told = size(dataclasses.replace(ratings, user_table=ages))
    assert "Side columns of users: age." in told.text
    assert told.advice == ""


def test_repeats_are_told_with_their_noise():
    users, items = [1, 1, 1, 2, 3, 3], [1, 1, 1, 1, 1, 1]
    ratings = Ratings.from_columns(users, items, [5, 3, 3, 4, 2, 2], [1, 2, 2, 1, 5, 5])
    finding = repeats(ratings)
    assert finding.level == "note"
    assert "2 pairs of user and item stood more than once" in finding.text
    assert "2 copies and 1 given anew, 1 of these with another value" in finding.text
    assert "a noise of 1.41" in finding.text
    assert repeats(Ratings.from_columns([1], [1], [1])).level == "ok"


def test_copies_are_no_noise():
    finding = repeats(Ratings.from_columns([1, 1], [1, 1], [3, 3]))
    assert "1 copy and 0 given anew." in finding.text
    assert "noise" not in finding.text


def test_shares_unused_ends_and_halves():
    finding = scale(table([1, 2, 2, 4.5], scale=(1, 5)))
    assert finding.numbers["shares"] == {"1": 0.25, "2": 0.5, "4.5": 0.25}
    assert finding.numbers["unused_ends"] == [5]
    assert finding.numbers["halves"] == 0.25
    assert "Nobody gives 5" in finding.text
    assert finding.level == "note"
    assert scale(table([1, 2, 5])).numbers["halves"] == 0
    assert scale(table([1, 2.2, 5])).numbers["halves"] is None


def test_many_values_are_told_by_deciles():
    numbers = scale(table(np.linspace(0, 10, 101))).numbers
    assert numbers["deciles"] == pytest.approx(list(range(1, 10)))
    assert "shares" not in numbers


@pytest.mark.parametrize(
    ("values", "heap"),
    [
        ([0, *range(5, 11)] * 5, "0"),  # apart from all others
        ([-1, *range(1, 6)] * 5, "-1"),
        ([99, *np.linspace(-10, 10, 30)] * 5, "99"),
        ([0] * 60 + [*range(1, 11)] * 4, "0"),  # more than any other by far
        ([*range(6)] * 5, None),
        ([0, *range(-5, 6)] * 5, None),  # amid the scale
        ([*range(-9, -4), 0, *range(5, 10)] * 5, None),  # apart, and amid it
        ([0] + [5, 6, 7] * 40, None),  # too few to be a heap
    ],
)
def test_a_heap_that_looks_like_none(values, heap):
    finding = scale(table(values))
    assert list(finding.numbers["heaps"]) == ([heap] if heap else [])
    assert (finding.level == "warning") == bool(heap)
    assert ("--unrated" in finding.advice) == bool(heap)


def test_equal_ratings_teach_nothing():
    finding = scale(table([3, 3, 3]))
    assert finding.level == "warning"
    assert "nothing to learn" in finding.text
