"""The drawing of the network: the tables, what they are looked up by, and what becomes of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from penchant.report.drawing.axes import line, picture, text
from penchant.report.html import Html, el

_CELLS, _HOT = 9, 3  # of a strip and of a table, as drawn; the one that is looked up


class _Side(NamedTuple):
    word: str
    letter: str
    table: str
    row: str
    rows: int
    colour: str
    table_at: float
    bias_at: float


def draw(told: str, network: dict[str, Any]) -> Html:
    """Draw what there is to draw of a kind: a factorisation, layers, or the members of a blend."""
    if "members" in network:
        return _members(told, network)
    if "layers" in network:
        return _chain(told, network["layers"])
    return _factorisation(told, network)


def _factorisation(told: str, network: dict[str, Any]) -> Html:
    factors = network["factors"]
    user = _Side("user", "u", "P", "p", network["users"], "b", 136, 46)
    item = _Side("item", "i", "Q", "q", network["items"], "r", 304, 394)
    out = [*_half(user, factors), *_half(item, factors), *_spine(network)]
    return picture(told, _head(), out, width=440, height=520)


def _half(side: _Side, factors: int) -> list[Html]:
    middle = (side.table_at + side.bias_at) / 2
    out = [text(middle, 16, side.word, f"mid f{side.colour}")]
    out += _grid(middle - 63, 24, 126, 16, _CELLS, 1, side.colour)
    out.append(text(middle, 56, f"one-hot, {side.rows:,} wide", "mid"))
    out += [_arrow(middle, 63, at, 80) for at in (side.table_at, side.bias_at)]
    for at, width, columns, name, size in (
        (side.table_at, 76, 5, side.table, f"{side.rows:,} × {factors:,}"),
        (side.bias_at, 15, 1, f"b{_SUB[side.letter]}", f"{side.rows:,} × 1"),
    ):
        out.append(text(at, 98, name, f"mid f{side.colour}"))
        out += _grid(at - width / 2, 106, width, 82, columns, _CELLS, side.colour)
        out.append(text(at, 206, size, "mid strong"))
        out.append(text(at, 221, "embedding", "mid"))
    towards = -1 if side.table_at < 220 else 1
    out.append(_arrow(side.table_at, 230, 220 + towards * 16, 262))
    out.append(text(220 + towards * 72, 258, side.row + _SUB[side.letter], f"mid f{side.colour}"))
    out.append(_arrow(side.bias_at, 230, 220 + towards * 36, 338))
    out.append(text(220 + towards * 124, 312, "b" + _SUB[side.letter], f"mid f{side.colour}"))
    return out


_SUB = {"u": "ᵤ", "i": "ᵢ"}


def _grid(
    x: float, y: float, width: float, height: float, columns: int, rows: int, colour: str
) -> list[Html]:
    """Return cells; the hot one of a strip, or the row that it looks up, is filled."""
    wide, high, out = width / columns, height / rows, []
    for row in range(rows):
        for column in range(columns):
            hot = (column if rows == 1 else row) == _HOT
            left, top = x + column * wide, y + row * high
            class_ = f"cell {colour} hot" if hot else f"cell {colour}"
            out.append(el("rect", x=left, y=top, width=wide, height=high, class_=class_))
            if rows == 1 and not hot:
                out.append(text(left + wide / 2, top + high / 2 + 4, "0", "mid", font_size=10))
            elif rows == 1:
                out.append(text(left + wide / 2, top + high / 2 + 4, "1", "mid on", font_size=10))
    return out


def _spine(network: dict[str, Any]) -> list[Html]:
    mean = f"+ {network['mean']:.4f}, no weights"
    last = ("to stars", "thresholds") if network.get("ordinal") else ("+ mean", mean)
    steps = (
        (266, "dot", "pᵤ · qᵢ", "k"),
        (330, "add", "pᵤ · qᵢ + bᵤ + bᵢ", "k"),
        (386, "flatten", "(batch, 1)", "k"),
        (442, *last, "g"),
    )
    out = []
    for place, (y, name, note, colour) in enumerate(steps):
        out.append(_box(220, y, 84, name, colour))
        below = steps[place + 1][0] if place + 1 < len(steps) else 490
        out.append(_arrow(220, y + 28, 220, below))
        out.append(text(272, y + 19, note))
    out.append(text(220, 508, "predicted rating", "mid strong"))
    return out


def _box(x: float, y: float, width: float, name: str, colour: str) -> Html:
    frame = el("rect", x=x - width / 2, y=y, width=width, height=28, rx=8, class_=f"box {colour}")
    return el("g", frame, text(x, y + 19, name, "mid strong"))


def _head() -> Html:
    tip = el("path", d="M0 0L8 4L0 8z", class_="fk")
    return el("defs", el("marker", tip, id="tip", viewBox="0 0 8 8", refX=7, refY=4,
                         markerWidth=7, markerHeight=7, orient="auto"))  # fmt: skip


def _arrow(x1: float, y1: float, x2: float, y2: float) -> Html:
    return el("line", x1=x1, y1=y1, x2=x2, y2=y2 - 1.5, class_="k", marker_end="url(#tip)")


def _chain(told: str, layers: list[dict[str, Any]]) -> Html:
    """Draw layers one under another, with their sizes beside them."""
    out: list[Html] = []
    for place, layer in enumerate(layers):
        y = 12 + 66.0 * place
        colour = "g" if place + 1 == len(layers) else "b" if place == 0 else "k"
        out.append(_box(190, y, 310, layer["name"], colour))
        if layer["size"]:
            out.append(text(190, y + 43, layer["size"], "mid"))
        if place + 1 < len(layers):
            out.append(_arrow(190, y + (47 if layer["size"] else 28), 190, y + 66))
    height = 66.0 * len(layers) + 6
    return picture(told, _head(), out, width=380, height=height)


def _members(told: str, network: dict[str, Any]) -> Html:
    """Draw the weight of each member of a blend."""
    members = network["members"]
    most = max([abs(member["weight"]) for member in members] + [1e-9])
    out: list[Html] = []
    for place, member in enumerate(members):
        y, width = 14 + 34.0 * place, 210 * abs(member["weight"]) / most
        out.append(text(118, y + 15, member["name"][:18], "end strong"))
        out.append(el("rect", x=128, y=y, width=max(width, 1.0), height=22, rx=3, class_="bar"))
        out.append(text(128 + width + 8, y + 15, f"{member['weight']:.3f}"))
    y = 14 + 34.0 * len(members)
    out.append(line(128, 8, 128, y, "axis"))
    out.append(text(118, y + 15, "constant", "end"))
    out.append(text(136, y + 15, f"{network['constant']:+.3f}"))
    return picture(told, out, width=400, height=y + 30)
