import datetime

import numpy as np
import pyarrow as pa
import pytest

from penchant.errors import DataError, SettingsError
from penchant.features import SideEncoder
from penchant.features.side_columns import BANDS, MOST_VALUES


def learn(**columns):
    return SideEncoder.learn(pa.table({k: [None, *v] for k, v in columns.items()}))


def row(encoder, **values):
    return encoder.row(values).tolist()


def test_text_and_small_numbers_are_categories():
    encoder = learn(job=["a", "b", "a", "b"], stars=[3, 3, 1, 1], flag=[True, False, True, False])
    assert encoder.names == ["job=a", "job=b", "stars=1", "stars=3", "flag=False", "flag=True"]
    assert row(encoder, job="b", stars=3.0, flag=True) == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "cells",
    [
        [["x", "y"], ["y"], ["x", "z"], ["z"]],
        ["x|y", "y", "x|z", "z"],
        ["x y", "y", "x z", "z"],
    ],
)
def test_tags_come_as_lists_or_as_parted_text(cells):
    encoder = learn(tags=cells)
    assert encoder.names == ["tags=x", "tags=y", "tags=z"]
    assert row(encoder, tags=cells[2]) == [1, 0, 1]
    assert encoder.columns[0].kind == "tags"


def test_many_numbers_become_bands_of_equal_count():
    ages = list(range(100))
    encoder = learn(age=ages)
    assert len(encoder.names) == BANDS
    table = pa.table({"age": ages})
    counts = np.asarray((encoder.encode(table, 100) > 0).sum(axis=0)).reshape(-1)
    assert counts.sum() == 100
    assert counts.max() - counts.min() <= 2
    edge = encoder.columns[0].edges[0]
    assert row(encoder, age=edge)[1] == 1  # an edge belongs to the band above it
    assert row(encoder, age=edge - 0.01)[0] == 1
    assert row(encoder, age=-5)[0] == 1
    assert row(encoder, age=1000)[-1] == 1


@pytest.mark.parametrize(
    "cells",
    [
        [1994, 1995, 1994, 1995],
        ["01-Jan-1994", "05-May-1995", "02-Jan-1994", "1995"],
        [datetime.date(1994, 3, 1), datetime.date(1995, 3, 1)] * 2,
    ],
)
def test_dates_are_read_for_their_year(cells):
    encoder = learn(release_date=cells)
    assert encoder.names == ["release_date=1994", "release_date=1995"]
    assert row(encoder, release_date=cells[1]) == [0, 1]


def test_titles_and_rare_values_are_left_out():
    titles = [f"Film {n}" for n in range(300)]
    titles[7] = titles[8] = titles[9]
    encoder = learn(
        title=titles,
        zip=[str(n % 150) for n in range(300)],
        job=["a", "b", "c"] * 99 + ["d"] * 2 + ["e"],
    )
    assert encoder.names == ["job=a", "job=b", "job=c", "job=d"]
    assert MOST_VALUES < 150


def test_missing_and_unknown_values_are_zeros():
    encoder = learn(job=["a", "b", "a", "b"], age=[20, 30, 20, 30])
    for values in ({}, {"job": None}, {"job": "zoologist"}, {"age": float("nan")}):
        assert not encoder.row(values).any()
    bands = learn(age=[float(n) for n in range(50)])
    for value in (None, "old", float("nan"), float("inf")):
        assert not bands.row({"age": value}).any()


def test_a_table_without_a_column_or_no_table_is_missing_throughout():
    encoder = learn(job=["a", "b", "a", "b"])
    assert encoder.encode(None, 4).nnz == 0
    assert encoder.encode(pa.table({"sex": [1, 2]}), 2).nnz == 0


def test_a_table_of_another_length_is_refused():
    encoder = learn(job=["a", "b", "a", "b"])
    with pytest.raises(DataError, match="has 2 rows where 3 are needed"):
        encoder.encode(pa.table({"job": ["a", "b"]}), 3)


def test_an_unknown_column_is_refused():
    with pytest.raises(SettingsError, match="no side column 'jbo'; it has: job"):
        learn(job=["a", "b", "a", "b"]).row({"jbo": "a"})


def test_columns_can_be_chosen():
    table = pa.table({"job": ["a", "b", "a", "b"], "name": ["q", "r", "s", "t"], "n": [1, 1, 2, 2]})
    assert SideEncoder.learn(table, ("n",)).names == ["n=1", "n=2"]
    assert SideEncoder.learn(table, use=False).width == 0
    assert SideEncoder.learn(None).width == 0
    with pytest.raises(DataError, match="no side column 'x'; there are: job, name, n"):
        SideEncoder.learn(table, ("x",))
    with pytest.raises(DataError, match="'name' can't be used"):
        SideEncoder.learn(table, ("name",))


def test_the_encoder_is_plain_data():
    encoder = learn(age=list(range(50)), tags=["x|y", "y"] * 25, year=[1990, 1991] * 25)
    again = SideEncoder.from_json(encoder.to_json())
    assert again == encoder
    for values in (
        {},
        {"columns": [{"name": "a"}]},
        {"columns": [{**encoder.to_json()["columns"][0], "kind": "eval"}]},
    ):
        with pytest.raises(DataError, match="no side encoder"):
            SideEncoder.from_json(values)


def test_nested_cells_are_read_as_their_text():
    parts, whole = [["x", None], ["x"], [1, 2]], [{"a": 1}, {"a": 1}, {"a": 2}]
    table = pa.table({"lists": [["1"], None, ["1", None], ["2"]], "maps": [None, *whole]})
    encoder = SideEncoder.learn(table)
    assert encoder.names == ["lists=1", "maps={'a': 1}"]
    assert encoder.encode(table, 4).toarray().tolist() == [[1, 0], [0, 1], [1, 1], [0, 0]]
    assert row(encoder, lists=parts[2], maps={"a": 1}) == [1, 1]


def test_a_table_is_read_as_its_rows_are():
    table = pa.table(
        {
            "job": ["a", "b", None, " a", "zoologist", "b"],
            "age": [20.0, 30.5, None, 20, float("nan"), 30.5],
            "tags": ["x|y", "y", None, "x", "", "z"],
            "birth_year": ["1990-01-01", "in 1991", None, "1990", "1992", "1991"],
        }
    )
    encoder = SideEncoder.learn(table, ("job", "age", "tags", "birth_year"))
    rows = [encoder.row(cells) for cells in table.to_pylist()]
    np.testing.assert_array_equal(encoder.encode(table, 6).toarray(), rows)
