import io
import os
import sys
import time

import numba
import numpy as np
import pytest

from penchant.recommender import progress
from penchant.recommender.progress import show_progress, told_while_compiling


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, rounds, numbers, width=80):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((width, 24)))
    with show_progress("sweep", rounds) as tell:
        for number in numbers:
            tell({"sweep": number, "train_rmse": 0.5, "watch_rmse": 1 / 3, "seconds": 1.26})
    return stream.getvalue()


def test_off_a_terminal_there_are_plain_lines(monkeypatch):
    said = shown(monkeypatch, io.StringIO(), 3, [1, 2, 3])
    assert said == "".join(
        f"sweep {k}/3  train RMSE 0.5000  test RMSE 0.3333  1.3 s\n" for k in (1, 2, 3)
    )


def test_of_many_rounds_about_twenty_are_told(monkeypatch):
    said = shown(monkeypatch, io.StringIO(), 200, range(1, 201)).splitlines()
    assert [int(line.split()[1].split("/")[0]) for line in said] == [1, *range(10, 201, 10)]


def test_on_a_terminal_the_others_pass_by_on_one_line(monkeypatch):
    said = shown(monkeypatch, Terminal(), 200, range(1, 201))
    assert said.count("\r\x1b[2K") == 200
    assert said.count("\n") == 21


@pytest.mark.parametrize(("last", "ends"), [(37, 5), (40, 5)])
def test_a_training_that_ends_early_ends_its_line(monkeypatch, last, ends):
    said = shown(monkeypatch, Terminal(), 200, range(1, last + 1))
    assert said.endswith("s\n")
    assert said.count("\n") == ends


def test_a_passing_line_is_cut_to_the_terminal(monkeypatch):
    passing = shown(monkeypatch, Terminal(), 200, [1, 2], width=20).split("\x1b[2K")[-1]
    assert passing == "sweep   2/200  trai\n"


def waited(monkeypatch, stream, work):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_GLANCE", 0.01)
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    with told_while_compiling() as begin:
        work(begin)
    return stream.getvalue()


def compile_twice(begin):
    """Compile a function before the first round, and one after it."""
    for kind in (np.float32, np.float64):
        numba.njit(lambda x: np.sort(x).sum())(np.ones(3, kind))
        begin({})


COMPILING = "compiling the inner loops for this processor, this once …"


def test_what_is_compiled_is_told_in_one_line(monkeypatch):
    assert waited(monkeypatch, io.StringIO(), compile_twice) == f"{COMPILING}\n"


def test_on_a_terminal_that_line_counts_and_gives_way(monkeypatch):
    said = waited(monkeypatch, Terminal(), compile_twice)
    assert said.count(f"\r\x1b[2K{COMPILING} ") > 2
    assert "\n" not in said
    assert said.endswith("\r\x1b[2K")


def test_what_else_takes_long_before_the_first_round_is_told_too(monkeypatch):
    assert waited(monkeypatch, io.StringIO(), lambda begin: time.sleep(0.3)) == "preparing …\n"


def test_who_waits_for_nothing_is_told_nothing(monkeypatch):
    def begun(begin):
        begin({})
        time.sleep(0.2)

    assert waited(monkeypatch, Terminal(), begun) == ""
