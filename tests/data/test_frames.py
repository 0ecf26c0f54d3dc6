import datetime

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import penchant

DATA = {
    "userId": ["이", "김", "이"],
    "asin": ["B00007L9", "007", "007"],
    "rating": [0.5, 4.0, 5.0],
    "time": [datetime.datetime(2020, 1, 1, 0, 0, at) for at in range(3)],
}
KINDS = {
    "pandas": pd.DataFrame,
    "pandas, Arrow inside": lambda data: pd.DataFrame(data).convert_dtypes(dtype_backend="pyarrow"),
    "Polars": pl.DataFrame,
    "Polars, lazy": pl.LazyFrame,
    "Arrow": pa.table,
    "Arrow, a batch": lambda data: pa.RecordBatch.from_pydict(data),
    "Narwhals": lambda data: nw.from_native(pl.DataFrame(data)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_gives_the_same_ratings(kind, capsys):
    ratings = penchant.load(KINDS[kind](DATA))
    assert ratings.users == DATA["userId"]
    assert ratings.items == DATA["asin"]
    assert ratings.values.tolist() == DATA["rating"]
    assert ratings.timestamps.tolist() == [1577836800, 1577836801, 1577836802]
    told = (
        "the frame: user = 'userId', item = 'asin', rating = 'rating', timestamp = 'time'; "
        "scale 0.5 to 5."
    )
    assert capsys.readouterr().err == told + "\n"


def test_a_duckdb_relation():
    table = pa.table(DATA)
    with duckdb.connect() as connection:
        ratings = penchant.load(connection.from_arrow(table), quiet=True)
    assert ratings.items == DATA["asin"]


@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-01T00:00:00", "2020-01-01 00:00:01"],
        ["2020-01-01T00:00:00Z", "2020-01-01T02:00:01+02:00"],
        ["1577836800", "1577836801"],
        ["1577836800", "2020-01-01 00:00:01"],
        pa.array([18262, 18262], pa.date32()),
        pa.array([1577836800000, 1577836801000]),
        pa.array([1577836800, 1577836801], pa.timestamp("s", "Asia/Seoul")),
    ],
)
def test_times_of_every_kind(times):
    frame = pa.table({"user": [1, 2], "item": [1, 2], "rating": [1, 2], "time": times})
    seconds = penchant.load(frame, quiet=True).timestamps.tolist()
    assert seconds[0] == 1577836800
    assert seconds[1] - seconds[0] == (0 if frame["time"].type == pa.date32() else 1)


def test_columns_without_names_are_taken_by_place():
    frame = pd.DataFrame([[7, "a", 3.0], [8, "b", 4.0]])
    ratings = penchant.load(frame, quiet=True)
    assert ratings.users == [7, 8]
    assert ratings.notices[0].startswith("the frame: user = column 0, item = column 1, rating")
    ratings = penchant.load(frame, quiet=True, columns={"user": 1, "item": 0})
    assert ratings.users == ["a", "b"]


def test_other_columns_may_hold_anything():
    frame = pd.DataFrame(DATA)
    frame["note"] = [1, "x", {"a": 1}]
    assert len(penchant.load(frame, quiet=True)) == 3


def test_texts_categories_and_decimals_that_are_numbers():
    import decimal

    values = [
        pd.Series(["3", "4.5"]),
        pd.Series(["3", "4.5"], dtype="category"),
        pd.Series([decimal.Decimal("3"), decimal.Decimal("4.5")]),
        pd.Series([3, "4.5"], dtype=object),
        pd.Series([np.float32(3), 4.5], dtype=object),
    ]
    for column in values:
        frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": column})
        assert penchant.load(frame, quiet=True).values.tolist() == [3, 4.5]


def test_a_frame_is_not_changed():
    frame = pd.DataFrame(DATA)
    before = frame.copy()
    penchant.load(frame, quiet=True)
    pd.testing.assert_frame_equal(frame, before)
