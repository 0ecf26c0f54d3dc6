from __future__ import annotations

import pytest

from penchant import console


def test_lines_go_to_standard_error_alone(capsys):
    console.tell("Wrote films.penchant.")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "Wrote films.penchant.\n"


@pytest.mark.parametrize(("total", "size"), [(3, False), (None, False), (3000, True)])
def test_progress_goes_to_standard_error_alone(capsys, total, size):
    with console.progress("Training", total, size=size) as advance:
        advance(1)
        advance(2)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Training" in shown.err


def test_progress_counts_steps(capsys):
    with console.progress("Training", 10) as advance:
        for _ in range(7):
            advance(1)
    assert "7/10" in capsys.readouterr().err


def test_progress_counts_bytes(capsys):
    with console.progress("Loading", 2_000_000, size=True) as advance:
        advance(1_500_000)
    assert "1.5/2.0 MB" in capsys.readouterr().err


def test_an_error_within_ends_the_bar_and_goes_on(capsys):
    with pytest.raises(KeyError), console.progress("Training", 10):
        raise KeyError
