"""What tests of commands share: a command run in this process, files of ratings."""

import sys

import pytest

from penchant.cli import main


@pytest.fixture
def penchant(monkeypatch, capfd):
    """Run a command in this process; returns exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["penchant", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def write_csv():
    """Write ratings as a file with commas and a header."""

    def write(path, ratings, times=False):
        columns = {"user": ratings.users, "item": ratings.items, "rating": ratings.values.tolist()}
        if times:
            columns["timestamp"] = range(10**9, 10**9 + len(ratings))
        rows = zip(*columns.values(), strict=True)
        return _write(path, ",", [columns.keys(), *rows])

    return write


@pytest.fixture(scope="session")
def write_data():
    """Write ratings with their times as MovieLens' u.data has them: tabs and no header."""

    def write(path, ratings):
        columns = (ratings.users, ratings.items, ratings.values.tolist(), ratings.timestamps)
        return _write(path, "\t", zip(*columns, strict=True))

    return write


def _write(path, separator, rows):
    lines = [separator.join(_text(field) for field in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def _text(field):
    return f"{field:g}" if isinstance(field, float) else str(field)
