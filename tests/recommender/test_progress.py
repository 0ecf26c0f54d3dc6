import io
import os
import sys

import pytest

from penchant.recommender.progress import show_progress


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
