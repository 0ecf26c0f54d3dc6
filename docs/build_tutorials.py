"""Run the tutorials and write their pages: prose, code, what the code printed, and pictures.

A tutorial is a program in examples/tutorials/ in cells, as notebooks' tools read them: a line
``# %% [markdown]`` opens a cell of prose in comments, ``# %%`` one of code. Pictures that the code
writes go to docs/images/.

    python docs/build_tutorials.py [NAME ...]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "examples" / "tutorials"
IMAGES = ROOT / "docs" / "images"
PAGES = {
    "chapter": ROOT / "docs" / "tutorials" / "1-chapter.md",
    "own_data": ROOT / "docs" / "tutorials" / "2-own-data.md",
    "newcomer": ROOT / "docs" / "tutorials" / "3-newcomer.md",
}
"""Each program and its page."""

_OPENING = re.compile(r"^# %%( \[markdown\])?$", re.MULTILINE)
_OUTPUT = re.compile(r"\n```text\n.*?\n```\n", re.DOTALL)


class Cell(NamedTuple):
    """A piece of a program: prose, or code and the line where it begins."""

    prose: bool
    text: str
    line: int


class Run(NamedTuple):
    """What a program did: the output of each cell of code, pictures by name, names of its data."""

    outputs: list[str]
    pictures: dict[str, bytes]
    names: list[str]


def script(name: str) -> Path:
    """Return the path of a tutorial's program."""
    return SCRIPTS / f"{name}.py"


def cells(text: str) -> list[Cell]:
    """Return the cells of a program."""
    openings = [*_OPENING.finditer(text)]
    ends = [opening.start() for opening in openings[1:]] + [len(text)]
    found = []
    for opening, end in zip(openings, ends, strict=True):
        body = text[opening.end() : end].strip("\n")
        if opening[1]:
            body = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        found.append(Cell(bool(opening[1]), body, text[: opening.end()].count("\n") + 2))
    return found


def page(found: list[Cell], outputs: list[str]) -> str:
    """Return the page of a program's cells, given what each cell of code printed."""
    left = iter(outputs)
    parts = []
    for cell in found:
        if cell.prose:
            parts.append(f"{cell.text}\n")
            continue
        parts.append(f"```python\n{cell.text}\n```\n")
        if printed := next(left).rstrip():
            parts.append(f"```text\n{printed}\n```\n")
    return "\n".join(parts)


def without_output(text: str) -> str:
    """Return a page less what the code printed."""
    return _OUTPUT.sub("", text)


def printed(text: str) -> list[str]:
    """Return what the code of a page printed, block by block."""
    return [block[len("\n```text\n") : -len("\n```\n")] for block in _OUTPUT.findall(text)]


def run(name: str) -> Run:
    """Run a program in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        place = Path(folder) / "work"
        place.mkdir()
        command = [sys.executable, __file__, "--cells", str(script(name)), str(answer)]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "96"}
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{script(name)} failed:\n{done.stderr}")
        told = json.loads(answer.read_text(encoding="utf-8"))
        pictures = {file.name: file.read_bytes() for file in sorted(place.glob("*.png"))}
    return Run(told["outputs"], pictures, told["names"])


def _run_cells(path: Path, answer: Path) -> None:
    """Run the cells one after the other, as Python would run the file, and write what they say."""
    space: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    outputs = []
    for cell in cells(path.read_text(encoding="utf-8")):
        if cell.prose:
            continue
        code = compile("\n" * (cell.line - 1) + cell.text, str(path), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(code, space)
        outputs.append(said.getvalue())
    told = {"outputs": outputs, "names": _names(space)}
    answer.write_text(json.dumps(told), encoding="utf-8")


def _names(space: dict[str, Any]) -> list[str]:
    """Return the titles of all items that the program met."""
    tables = [value.item_table for value in space.values() if type(value).__name__ == "Ratings"]
    titles = {title for table in tables if table for title in table["title"].to_pylist()}
    return sorted(titles - {None})


def main() -> None:
    """Write the pages and their pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PAGES)}; all if none")
    parser.add_argument("--cells", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cells:
        _run_cells(*options.cells)
        return
    for name in options.names or PAGES:
        done = run(name)
        found = cells(script(name).read_text(encoding="utf-8"))
        PAGES[name].write_text(page(found, done.outputs), encoding="utf-8")
        for picture, content in done.pictures.items():
            (IMAGES / picture).write_bytes(content)
        print(f"{PAGES[name].relative_to(ROOT)}: {', '.join(done.pictures) or 'no pictures'}")


if __name__ == "__main__":
    main()
