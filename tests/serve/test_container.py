"""Dockerfile and compose.yaml: what they name exists, and the options are real.

No container is built here. What can be read can be checked.
"""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import penchant
from penchant.cli.app import app
from penchant.serve.app import _ROUTERS
from penchant.serve.gate.access import OPEN, role_for
from penchant.serve.gate.limits import Limits

ROOT = Path(penchant.__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions(name):
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def options_of(arguments):
    """What Typer makes of a command's arguments; it raises for what it doesn't know."""
    command, *rest = arguments
    found = typer.main.get_command(app).commands[command]
    return found.make_context(command, list(rest)).params


def test_what_is_copied_is_there_and_not_kept_away():
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for line in instructions("COPY"):
        if not line.startswith("--from=build"):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source.removeprefix('./')}" in allowed
    assert "--from=build /installed /usr/local" in instructions("COPY")
    assert "--prefix=/installed" in DOCKERFILE
    for file in ("readme", "license-files"):
        for path in [PROJECT[file]] if isinstance(PROJECT[file], str) else PROJECT[file]:
            assert f"!{Path(path).parts[0]}" in allowed  # the build reads them


def test_the_extras_are_the_projects_and_the_version_of_python_is_one_that_it_takes():
    assert [line.split()[0] for line in instructions("FROM")] == ["${PYTHON}"] * 2
    (version,) = instructions("ARG")
    minor = int(re.fullmatch(r"PYTHON=python:3\.(\d+)-slim", version)[1])
    assert f"--python-version 3.{minor}" in (ROOT / "requirements" / "lock").read_text()
    assert minor >= int(PROJECT["requires-python"].removeprefix(">=3."))


def pins(name):
    """What a file of the image's requirements pins; each has hashes."""
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line[:1] not in ("", "#", " ")]
    assert all("--hash=sha256:" in line for line in lines)
    found = [line.partition(" ")[0].split("==") for line in lines]
    return {canonicalize_name(package): version for package, version in found}


def test_the_image_installs_what_the_project_needs_and_by_hashes():
    """`requirements/lock` writes them anew."""
    locked = pins("image.txt")
    extras = PROJECT["optional-dependencies"]
    for text in (*PROJECT["dependencies"], *extras["serve"], *extras["postgres"]):
        needed = Requirement(text)
        version = locked.get(canonicalize_name(needed.name), "none")
        told = f"the image has {version} for {text}: run requirements/lock"
        assert version != "none", told
        assert needed.specifier.contains(version), told
    assert "hatchling" in pins("build.txt")
    assert "argon2-cffi" not in locked
    installs = re.findall(r"pip install (.*?)(?: \\$|$)", DOCKERFILE, re.MULTILINE)
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)


def test_it_runs_as_nobody_of_importance():
    (user,) = instructions("USER")
    assert f"useradd --system --uid 10001 --home-dir /data --create-home {user}" in DOCKERFILE
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nENTRYPOINT ")


def test_the_command_is_one_of_ours():
    (entry,) = map(json.loads, instructions("ENTRYPOINT"))
    assert entry[0] in PROJECT["scripts"]
    (command,) = map(json.loads, instructions("CMD"))
    options = options_of(command)
    assert (options["host"], options["port"]) == ("0.0.0.0", int(instructions("EXPOSE")[0]))
    assert Path(options["bundle"]).parent == Path(instructions("WORKDIR")[-1])


def test_the_health_check_asks_what_is_open_to_all():
    program = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    assert program[:2] == ["python", "-c"]
    ast.parse(program[2])
    port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/[a-z/]+)", program[2]).groups()
    assert port == instructions("EXPOSE")[0]
    assert path in OPEN
    assert role_for("GET", path) is None


def test_compose_serves_with_postgresql(monkeypatch):
    served, database = COMPOSE["services"]["penchant"], COMPOSE["services"]["database"]
    monkeypatch.setenv("PENCHANT_LOG", served["environment"]["PENCHANT_LOG"])
    options = options_of(served["command"])
    assert options["host"] == "0.0.0.0"
    assert options["log"] == "postgresql://penchant@database/penchant"
    assert served["environment"]["PGPASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert {"POSTGRES_USER": "penchant", "POSTGRES_DB": "penchant"}.items() <= database[
        "environment"
    ].items()
    assert served["depends_on"]["database"]["condition"] == "service_healthy"
    assert "healthcheck" in database
    assert served["build"] == "."
    assert all(port.startswith("127.0.0.1:") for port in served["ports"])
    mounted = {volume.partition(":")[2] for volume in served["volumes"]}
    assert str(Path(options["bundle"]).parent) in mounted
    for service in COMPOSE["services"].values():
        for volume in service["volumes"]:
            name = volume.partition(":")[0]
            assert name.startswith("./") or name in COMPOSE["volumes"]


def test_an_option_that_there_is_not_would_be_seen():
    with pytest.raises(Exception, match="No such option"):
        options_of(["serve", "films.penchant", "--hots", "0.0.0.0"])


def test_the_page_on_serving_tells_the_limits_and_options_that_there_are():
    told = (ROOT / "docs" / "serve.md").read_text()
    limits = Limits()
    section = told.partition("\n## Limits")[2].partition("\n## ")[0]
    for name, value in limits.to_json().items():
        assert name == "threads" or f"{value:,.0f}" in section, name
    command = typer.main.get_command(app).commands["serve"]
    for option in command.params:
        if option.param_type_name == "option" and option.name != "help":
            assert option.opts[0] in told, option.opts
    for router in _ROUTERS:
        for route in router.routes:
            path = re.sub(r"{(user|item)}", "{id}", route.path).partition("/v1/models/")
            assert "".join(path) in told, route.path
