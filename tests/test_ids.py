import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.errors import DataError, SettingsError, UnknownIdError
from penchant.ids import IdMap, as_ids

INTS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=200)
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=200)


@given(st.one_of(INTS, TEXTS))
def test_rows_and_ids_are_inverse_and_first_appearance_fixes_the_rows(column):
    ids, rows = IdMap.from_column(column, "user")
    assert rows.dtype == np.int32
    assert ids.ids(rows) == column
    assert ids.array.to_pylist() == list(dict.fromkeys(column))
    assert ids.rows(column).tolist() == rows.tolist()
    assert ids.size == len(ids) + 1 == len(set(column)) + 1


@given(INTS, INTS)
def test_a_strangers_row_is_0(known, asked):
    ids, _ = IdMap.from_column(known, "user")
    for value, row in zip(asked, ids.rows(asked), strict=True):
        assert (row > 0) == (value in known)


@given(TEXTS, TEXTS)
def test_extended_keeps_the_rows_and_appends_what_is_new(known, more):
    ids = IdMap.of(list(dict.fromkeys(known)), "item")
    longer = ids.extended(more)
    assert longer.array.to_pylist() == list(dict.fromkeys(known + more))


def test_few_and_many_ids_are_looked_up_alike():
    ids, _ = IdMap.from_column(np.arange(0, 3000, 3), "user")
    asked = np.arange(3000)
    one_by_one = [int(ids.rows([value])[0]) for value in asked[:300].tolist()]
    assert ids.rows(asked)[:300].tolist() == one_by_one


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["가", "나", "가"]),
        pd.Series(["가", "나", "가"], dtype="category"),
        pl.Series(["가", "나", "가"]),
        np.array(["가", "나", "가"]),
        np.array(["가", "나", "가"], dtype=object),
        pa.chunked_array([["가"], ["나", "가"]]).dictionary_encode(),
        pa.array(["가", "나", "가"], pa.string_view()),
        ("가", np.str_("나"), "가"),
    ],
)
def test_each_kind_of_column_gives_the_same_map(column):
    ids, rows = IdMap.from_column(column, "item")
    assert ids.kind == "str"
    assert ids.array.to_pylist() == ["가", "나"]
    assert rows.tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    "column", [[1, np.int16(2)], np.array([1, 2], np.uint8), [1.0, 2.0], pd.Series([1, 2])]
)
def test_whole_numbers_of_every_kind_are_ints(column):
    ids, _ = IdMap.from_column(column, "user")
    assert (ids.kind, ids.array.to_pylist()) == ("int", [1, 2])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1, "1"], r"mixed types: int \(1 at position 0\) and str \('1' at position 1\)"),
        ([1, None], r"1 of 2 user ids are missing, the first at position 1"),
        ([1, pd.NA], r"1 of 2 user ids are missing, the first at position 1"),
        (np.array([1.0, np.nan]), r"1 of 2 user ids are missing"),
        ([1.5], r"user ids must be whole numbers of at most 64 bits"),
        ([2**64], r"user ids must be whole numbers of at most 64 bits"),
        (np.array([2**63], np.uint64), r"user ids must be whole numbers of at most 64 bits"),
        ([True, False], r"user ids must be int or str; received bool"),
        ([b"a"], r"user ids must be int or str; received binary"),
        ([[1]], r"user ids must be int or str; received list"),
        ("abc", r"A list of user ids is expected, not 'abc'"),
        (7, r"A list of user ids is expected, not 7"),
        (np.ones((2, 2), int), r"user ids must be one column, not of shape \(2, 2\)"),
    ],
)
def test_what_is_no_column_of_ids(column, message):
    with pytest.raises(DataError, match=message):
        as_ids(column, "user")


def test_repeated_ids_of_a_list_are_refused():
    with pytest.raises(DataError, match=r"2 of 4 item ids repeat"):
        IdMap.of(["a", "b", "a", "a"], "item")


def test_63_is_not_the_text_63():
    ids, _ = IdMap.from_column([63], "item")
    with pytest.raises(DataError, match=r"item ids are of type int, but '63' is of type str"):
        ids.rows(["63"])
    with pytest.raises(DataError, match=r"are of type int"):
        ids.extended(["63"])


def test_one_row_and_the_unknown():
    ids, _ = IdMap.from_column([63, 7], "item")
    assert ids.row(7) == 2
    with pytest.raises(UnknownIdError, match=r"knows no item 8; it knows 2 items, such as 63, 7"):
        ids.row(8)


@pytest.mark.parametrize("row", [0, 3, -1])
def test_rows_without_an_id(row):
    ids, _ = IdMap.from_column([63, 7], "item")
    with pytest.raises(UnknownIdError, match=r"item rows run from 1 to 2; .* has no id"):
        ids.ids([1, row])


def test_ids_on_the_command_line_are_read_by_type():
    numbers, _ = IdMap.from_column([63, 7], "item")
    texts, _ = IdMap.from_column(["007"], "item")
    assert numbers.parse("7") == 7
    assert texts.parse("007") == "007"
    with pytest.raises(SettingsError, match=r"whole numbers, such as 63, 7; received 'x7'"):
        numbers.parse("x7")


def test_an_empty_map_knows_nobody_and_takes_either_type():
    ids, rows = IdMap.from_column([], "user")
    assert len(rows) == len(ids) == 0
    assert ids.rows(["a", "b"]).tolist() == [0, 0]
    assert ids.extended(["a"]).kind == "str"
    assert repr(ids) == "IdMap(0 users)"
