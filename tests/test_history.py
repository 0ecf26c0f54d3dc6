from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.history import History

records = st.lists(
    st.dictionaries(st.sampled_from(["epoch", "loss", "train_rmse"]), st.floats(-1e9, 1e9))
)


@given(records)
def test_columns_have_one_number_for_each_record(drawn):
    history = History(drawn)
    assert len(history) == len(drawn)
    assert list(history) == drawn
    for name in history.names:
        column = history.column(name)
        assert column.dtype == np.float64
        assert [None if np.isnan(v) else v for v in column] == [r.get(name) for r in drawn]


@given(records)
def test_names_are_those_that_occur(drawn):
    names = History(drawn).names
    assert len(names) == len(set(names))
    assert set(names) == {name for record in drawn for name in record}


def test_an_unknown_column_is_all_nan():
    assert np.isnan(History([{"epoch": 1}]).column("nonsense")).all()


def test_each_history_has_its_own_records():
    one = History()
    one.append({"epoch": 1})
    assert len(History()) == 0


@given(records, st.none() | st.integers(0, 5), st.booleans())
def test_json_says_all(drawn, best, interrupted):
    said = json.loads(json.dumps(History(drawn, best, interrupted).to_json()))
    assert History(**said) == History(drawn, best, interrupted)


def test_json_does_not_share_the_records():
    history = History([{"epoch": 1}])
    history.to_json()["records"][0]["epoch"] = 9
    assert history.column("epoch").tolist() == [1]


def test_the_picture_has_a_curve_of_each_part(tmp_path):
    pytest.importorskip("matplotlib")
    history = History(
        [{"epoch": e, "train_rmse": 1 / e, "watch_rmse": 1.1 / e} for e in range(1, 5)]
    )
    figure = history.plot(str(tmp_path / "curves.svg"))
    drawn = [line.get_ydata() for axes in figure.axes for line in axes.lines]
    for name in ("train_rmse", "watch_rmse"):
        assert any(np.array_equal(y, history.column(name)) for y in drawn)
    assert (tmp_path / "curves.svg").stat().st_size > 1000
