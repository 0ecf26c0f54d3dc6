from __future__ import annotations

import inspect
import pickle
import re

import pytest

from penchant import errors

TREE = [value for value in vars(errors).values() if inspect.isclass(value)
        and issubclass(value, Exception)]  # fmt: skip
DRAWN = re.compile(r"^ {4}([│├└─ ]*)([A-Z]\w+Error)(?: +.*?)?(?:\((\w+)\))?$", re.MULTILINE)
WRONG_USE = {"SettingsError", "DataError", "SourceError", "ChecksumError", "BundleError",
             "UnknownIdError"}  # fmt: skip


def test_the_drawing_is_the_tree():
    drawn = [(m[2], len(m[1]) // 4, m[3]) for m in DRAWN.finditer(errors.__doc__)]
    assert [name for name, _, _ in drawn] == [error.__name__ for error in TREE]
    parents: list[type] = []
    for error, (name, depth, builtin) in zip(TREE, drawn, strict=True):
        del parents[depth:]
        assert all(issubclass(error, parent) for parent in parents), name
        assert len([base for base in error.__mro__ if base in TREE]) == depth + 1, name
        if builtin:
            assert issubclass(error, getattr(__import__("builtins"), builtin)), name
        parents.append(error)


@pytest.mark.parametrize("error", TREE)
def test_exit_codes(error):
    assert error.exit_code == (2 if error.__name__ in WRONG_USE else 1)


@pytest.mark.parametrize("error", TREE)
def test_the_message_is_what_was_said(error):
    assert str(error("3 ratings are missing.")) == "3 ratings are missing."


@pytest.mark.parametrize("error", TREE)
def test_survives_the_way_between_processes(error):
    made = pickle.loads(pickle.dumps(error("gone wrong")))
    assert type(made) is error
    assert str(made) == "gone wrong"


def test_a_diverged_training_may_bring_what_was_good():
    error = errors.DivergedError("diverged")
    assert error.last_good is None
    error.last_good = "factors"
    assert errors.DivergedError("another").last_good is None
