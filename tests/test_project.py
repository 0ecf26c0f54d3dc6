"""What stands beside the code: it is well formed, and true of the code."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
YAML = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_is_yaml(path):
    assert isinstance(read(path), dict)


def test_workflows_pin_actions_and_may_only_read():
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert len(workflows) == 3
    for path in workflows:
        found = read(path)
        assert found["permissions"] == {"contents": "read"}
        for job in found["jobs"].values():
            for step in job["steps"]:
                assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_workflows_use_each_version_that_is_promised():
    versions = read(ROOT / ".github/workflows/quick.yml")["jobs"]["quick"]["strategy"]["matrix"]
    least = PROJECT["requires-python"].removeprefix(">=")
    assert versions["python"][0] == least
    for workflow in ("ci", "build"):
        assert f'"{least}"' in (ROOT / f".github/workflows/{workflow}.yml").read_text()


def test_issue_forms_ask_with_labels():
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        if path.name != "config.yml":
            form = read(path)
            assert form["name"]
            assert form["description"]
            for part in form["body"]:
                assert part["type"] in ("markdown", "textarea")
                assert part["attributes"].get("label" if part["type"] == "textarea" else "value")


def test_the_citation_is_of_this_version():
    cited = read(ROOT / "CITATION.cff")
    assert cited["version"] == PROJECT["version"]
    assert cited["title"].lower() == PROJECT["name"]
    assert " AND ".join(cited["license"]) == PROJECT["license"]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_what_a_page_names_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`([\w./-]+)`", text)
    assert len(named) > 20
    for name in named:
        if "/" in name or name.endswith((".md", ".toml")):
            places = (ROOT / name, ROOT / "src/penchant" / name)
            assert any(place.exists() for place in places), name
    for row in re.findall(r"^\| (`.*?) \|", text, re.M):
        for name in re.findall(r"`(\w+)`", row):
            assert (ROOT / name).is_dir() or (ROOT / "src/penchant" / name).is_dir(), name
