"""penchant doctor: each extra of pyproject.toml, whether it is there and what it is for."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import penchant
from penchant.cli.extras import EXTRAS, extra_facts

PROJECT = Path(penchant.__file__).parents[2] / "pyproject.toml"


def declared():
    """The distributions of each extra, but for those of other extras that it includes."""
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    return {
        name: {re.match(r"[\w-]+", one)[0] for one in needed if not one.startswith("penchant[")}
        for name, needed in extras.items()
    }


def test_the_table_is_that_of_the_project():
    told = {
        name: {one for names in extra.distributions for one in names.split("|")}
        for name, extra in EXTRAS.items()
    }
    assert told == declared()


def test_each_command_that_it_names_is_one():
    from penchant.cli.app import app

    commands = {command.name for command in app.registered_commands} | {"keys"}
    for extra in EXTRAS.values():
        for first in re.findall(r"penchant (\w+)", extra.purpose):
            assert first in commands


def test_what_is_installed(penchant):
    code, out, _ = penchant("doctor", "--json")
    assert code == 0
    extras = json.loads(out)["extras"]
    assert set(extras) == set(declared())
    assert extras["serve"]["installed"]
    assert extras["serve"]["versions"]["fastapi"] == importlib.metadata.version("fastapi")
    code, out, _ = penchant("doctor")
    for name, extra in EXTRAS.items():
        line = next(line for line in out.splitlines() if line.startswith(f"{name} "))
        assert line.endswith(extra.purpose)
        assert (" yes" in line) == extras[name]["installed"]


def test_what_is_missing():
    facts = extra_facts({"ray": "2.50"}.get)
    assert facts["ray"] == {
        "installed": False,
        "versions": {"ray": "2.50", "fsspec": None},
        "for": EXTRAS["ray"].purpose,
    }
    assert not facts["all"]["installed"]
    assert extra_facts({"tensorflow": "2.20"}.get)["tensorflow"]["installed"]
