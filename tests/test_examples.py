"""Every program in examples/ runs, in a process of its own, on little data."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

QUICK = {
    "chapter.py": ["synthetic", "--epochs", "1", "--picture", "{folder}/curves.png"],
    "chapter_as_printed.py": ["synthetic", "--epochs", "1"],
    "chapter_repaired.py": ["synthetic", "--epochs", "1", "--picture", "{folder}/curves.png"],
    "draw_network.py": ["{folder}/network.png"],
    "own_network.py": ["synthetic", "--epochs", "2"],
}
SAYS = {
    "chapter.py": r"Total params: [\s\S]*RMSE +\d\.\d{4}",
    "chapter_as_printed.py": r"target of four columns, as printed +\d\.\d{4} +\d\.\d{4}",
    "chapter_repaired.py": r"the repair: pc.Keras\(\) +1 +\d\.\d{4} +\d\.\d{4}",
    "draw_network.py": r"Drawn: .*network\.png",
    "own_network.py": r"RMSE +\d\.\d{4}",
}


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_example_escapes():
    assert sorted(QUICK) == sorted(SAYS) == sorted(p.name for p in EXAMPLES.glob("*.py"))


LONG = {"chapter_repaired.py"}  # six networks to compile


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in sorted(QUICK)]
)
def test_it_runs_and_says_what_it_found(name, tmp_path):
    arguments = [argument.format(folder=tmp_path) for argument in QUICK[name]]
    assert re.search(SAYS[name], run(name, *arguments))
    for argument in arguments:
        if argument.endswith(".png"):
            assert Path(argument).read_bytes().startswith(b"\x89PNG")


@pytest.mark.network
@pytest.mark.slow
def test_the_printed_figures_are_reproduced():
    """The figures of docs/chapter.md, on MovieLens 100K."""
    out = run("chapter_as_printed.py")

    def figures(row):
        found = re.search(rf"{re.escape(row)} +([\d.]+) +([\d.]+)", out)
        assert found, out
        return [float(number) for number in found.groups()]

    assert figures("target of four columns, as printed") == pytest.approx(
        [1.1209, 1.1202], abs=2e-4
    )
    assert figures("target of ratings, (n, 1)") == pytest.approx([1.0914, 1.0904], abs=2e-4)
    assert figures("the same, measured against (n,)") == pytest.approx([1.0914, 1.1202], abs=2e-4)


@pytest.mark.network
@pytest.mark.slow
def test_the_readme_does_what_it_says(tmp_path):
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    program = tmp_path / "readme.py"
    program.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stated = re.search(r"test RMSE is (\d\.\d{4})", readme)
    found = re.search(r"RMSE +(\d\.\d{4})", done.stdout)
    assert stated
    assert found, done.stdout
    assert float(found[1]) == pytest.approx(float(stated[1]), abs=1e-3)
    assert (tmp_path / "films.penchant" / "card.json").exists()
