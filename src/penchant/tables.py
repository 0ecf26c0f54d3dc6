"""Tables for terminals: aligned by cells, so that Hangul, which takes two a letter, lines up."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np

from penchant.errors import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

Cell = str | int | float | None

_UNBOUND = 100_000  # cells: where nothing shows the table, nothing is cut
HARMFUL = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of letters that move the cursor, or that no encoding knows."""

BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of the letters after them."""


def one_line(text: str) -> str:
    r"""Return a text that moves no cursor: composed, on one line, without control characters.

    Decomposed Hangul becomes syllables, line ends and tabs become spaces, escapes, direction
    marks and lone surrogates go.

    >>> one_line("\u1100\u1161\tb\x1b[2J")
    '가 b[2J'
    """
    composed = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if letter.isspace() else letter for letter in composed)
    return "".join(
        c for c in spaced if unicodedata.category(c) not in HARMFUL and c not in BIDI
    ).strip()


def text_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    formats: Mapping[str, str] | None = None,
    title: str | None = None,
    width: int | None = None,
) -> str:
    """Return rows as an aligned table in plain text.

    Columns of numbers are set right, others left. Where the table is wider than `width`, long
    texts are cut and end in "…"; numbers stay whole as long as they can.

    Args:
        columns: the headings.
        rows: for each row one cell a column; None is an empty cell.
        formats: a format of numbers by heading, such as ``{"rating": ".2f"}``.
        title: a line above the headings.
        width: in cells; None is the terminal's width on a terminal and unbound elsewhere.

    Raises:
        SettingsError: a row with another number of cells than there are columns.

    >>> print(text_table(["item", "title", "rating"], [[7, "쉬리", 4.5], [12, "Brazil", 3]],
    ...                  formats={"rating": ".1f"}))
    item  title   rating
       7  쉬리       4.5
      12  Brazil     3.0
    """
    import io

    out = io.StringIO()
    table = _table(columns, rows, formats or {})
    _print(title, table, out, width or _terminal_width(sys.stdout))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    formats: Mapping[str, str] | None = None,
    title: str | None = None,
    file: TextIO | None = None,
) -> None:
    """Print rows as `text_table` makes them; on a terminal with bold headings, else plain.

    Args:
        columns: the headings.
        rows: for each row one cell a column.
        formats: a format of numbers by heading.
        title: a line above the headings.
        file: where to; standard output if None.
    """
    out = sys.stdout if file is None else file
    if out.isatty():
        _print(title, _table(columns, rows, formats or {}), out, None)
    else:
        out.write(text_table(columns, rows, formats=formats, title=title, width=_UNBOUND) + "\n")


def _terminal_width(out: TextIO) -> int:
    import shutil

    return shutil.get_terminal_size().columns if out.isatty() else _UNBOUND


def _print(title: str | None, table: Table, out: TextIO, width: int | None) -> None:
    from rich.console import Console
    from rich.text import Text

    # In a notebook Rich would display the table, and with FORCE_COLOR colour it: text is wanted.
    plain = not out.isatty()
    console = Console(
        file=out,
        width=width,
        force_jupyter=False,
        force_terminal=False if plain else None,
        color_system=None if plain else "auto",
    )
    if title:
        console.print(Text(one_line(title), style="bold"))
    console.print(table)


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], formats: Mapping[str, str]
) -> Table:
    from rich.table import Table
    from rich.text import Text

    listed = [list(row) for row in rows]
    for number, row in enumerate(listed):
        if len(row) != len(columns):
            raise SettingsError(
                f"Row {number} has {len(row)} cells, but there are {len(columns)} columns: "
                f"{', '.join(columns)}."
            )
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        numeric = _numeric(row[place] for row in listed)
        table.add_column(
            Text(one_line(name), no_wrap=True, overflow="ellipsis"),
            justify="right" if numeric else "left",
            no_wrap=numeric,  # numbers give way last
        )
    for row in listed:
        shown = (
            _shown(cell, formats.get(name, "")) for name, cell in zip(columns, row, strict=True)
        )
        table.add_row(*(Text(text, no_wrap=True, overflow="ellipsis") for text in shown))
    return table


def _numeric(cells: Iterable[Cell]) -> bool:
    filled = [cell for cell in cells if cell is not None]
    return bool(filled) and all(isinstance(c, (int, float, np.number)) for c in filled)


def _shown(cell: Cell, form: str) -> str:
    if cell is None:
        return ""
    return one_line(cell) if isinstance(cell, str) else format(cell, form)
