"""What repeated pairs say of the noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.ratings import Ratings
from penchant.repeats import measure


def test_by_hand():
    pairs = np.array([1, 1, 1, 2, 3, 3])
    values = np.array([4, 2, 3, 5, 1, 1], np.float32)
    found = measure(pairs, values, np.array([1, 2, 3, 4, 5, 6]))
    assert (found.pairs, found.ratings, found.copies, found.changed) == (2, 3, 0, 2)
    assert found.apart == pytest.approx((2 + 1 + 0) / 3)
    assert (found.squares, found.free) == (pytest.approx(2.0), 3)
    assert found.noise == pytest.approx(np.sqrt(2 / 3))


def test_a_line_written_twice_is_no_second_opinion():
    pairs, values = np.array([1, 1, 1]), np.array([4, 4, 4], np.float32)
    assert measure(pairs, values, np.array([9, 9, 9])).noise is None
    assert measure(pairs, values, None).copies == 2
    timed = measure(pairs, values, np.array([9, 9, 10]))
    assert (timed.copies, timed.free, timed.noise) == (1, 1, 0.0)


def test_ratings_keep_what_their_repeats_said():
    table = Ratings.from_columns([1, 1, 2], ["a", "a", "a"], [1, 3, 2], [10, 20, 30])
    assert len(table) == 2
    assert table.repeats.noise == pytest.approx(np.sqrt(2))
    assert table.take([0]).repeats is table.repeats
    assert Ratings.from_columns([1, 2], [1, 1], [1, 2]).repeats is None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=1, max_size=40))
def test_agrees_with_the_plain_sums(rows):
    rows = sorted(rows, key=lambda row: row[0])
    pairs = np.array([pair for pair, _ in rows])
    values = np.array([value for _, value in rows], np.float32)
    found = measure(pairs, values, np.arange(len(rows)))  # all times differ: no copies
    groups = [values[pairs == pair].astype(float) for pair in set(pairs.tolist())]
    assert found.pairs == sum(len(group) > 1 for group in groups)
    assert found.ratings == found.free == sum(len(group) - 1 for group in groups)
    assert found.squares == pytest.approx(sum(((g - g.mean()) ** 2).sum() for g in groups))
    assert found.changed == sum(int((np.diff(group) != 0).sum()) for group in groups)
