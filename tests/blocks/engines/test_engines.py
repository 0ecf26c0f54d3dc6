"""Engines by name, and the one of this machine."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from penchant.blocks.engines.by_name import engine_of
from penchant.blocks.engines.local import LocalEngine
from penchant.blocks.engines.ray import RayEngine, writable
from penchant.errors import MissingExtraError, SettingsError, UnavailableError
from penchant.factors import Factors


def both(part, a, b):
    return part + a, part * b


@pytest.mark.parametrize("threads", [1, 3])
def test_map_and_reduce_keep_the_order(threads):
    with LocalEngine(threads) as engine:
        handles = engine.map(both, range(5), engine.put(10), engine.put(2), outputs=2)
        assert engine.get([first for first, _ in handles]) == [10, 11, 12, 13, 14]
        columns = [[row[n] for row in handles] for n in (0, 1)]
        added = engine.reduce(lambda part, values, c: (part, sum(values) + c), "ab", columns, 100)
        assert engine.get(added) == [("a", 160), ("b", 120)]


def test_one_output_is_still_a_tuple():
    with LocalEngine(1) as engine:
        assert engine.map(lambda part: (part,), [4], outputs=1) == [[4]]
        assert engine.map(lambda part: (part,), [4]) == [[(4,)]]


def test_an_error_of_a_task_is_raised():
    with LocalEngine(2) as engine, pytest.raises(ZeroDivisionError):
        engine.map(lambda part: 1 // part, [1, 0, 1])


def test_engines_by_name():
    assert engine_of(None, threads=2).slots == 2
    assert engine_of("ray", address="10.0.0.1:6379").name == "ray"
    own = LocalEngine(1)
    assert engine_of(own) is own
    remote = RayEngine()
    assert engine_of(remote) is remote


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ("spark", {}, "engine must be one of 'threads', 'ray', not 'spark'"),
        (7, {}, "engine must be 'threads', 'ray' or an engine, not 7"),
        (LocalEngine(1), {"address": "auto"}, "brings its own address"),
        ("threads", {"address": "auto"}, "takes no address; received 'auto'"),
        ("ray", {"threads": 2}, "takes no threads; received 2"),
    ],
)
def test_what_makes_no_engine(given, more, message):
    with pytest.raises(SettingsError, match=message):
        engine_of(given, **more)


def test_retries_are_a_count():
    with pytest.raises(SettingsError, match="retries must be a whole number"):
        RayEngine(retries=-1)


def test_ray_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[ray\]'"):
        RayEngine().__enter__()


def test_an_address_that_ray_refuses(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("nobody there.")

    told = SimpleNamespace(is_initialized=lambda: False, init=refuse)
    monkeypatch.setattr("penchant.blocks.engines.ray._loaded", lambda: told)
    with pytest.raises(UnavailableError, match="no Ray cluster at 'auto': nobody there"):
        RayEngine("auto").__enter__()


def test_what_comes_from_the_object_store_may_be_written_to():
    table = np.ones((2, 1), np.float32)
    table.flags.writeable = False
    bias = np.zeros(2, np.float32)
    model = Factors(3.0, bias, bias, table, table)
    made = writable([(1, table), model, "text"])
    assert made[0][1].flags.writeable
    assert made[1].user_factors.flags.writeable
    assert made[2] == "text"
    assert not table.flags.writeable
