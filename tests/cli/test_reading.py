"""Options of a source: shown where `reading` stands, gathered into one."""

import inspect

import pytest

from penchant.cli.reading import Reading, with_reading

SIDES = {"users": "people.csv", "items": "films.csv"}
REST = {
    "columns": "user=0,item=1",
    "separator": "\\t",
    "header": False,
    "scale": "1,5",
    "duplicates": "mean",
    "unrated": "0,99",
    "encoding": "cp949",
    "query": "select 1",
}


@pytest.mark.parametrize("sides", [True, False])
def test_a_command_shows_the_options_and_gets_what_is_given(sides):
    got = {}

    @with_reading(sides=sides)
    def command(source: str, test: float = 0.2, *, reading: Reading, json: bool = False) -> None:
        """Do it."""
        got.update(source=source, test=test, reading=reading, json=json)

    given = REST | SIDES if sides else REST
    shown = list(inspect.signature(command).parameters)
    assert shown[:2] + shown[-1:] == ["source", "test", "json"]
    assert set(shown[2:-1]) == set(given)
    assert (command.__name__, command.__doc__) == ("command", "Do it.")
    command(source="u.data", test=0.1, json=True, **given)
    assert got == {"source": "u.data", "test": 0.1, "reading": Reading(**given), "json": True}


def test_what_load_gets():
    assert Reading(**REST, **SIDES).arguments() == {
        **REST,
        **SIDES,
        "columns": {"user": 0, "item": 1},
        "separator": "\t",
        "scale": (1.0, 5.0),
        "unrated": ["0", "99"],
    }


def test_nothing_given_is_what_load_does_by_itself():
    from penchant.data.load import load

    defaults = inspect.signature(load).parameters
    assert Reading().arguments() == {name: defaults[name].default for name in Reading().arguments()}
