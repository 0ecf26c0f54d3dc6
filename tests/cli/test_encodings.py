"""Output in any encoding: what it doesn't know is escaped, JSON stays JSON, nothing is an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import penchant as pc

SRC = str(Path(pc.__file__).parents[1])
TITLES = {1: "Amélie", 2: "쉬리", 3: "Łódź ❤", 4: "Brazil"}
ENCODINGS = {
    "cp949": {"PYTHONIOENCODING": "cp949"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    rows = [f"{user},{item},{(user + item) % 5 + 1}" for user in range(1, 9) for item in TITLES]
    (folder / "films.csv").write_text("\n".join(["user,item,rating", *rows]))
    titles = [f"{item},{title}" for item, title in TITLES.items()]
    (folder / "titles.csv").write_text("\n".join(["item,title", *titles]), encoding="utf-8")
    ratings = pc.load(folder / "films.csv", items=folder / "titles.csv", quiet=True)
    model = pc.MatrixFactorization(solver="bias").fit(ratings, progress=False)
    model.save(folder / "films.penchant")
    return folder


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_titles_in_tables_json_and_errors(folder, encoding):
    def run(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "penchant", *arguments],
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONPATH": SRC, **ENCODINGS[encoding]},
        )
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        return done.stdout

    recommend = ("recommend", "films.penchant", "1", "--include-rated")
    table = run(*recommend).decode(encoding, "strict" if encoding != "ascii" else "replace")
    assert "Brazil" in table
    if encoding == "cp949":
        assert "쉬리" in table
        assert "Am\\xe9lie" in table
    if encoding == "cp1252":
        assert "Amélie" in table
        assert "\\uc26c\\ub9ac" in table

    told = run(*recommend, "--json")
    assert told.isascii() == (encoding != "utf-8")
    assert {row["title"] for row in json.loads(told)["results"]} == set(TITLES.values())

    missing = json.loads(run("data", "no-such-❤.csv", "--json", code=2))
    assert "There is no file" in missing["error"]["message"]
    run("data", "no-such-❤.csv", code=2)
