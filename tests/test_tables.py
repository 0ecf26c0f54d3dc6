import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import penchant as pc
from penchant.errors import SettingsError
from penchant.tables import one_line, print_table, text_table

FILMS = [
    [50, "Star Wars (1977)", 4.25],
    [7, "별들의 고향", 3.0],
    [129, "千と千尋の神隠し", 4.5],
    [8, "Брат", None],
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def column_starts(line, *parts):
    """How many cells stand before each part of a line."""
    return [cell_len(line[: line.index(part)]) for part in parts]


def test_wide_letters_take_two_cells():
    head, *lines = text_table(["item", "title", "rating"], FILMS, formats={"rating": ".2f"}).split(
        "\n"
    )
    ends = {cell_len(line) for line in (head, *lines[:3])}
    assert len(ends) == 1  # the numbers at the right end under one another, by cells
    titles = [column_starts(line, row[1])[0] for line, row in zip(lines, FILMS, strict=True)]
    assert titles == [column_starts(head, "title")[0]] * 4
    assert len({len(line) for line in lines[:3]}) > 1  # by letters they would not be


def test_numbers_stand_right_and_texts_left():
    assert text_table(["n", "word"], [[5, "a"], [1000, "bcd"]]) == "\n".join(
        ["   n  word", "   5  a", "1000  bcd"]
    )


def test_long_titles_are_cut_by_cells_and_numbers_stay_whole():
    rows = [[1, "가" * 60, 4.5], [2, "x" * 60, 3.25]]
    lines = text_table(["item", "title", "rating"], rows, width=40).split("\n")
    assert all(cell_len(line) <= 40 for line in lines)
    assert lines[1].endswith(" 4.5")
    assert lines[2].endswith(" 3.25")
    assert "…" in lines[1]
    assert "…" in lines[2]


def test_nothing_is_cut_where_no_terminal_shows_it(capsys):
    print_table(["title"], [["x" * 500]])
    out = capsys.readouterr().out
    assert "x" * 500 in out
    assert "\x1b" not in out


def test_a_terminal_gets_bold_headings_and_its_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    print_table(["title"], [["x" * 500]], file=terminal)
    assert "\x1b[1m" in terminal.getvalue()
    assert max(line.count("x") for line in terminal.getvalue().split("\n")) == 19


def test_a_title_stands_above():
    assert text_table(["a"], [[1]], title="별") == "별\na\n1"


def test_markup_and_emoji_codes_are_text():
    assert text_table(["t"], [["[red]x[/red] :smile:"]]).split("\n")[1] == "[red]x[/red] :smile:"


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\r\nb", "a\u202eb", "\ud800", "\x9b2J"])
def test_no_text_moves_the_cursor(text):
    shown = text_table(["t", "u"], [[text, "end"]])
    assert shown.count("\n") == 1
    assert not set(shown) & set("\x1b\x9b\r\u202e\ud800")
    shown.encode()


def test_line_ends_and_tabs_become_spaces():
    assert one_line(" a\tb\nc\u2028d ") == "a b c d"


def test_text_for_a_terminal_fits_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("sys.stdout", Terminal())
    assert cell_len(text_table(["title"], [["x" * 500]]).split("\n")[1]) <= 20
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert "x" * 500 in text_table(["title"], [["x" * 500]])


def test_decomposed_hangul_becomes_syllables():
    assert one_line("\u1112\u1161\u11ab") == "한"


@given(st.text())
def test_one_line_is_stable_and_printable(text):
    once = one_line(text)
    assert one_line(once) == once
    assert len(once.splitlines()) <= 1
    once.encode()


@given(st.lists(st.tuples(st.text(max_size=30), st.integers(-999, 999)), min_size=1, max_size=5))
def test_last_column_ends_at_one_cell(rows):
    lines = text_table(["text", "number"], rows).split("\n")
    assert len({cell_len(line) for line in lines}) == 1


def test_no_rows_leave_the_headings():
    assert text_table(["a", "b"], []) == "a  b"


def test_a_short_row_is_refused():
    with pytest.raises(SettingsError, match=r"Row 1 has 1 cells, but there are 2 columns: a, b"):
        text_table(["a", "b"], [[1, 2], [1]])


@pytest.fixture(params=["notebook", "FORCE_COLOR"])
def elsewhere(request, monkeypatch):
    """A notebook as Rich knows it, or a setting that has it colour all."""
    if request.param == "FORCE_COLOR":
        monkeypatch.setenv("FORCE_COLOR", "1")
    else:
        shell = type("ZMQInteractiveShell", (), {})()
        monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)


def test_the_same_text_everywhere(elsewhere):
    assert text_table(["item", "title"], [[7, "쉬리"]], title="T") == "T\nitem  title\n   7  쉬리"
    file = io.StringIO()
    print_table(["a"], [[1]], title="T", file=file)
    assert file.getvalue() == "T\na\n1\n"


def test_answers_are_text_everywhere(elsewhere):
    ratings = pc.synthetic(n_users=9, n_items=9, n_ratings=60, factors=1, noise=0.5, seed=0)
    model = pc.MatrixFactorization(solver="bias").fit(ratings, progress=False)
    for answer, word in (
        (model.recommend(1), "rating"),
        (model.similar_items(1), "correlation"),
        (model.evaluate(ratings), "RMSE"),
    ):
        assert word in str(answer)
        assert f"{answer}" == str(answer)
        file = io.StringIO()
        print(answer, file=file)
        assert file.getvalue() == f"{answer}\n"
        assert "\x1b" not in str(answer)
