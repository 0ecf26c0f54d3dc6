"""What sections share: headings, tables, figures, the protocol, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from penchant.report.html import Child, Html, el

Numbers = dict[str, Any]


def section(id_: str, title: str, *children: Child) -> Html:
    """Return a section with its heading."""
    heading = el("h2", title, id=f"{id_}-title")
    return el("section", heading, *children, id=id_, aria_labelledby=f"{id_}-title")


def missing(numbers: Numbers) -> Html:
    """Return why a section can't be told."""
    return el("p", el("b", "Left out. "), numbers["left_out"], class_="missing")


def protocol(numbers: Numbers) -> Html:
    """Return how the figures beside it were measured."""
    told = f"{numbers['protocol']}. Predictions are clipped to the scale, and no row is left out."
    return el("p", el("b", "Protocol: "), told, class_="protocol")


def figure(title: str, svg: Html, caption: Child, *above: Child, class_: str | None = None) -> Html:
    """Return a picture with a heading, what stands above it, and a caption."""
    return el("figure", el("h3", title), *above, svg, el("figcaption", caption), class_=class_)


def pair(*figures: Child) -> Html:
    """Return figures side by side, one below another where there is no room."""
    return el("div", *figures, class_="pair")


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Child]],
    *,
    sub: str | None = None,
    words: Sequence[str] = (),
    mine: str | None = None,
) -> Html:
    """Return a table whose first column heads its rows.

    Args:
        caption: what it holds.
        columns: the headings.
        rows: for each row one cell a column.
        sub: a smaller line below the caption.
        words: headings of columns of words; others, but for the first, are of numbers.
        mine: the first cell of the row to stand out.
    """
    numeric = [place > 0 and name not in words for place, name in enumerate(columns)]
    heads = [
        el("th", name, scope="col", class_="n" if right else None)
        for name, right in zip(columns, numeric, strict=True)
    ]
    small = None if sub is None else el("small", sub)
    head = el("span", caption, small, class_="head")
    body = [_row(row, numeric, row[0] == mine) for row in rows]
    inner = el(
        "table",
        el("caption", head),
        el("thead", el("tr", heads)),
        el("tbody", body),
    )
    return el("div", inner, class_="wide", tabindex="0", role="region", aria_label=caption)


def _row(row: Sequence[Child], numeric: Sequence[bool], mine: bool) -> Html:
    first, *rest = row
    cells = [
        el("td", cell, class_="n" if right else None)
        for cell, right in zip(rest, numeric[1:], strict=True)
    ]
    return el("tr", el("th", first, scope="row"), cells, class_="mine" if mine else None)


def more(summary: str, *children: Child) -> Html:
    """Return what a click unfolds."""
    return el("details", el("summary", summary), *children, class_="more")


def facts(rows: Iterable[tuple[str, Child]], class_: str = "facts") -> Html:
    """Return names with what there is to say of each; None is left out."""
    pairs = [el("div", el("dt", name), el("dd", told)) for name, told in rows if told is not None]
    return el("dl", pairs, class_=class_)


def key(*entries: tuple[Html, str]) -> Html:
    """Return what the marks of a picture mean."""
    marks = [el("li", mark, told) for mark, told in entries]
    return el("ul", marks, class_="key")


def mark(*shapes: Html) -> Html:
    """Return a small picture of a mark for a key."""
    return el("svg", *shapes, viewBox="0 0 24 12", aria_hidden="true", focusable="false")


def title_of(entry: Numbers) -> str:
    """Return an item's title, or its id where it has none."""
    return str(entry["title"]) if entry.get("title") else f"item {entry['item']}"


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage.

    >>> percent(0.9037), percent(0.5, 0)
    ('90.4 %', '50 %')
    """
    return f"{100 * share:.{digits}f} %"


def ends(interval: Sequence[float] | None, digits: int = 4) -> str:
    """Return the ends of an interval in words.

    >>> ends([0.84, 0.86], 2), ends(None)
    ('0.84 to 0.86', '')
    """
    if interval is None:
        return ""
    return f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def p_value(p: float) -> str:
    """Return a p value in words.

    >>> p_value(0.0001), p_value(0.0312)
    ('p < 0.001', 'p = 0.031')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


DOT = el("circle", cx=12, cy=6, r=4.5, class_="fb")
SQUARE = el("rect", x=8, y=2, width=8, height=8, class_="hollow r")
DASHES = el("line", x1=0, y1=6, x2=24, y2=6, class_="rule")
