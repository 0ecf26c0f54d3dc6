from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant import settings
from penchant.errors import SettingsError


@dataclasses.dataclass(frozen=True)
class Tea(settings.Settings):
    minutes: int = 3
    sugar: float | None = None
    kind: str = "green"
    cups: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        settings.require_count("minutes", self.minutes)


plain = st.builds(
    Tea,
    minutes=st.integers(1, 10**6),
    sugar=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    kind=st.text(),
    cups=st.lists(st.integers()).map(tuple),
)


@given(plain)
def test_settings_come_back_from_json(tea):
    assert Tea.from_json(json.loads(json.dumps(tea.to_json()))) == tea


def test_missing_keys_take_the_defaults():
    assert Tea.from_json({}) == Tea()


def test_unknown_keys_are_refused():
    message = "Tea has no setting 'minuets'; it has: minutes, sugar, kind, cups"
    with pytest.raises(SettingsError, match=message):
        Tea.from_json({"minutes": 4, "minuets": 4})


def test_values_are_checked_on_the_way_back_too():
    with pytest.raises(SettingsError, match="minutes must be a whole number of at least 1, not 0"):
        Tea.from_json({"minutes": 0})


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Tea().minutes = 4


def test_what_is_no_json_is_given_by_its_name():
    class Pot:
        pass

    made = Tea(kind=math.sqrt, cups=[Pot(), Pot, True]).to_json()
    assert made["kind"] == "sqrt"
    assert made["cups"] == ["Pot", "Pot", True]


@given(st.integers(1, 10**9))
def test_counts(value):
    settings.require_count("n", value)
    settings.require_count("n", value, least=value)
    with pytest.raises(SettingsError, match=f"n must be a whole number of at least {value + 1}"):
        settings.require_count("n", value, least=value + 1)


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True, float("nan"), np.float64(2)])
def test_no_counts(value):
    with pytest.raises(SettingsError, match="n must be a whole number of at least 1, not "):
        settings.require_count("n", value)


@given(st.floats(-1e300, 1e300))
def test_numbers(value):
    settings.require_number("l2", value, value)
    settings.require_number("l2", value, -math.inf, value)


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (-0.1, (0,), "l2 must be a number of at least 0, not -0.1"),
        (1.5, (0, 1), "l2 must be a number of at least 0 and at most 1, not 1.5"),
        (math.inf, (0,), "l2 must be a number of at least 0, not inf"),
        (math.nan, (0,), "l2 must be a number of at least 0, not nan"),
        (True, (0,), "l2 must be a number of at least 0, not True"),
        ("1", (0,), "l2 must be a number of at least 0, not '1'"),
        (None, (0,), "l2 must be a number of at least 0, not None"),
    ],
)
def test_no_numbers(value, bounds, message):
    with pytest.raises(SettingsError, match=message):
        settings.require_number("l2", value, *bounds)


def test_an_open_end():
    settings.require_number("rate", 1e-300, 0, open_low=True)
    with pytest.raises(SettingsError, match="rate must be a number above 0, not 0"):
        settings.require_number("rate", 0, 0, open_low=True)


def test_choices():
    settings.require_choice("how", "last", ("random", "last"))
    with pytest.raises(SettingsError, match="how must be one of 'random', 'last', not 'first'"):
        settings.require_choice("how", "first", ("random", "last"))


def test_require():
    settings.require(True, "never")
    with pytest.raises(SettingsError, match="it was wrong"):
        settings.require(False, "it was wrong")
