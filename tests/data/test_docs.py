"""The page on data: the tests that it names are there, and its table of sets is the library's."""

import ast
import re
from pathlib import Path

from penchant.data.fetch.datasets import NAMED_SETS

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def functions(name):
    file = next(Path(__file__).parent.rglob(name))
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_kind_of_bad_input_has_its_test():
    table = PAGE.partition("## Bad input")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 20
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)::(\w+)", row)
        assert named, row
        for file, function in named:
            assert function in functions(file), row


def test_the_table_of_sets_is_the_librarys():
    rows = re.findall(r"^\| (ml-\S+) \| (\S+) \| (\S+) \| (\S+) \| (.*?) \| (\S+) MB", PAGE, re.M)
    known = [
        (n.name, *(f"{count:,}" for count in n.counts), "{:g} to {:g}".format(*n.scale),
         str(n.megabytes))
        for n in NAMED_SETS.values()
    ]  # fmt: skip
    assert rows == known
