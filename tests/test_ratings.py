import dataclasses
import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.errors import DataError, SettingsError
from penchant.ratings import Ratings, Scale

ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 5), st.integers(0, 9)),
    min_size=1,
    max_size=60,
)


def columns(rows):
    return [list(column) for column in zip(*rows, strict=True)]


@given(ROWS)
def test_the_newest_of_repeated_pairs_stays_in_its_line(rows):
    ratings = Ratings.from_columns(*columns(rows))
    newest = {}
    for line, (user, item, _, time) in enumerate(rows):
        known = newest.get((user, item))
        if known is None or rows[known][3] <= time:
            newest[user, item] = line
    kept = [rows[line] for line in sorted(newest.values())]
    found = zip(ratings.users, ratings.items, ratings.values, ratings.timestamps, strict=True)
    assert list(found) == kept
    dropped = len(rows) - len(kept)
    told = [f"{dropped:,} of {len(rows):,} ratings repeat a pair"] if dropped else []
    assert [notice.split(" of user")[0] for notice in ratings.notices] == told


@given(ROWS)
def test_the_mean_of_repeated_pairs(rows):
    ratings = Ratings.from_columns(*columns(rows), duplicates="mean")
    for user, item, value in zip(ratings.users, ratings.items, ratings.values, strict=True):
        alike = [r for u, i, r, _ in rows if (u, i) == (user, item)]
        assert value == pytest.approx(np.mean(alike))


def test_without_times_the_last_line_stays():
    ratings = Ratings.from_columns([1, 1, 2], ["a", "a", "a"], [1, 5, 3])
    assert ratings.values.tolist() == [5, 3]


def test_repeats_may_be_refused():
    with pytest.raises(DataError, match=r"1 of 3 ratings repeat .* user 'x' and item 7\. Remove"):
        Ratings.from_columns(["x", "y", "x"], [7, 7, 7], [1, 2, 3], duplicates="error")


@given(ROWS, st.data())
def test_take_gives_views(rows, data):
    ratings = Ratings.from_columns(*columns(rows))
    chosen = data.draw(st.lists(st.integers(0, len(ratings) - 1), max_size=20))
    part = ratings.take(chosen)
    assert part.users == [ratings.users[row] for row in chosen]
    assert part.values.tolist() == [ratings.values[row] for row in chosen]
    assert part.timestamps.tolist() == [ratings.timestamps[row] for row in chosen]
    assert part.user_ids is ratings.user_ids
    assert len(part) == len(chosen)


def test_a_view_of_nothing_has_the_middle_of_the_scale_for_a_mean():
    ratings = Ratings.from_columns([1, 2], [1, 2], [1, 2], scale=(1, 5))
    assert ratings.take([]).mean == 3
    assert ratings.mean == 1.5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([2], r"Row numbers run from 0 to 1; received 2 … 2"),
        ([-1], r"Row numbers run from 0 to 1; received -1 … -1"),
        (np.array([True, False]), r"Row numbers are whole numbers, not bool; see np.flatnonzero"),
        ([0.5], r"Row numbers are whole numbers, not float64"),
    ],
)
def test_rows_that_are_none(rows, message):
    with pytest.raises(DataError, match=message):
        Ratings.from_columns([1, 2], [1, 2], [1, 2]).take(rows)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, np.nan, np.inf], r"2 of 3 ratings are no finite number, the first at position 1: nan"),
        ([1, 2, 1e39], r"1 of 3 ratings are no finite number, the first at position 2: 1e\+39"),
        (["4", "x", "5"], r"Ratings must be numbers: could not convert string to float: 'x'"),
        (pa.array([1, None, 2]), r"1 of 3 ratings are no finite number, the first at position 1"),
        (np.ones((3, 1)), r"Ratings must be one column, not of shape \(3, 1\)"),
        ([1, 2], r"must be of one length; received 3 users, 3 items, 2 values"),
        ([1, 6, 3], r"1 of 3 ratings are outside the scale 1 to 5, the first at position 1: 6"),
    ],
)
def test_values_that_are_no_ratings(values, message):
    with pytest.raises(DataError, match=message):
        Ratings.from_columns([1, 2, 3], [1, 2, 3], values, scale=(1, 5))


