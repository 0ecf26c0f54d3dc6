"""Translations say what their originals say: code, numbers, links, and nothing older."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def load():
    where = ROOT / "docs" / "translations.py"
    spec = importlib.util.spec_from_file_location("translations", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool, with an original and a translation of a few lines, which agree."""
    module = load()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "TRANSLATIONS", {"A.ko.md": "A.md", "B.ko.md": "B.md"})
    original = "# One\n\nIt has 1,119 of `x`, see [B](B.md).\n\n## Two\n"
    translation = "# 하나\n\n`x`는 1,119개입니다. [B](B.ko.md)를 보십시오.\n\n## 둘\n"
    block = "\n```sh\n# no heading\n```\n"
    (tmp_path / "A.md").write_text(original + block, encoding="utf-8")
    (tmp_path / "A.ko.md").write_text(translation + block, encoding="utf-8")
    module.note("A.ko.md")
    return module


def change(tool, name, old, new):
    path = tool.ROOT / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return tool.faults("A.ko.md")


def test_what_agrees_has_no_faults(tool):
    assert tool.faults("A.ko.md") == []
    assert [one.title for one in tool.sections(tool.read("A.md"))] == ["One", "Two"]
    before = (tool.ROOT / "A.ko.md").read_text(encoding="utf-8")
    tool.note("A.ko.md")  # once more changes nothing
    assert (tool.ROOT / "A.ko.md").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("A.ko.md", "1,119개", "1,118개", "A.ko.md, '하나' (of A.md, 'One'): numbers of"),
        ("A.ko.md", "1,119개", "1,119개, 22개", "numbers that the original hasn't: 22"),
        ("A.ko.md", "`x`", "`y`", r"original ['`x`'], translation ['`y`']"),
        ("A.ko.md", "# no heading", "# heading", "'둘' (of A.md, 'Two'): code differs"),
        ("A.ko.md", "B.ko.md", "C.md", r"links differ: original ['B.md'], translation ['C.md']"),
        ("A.ko.md", "## 둘", "둘", "must have the headings of A.md: # One; ## Two."),
        ("A.md", "It has", "They have", "'One'): the original has changed since. Translate"),
    ],
)
def test_what_differs_is_told(tool, name, old, new, told):
    faults = change(tool, name, old, new)
    assert any(told in fault for fault in faults), faults


def test_lines_broken_elsewhere_are_no_change(tool):
    assert change(tool, "A.md", "It has 1,119 of `x`", "It has\n1,119 of `x`") == []


def test_a_link_to_the_translation_is_no_change(tool):
    assert change(tool, "A.md", "# One\n", "# One\n\n[한국어](A.ko.md)\n") == []


def test_a_translation_without_a_note_is_told(tool):
    (path := tool.ROOT / "A.ko.md").write_text(tool.read("A.ko.md"), encoding="utf-8")
    assert "translated" not in path.read_text(encoding="utf-8")
    assert len(tool.faults("A.ko.md")) == 2


@pytest.mark.parametrize("name", load().TRANSLATIONS)
def test_each_translation_agrees_with_its_original(name):
    faults = load().faults(name)
    assert not faults, "\n".join(faults)


def test_each_translation_is_held():
    found = {str(path.relative_to(ROOT)) for path in ROOT.glob("*.ko.md")}
    found |= {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "ko").glob("*.md")}
    assert found == set(load().TRANSLATIONS)
