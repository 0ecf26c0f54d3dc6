"""The tutorials' pages are what their programs are: the same prose and code, like output."""

import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REMEDY = "Write the pages anew: python docs/build_tutorials.py"


def load_builder():
    where = ROOT / "docs" / "build_tutorials.py"
    spec = importlib.util.spec_from_file_location("build_tutorials", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


builder = load_builder()
SMALL = """# %% [markdown]
# # A title
#
# Prose.

# %%
x = 2

print(x)

# %%
y = 3
"""


def page_of(name):
    return builder.PAGES[name].read_text(encoding="utf-8")


def shape(output, names=()):
    """Return a program's output less its figures, the names in it, and the width of its columns.

    Of lines that are then alike one after the other, one stays: on another processor the sampler
    draws other numbers, and an interview may take another question.
    """
    for name in sorted(names, key=len, reverse=True):
        output = output.replace(name, "TITLE")
    output = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{16}\b", "HASH", output)
    output = re.sub(r"★+|doesn't know it", "ANSWER", output)
    output = re.sub(r"\bstars?\b", "STARS", output)
    output = re.sub(r"(milder|stricter) than most|much as most", "SEVERITY", output)
    output = re.sub(r"[-+]?\d[\d,.:T+-]*\d|[-+]?\d", "#", output)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in output.rstrip().split("\n")]
    return "\n".join(line for line, _ in itertools.groupby(lines))


def errors_of(output):
    """Return the RMSEs over all rows in a program's output; those of a few cold rows vary more."""
    return [float(one) for one in re.findall(r"^RMSE +(\d\.\d{4})$", output, re.MULTILINE)]


def test_the_cells_of_a_program_make_a_page():
    cells = builder.cells(SMALL)
    assert [cell.prose for cell in cells] == [True, False, False]
    assert [cell.line for cell in cells] == [2, 7, 12]
    page = builder.page(cells, ["2\n", ""])
    assert page == (
        "# A title\n\nProse.\n\n```python\nx = 2\n\nprint(x)\n```\n\n```text\n2\n```\n\n"
        "```python\ny = 3\n```\n"
    )
    assert builder.printed(page) == ["2"]
    assert builder.without_output(page) == builder.page(cells, ["", ""])


def test_the_shape_keeps_words_and_lets_figures_go():
    assert shape("RMSE 0.8553 of Alien (1979)", ["Alien (1979)"]) == "RMSE # of TITLE"
    assert shape("RMSE  1.2 of Alien (1979)", ["Alien (1979)"]) == "RMSE # of TITLE"
    assert shape("at 2026-11-24T14:34:10+00:00: 12,345") == "at #: #"
    assert shape("before 21e1995f9ae5220e") == "before HASH"
    assert shape("A ★★\nB doesn't know it\nA ★\n", ["A", "B"]) == "TITLE ANSWER"
    assert shape("(stricter than most) -0.07") == shape("(much as most) +0.01")
    assert shape("gave 1 star") == shape("gave 5 stars") == "gave # STARS"
    assert errors_of("RMSE              0.8553\nRMSE of the rest  0.9000") == [0.8553]


def test_each_tutorial_has_a_page_and_none_is_left_over():
    assert {path.stem for path in builder.SCRIPTS.glob("*.py")} == set(builder.PAGES)
    folder = ROOT / "docs" / "tutorials"
    assert set(folder.glob("*.md")) == set(builder.PAGES.values())


@pytest.mark.parametrize("name", builder.PAGES)
def test_page_and_program_have_the_same_prose_and_code(name):
    cells = builder.cells(builder.script(name).read_text(encoding="utf-8"))
    bare = builder.page(cells, [""] * len(cells))
    assert builder.without_output(page_of(name)) == bare, REMEDY


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("name", builder.PAGES)
def test_the_page_shows_what_the_program_does(name):
    done = builder.run(name)
    shown, found = builder.printed(page_of(name)), [said for said in done.outputs if said.strip()]
    assert [shape(block, done.names) for block in shown] == [
        shape(block, done.names) for block in found
    ], REMEDY
    for before, now in zip(shown, found, strict=True):
        assert errors_of(now) == pytest.approx(errors_of(before), abs=0.03), REMEDY
    pictures = {Path(path).name for path in re.findall(r"\]\((\S+\.png)\)", page_of(name))}
    assert set(done.pictures) == pictures
    for picture, content in done.pictures.items():
        assert content.startswith(b"\x89PNG")
        assert (builder.IMAGES / picture).exists(), REMEDY


@pytest.mark.network
def test_the_landing_page_does_what_it_says(tmp_path):
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stated = re.search(r"test RMSE (\d\.\d{4})", code)
    assert errors_of(done.stdout) == pytest.approx([float(stated[1])], abs=1e-3)
    assert (tmp_path / "films.penchant" / "card.json").exists()