def test_no_ratings():
    with pytest.raises(DataError, match=r"There are no ratings in it"):
        Ratings.from_columns([], [], [])


def test_times_of_another_length():
    with pytest.raises(DataError, match=r"2 values, 1 timestamps"):
        Ratings.from_columns([1, 2], [1, 2], [1, 2], [5])


@pytest.mark.parametrize(
    "timestamps",
    [
        np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"),
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])),
        pa.chunked_array(
            [pa.array([datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 2)])]
        ),
        [1577836800, 1577923200],
        pa.array([1577836800.0, 1577923200.0]),
    ],
)
def test_times_of_every_kind_are_seconds(timestamps):
    ratings = Ratings.from_columns([1, 2], [1, 2], [1, 2], timestamps)
    assert ratings.timestamps.dtype == np.int64
    assert ratings.timestamps.tolist() == [1577836800, 1577923200]


@pytest.mark.parametrize(
    ("timestamps", "message"),
    [
        (["soon", "later"], r"Timestamps must be seconds or dates"),
        ([1.0, np.nan], r"1 of 2 timestamps are no time, the first at position 1"),
        (np.array(["2020-01-01", "NaT"], "datetime64[s]"), r"1 of 2 timestamps are no time"),
    ],
)
def test_times_that_are_none(timestamps, message):
    with pytest.raises(DataError, match=message):
        Ratings.from_columns([1, 2], [1, 2], [1, 2], timestamps)


def test_the_fingerprint_tells_tables_apart():
    base = Ratings.from_columns(["1", "2"], [1, 2], [1, 2])
    same = Ratings.from_columns(["1", "2"], [1, 2], [1, 2])
    others = [
        Ratings.from_columns([1, 2], [1, 2], [1, 2]),
        Ratings.from_columns(["1", "3"], [1, 2], [1, 2]),
        Ratings.from_columns(["1", "2"], [1, 2], [1, 3]),
        Ratings.from_columns(["1", "1"], [1, 2], [1, 2]),
        Ratings.from_columns(["1\n2", "1"], [1, 2], [1, 2]),
        Ratings.from_columns(["1", "2\n1"], [1, 2], [1, 2]),
    ]
    assert base.fingerprint() == same.fingerprint()
    assert len({r.fingerprint() for r in [base, *others]}) == len(others) + 1


@pytest.mark.parametrize("ends", [(5, 1), (1, np.inf), (np.nan, 5), ("1", "5"), (None, 5)])
def test_scales_that_are_none(ends):
    with pytest.raises(SettingsError, match=r"A rating scale runs from a finite low to a finite"):
        Scale.of(ends)


@pytest.mark.parametrize("given", [5, (1, 2, 3), (1,)])
def test_scales_that_are_no_pair(given):
    with pytest.raises(SettingsError, match=r"A rating scale has two ends"):
        Scale.of(given)


def test_scales_are_found_or_given():
    assert Ratings.from_columns([1, 2], [1, 2], [-10, 10]).scale == Scale(-10, 10)
    assert Ratings.from_columns([1, 2], [1, 2], [2, 3], scale=(0.5, 5)).scale == Scale(0.5, 5)
    assert str(Scale(0.5, 5)) == "0.5 to 5"
    assert Scale(1, 5).clip(np.array([0.0, 9.0], np.float32)).dtype == np.float32


def test_nothing_can_be_set():
    ratings = Ratings.from_columns([1, 2], [1, 2], [1, 2])
    with pytest.raises(dataclasses.FrozenInstanceError):
        ratings.values = None
