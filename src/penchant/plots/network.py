"""The drawing of a network: its tables and what becomes of them, its layers, or its members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from penchant.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PAPER,
    VERMILION,
    PathLike,
    empty_figure,
    require_ending,
    save,
)
from penchant.settings import require_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELLS = 9  # of a one-hot strip and of a table, as drawn
_HOT = 3
_WIDE = 30  # letters of a sum that stands alone on its line
_MANY = 1_000_000  # rows; their sizes take two lines


class _Side(NamedTuple):
    """One half of the drawing: the user's or the item's."""

    word: str
    table: str
    row: str
    bias: str
    rows: int
    colour: str
    table_at: float
    bias_at: float


def draw_network(n_users: int, n_items: int, factors: int, path: PathLike | None = None) -> Any:
    """Draw the network ``r̂(u, i) = mean + b_u + b_i + p_u · q_i`` with its sizes.

    From top to bottom: the one-hot vectors of user and item, the four tables that they look up
    a row in, the dot of the two rows of factors, the sum with the two biases, flatten, and the
    mean that is added last.

    Args:
        n_users: how many users are known; the tables have one row more, the stranger's.
        n_items: how many items are known.
        factors: K, the width of the embeddings.
        path: where to write the picture too: PNG, SVG or PDF by its ending.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        SettingsError: a count below 1, or an ending that is no picture's.
        SourceError: a place that cannot be written to.

    >>> figure = draw_network(943, 1682, 200)
    >>> [t.get_text() for t in figure.axes[0].texts if "parameters" in t.get_text()]
    ['(944 + 1,683) × (200 + 1) = 528,027 parameters']
    """
    for name, count in (("n_users", n_users), ("n_items", n_items), ("factors", factors)):
        require_count(name, count)
    if path is not None:
        require_ending(path)
    figure = draw_factorisation(n_users + 1, n_items + 1, factors, "+ mean", "no weights")
    weights = (n_users + n_items + 2) * (factors + 1)
    sum_of = f"({n_users + 1:,} + {n_items + 1:,}) × ({factors:,} + 1)"
    apart = "\n" if len(sum_of) > _WIDE else " "
    _note(figure.axes[0], 45, 3.4, f"{sum_of}{apart}= {weights:,} parameters")
    if path is not None:
        save(figure, path)
    return figure


def draw_factorisation(users: int, items: int, factors: int, last: str, note: str) -> Figure:
    """Draw a factorisation of so many rows, and the last step with a note beside it."""
    figure, axes = _blank(4.8, 6.6, 120)
    user = _Side("user", "P", "pᵤ", "bᵤ", users, BLUE, 30, 11)
    item = _Side("item", "Q", "qᵢ", "bᵢ", items, VERMILION, 60, 79)
    for side in (user, item):
        _draw_side(axes, side, factors)
    steps = (
        (58, "dot", "pᵤ · qᵢ"),
        (43, "add", "pᵤ · qᵢ + bᵤ + bᵢ"),
        (30, "flatten", "(batch, 1)"),
        (18, last, note),
    )
    for place, (y, name, beside) in enumerate(steps):
        colour = GREEN if name == last else INK
        _box(axes, 45, y, 19, name, colour)
        below = steps[place + 1][0] + 2.9 if place + 1 < len(steps) else 11.4
        _arrow(axes, (45, y - 2.9), (45, below))
        axes.text(56, y, beside, va="center", fontsize=10.5, color=GREY)
    _bold(axes, 45, 8.8, "predicted rating", INK, 12.5)
    return figure


def draw_layers(layers: Sequence[tuple[str, str]]) -> Figure:
    """Draw layers one under another: a name each, and a size or "" below it."""
    high = 17.0 * len(layers) + 2
    figure, axes = _blank(4.6, 0.054 * high, high)
    for place, (name, size) in enumerate(layers):
        y = high - 5 - 17 * place
        colour = GREEN if place + 1 == len(layers) else BLUE if place == 0 else INK
        _box(axes, 45, y, 78, name, colour)
        if size:
            _note(axes, 45, y - 6.6, size)
        if place + 1 < len(layers):
            _arrow(axes, (45, y - (9 if size else 3.4)), (45, y - 13.4))
    return figure


def draw_members(members: Sequence[tuple[str, float]], constant: float) -> Figure:
    """Draw the weight of each member of a blend as a bar, and the constant."""
    figure = empty_figure(4.6, 0.42 * len(members) + 0.5)
    axes = figure.add_axes((0.3, 0, 0.55, 1))
    weights = [weight for _, weight in members]
    most = max(*map(abs, weights), 1e-9)
    axes.barh(range(len(members)), [abs(weight) for weight in weights], height=0.62, color=BLUE)
    for place, (name, weight) in enumerate([*members, ("constant", constant)]):
        last = place == len(members)
        end = 0.0 if last else abs(weight)
        told = (f"{weight:+.3f}" if last else f"{weight:.3f}").replace("-", "−")
        look: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 11.5}
        axes.annotate(name[:18], (0, place), (-8, 0), ha="right", color=GREY if last else INK,
                      parse_math=False, **look)  # fmt: skip
        axes.annotate(told, (end, place), (7, 0), color=GREY, **look)
    axes.set_xlim(0, most)
    axes.set_ylim(len(members) + 0.5, -0.5)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axis("off")
    return figure


def _blank(width: float, height: float, units: float) -> tuple[Figure, Axes]:
    """Return a figure of so many inches whose whole is 90 units wide and so many high."""
    figure = empty_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 90)
    axes.set_ylim(0, units)
    axes.axis("off")
    return figure, axes


def _draw_side(axes: Axes, side: _Side, factors: int) -> None:
    middle = (side.table_at + side.bias_at) / 2
    _bold(axes, middle, 117, side.word, side.colour)
    _draw_grid(axes, middle - 14, 109, 28, 3.6, columns=_CELLS, rows=1, colour=side.colour)
    _note(axes, middle, 106.2, f"one-hot, {side.rows:,} wide")
    for at in (side.table_at, side.bias_at):
        _arrow(axes, (middle, 103.8), (at, 99.5))
    _draw_table(axes, side.table_at, 17, side, side.table, factors)
    _draw_table(axes, side.bias_at, 3.6, side, side.bias, 1)
    left = side.table_at < 45
    _arrow(axes, (side.table_at, 66.4), (42 if left else 48, 61.4))
    _arrow(axes, (side.bias_at, 66.4), (39 if left else 51, 46.4))
    _note(axes, 30 if left else 60, 63, side.row, side.colour, 13)
    _note(axes, 19 if left else 71, 56, side.bias, side.colour, 13)


def _draw_table(axes: Axes, at: float, width: float, side: _Side, name: str, columns: int) -> None:
    _bold(axes, at, 97, name, side.colour)
    drawn, left = 1 if columns == 1 else 5, at - width / 2
    _draw_grid(axes, left, 78, width, 17, columns=drawn, rows=_CELLS, colour=side.colour)
    many = side.rows >= _MANY
    apart = "\n" if many else " "
    size = f"{side.rows:,}{apart}× {columns:,}"
    axes.text(at, 76.2, size, ha="center", va="top", fontsize=10.5, color=INK)
    _note(axes, at, 68.4 if many else 71.2, "embedding")


def _draw_grid(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    columns: int,
    rows: int,
    colour: str,
) -> None:
    """Draw cells; the hot one of a strip, or the row that it looks up, is filled."""
    from matplotlib.patches import Rectangle

    wide, high = width / columns, height / rows
    look: dict[str, Any] = {"edgecolor": colour, "linewidth": 0.8}
    for row in range(rows):
        for column in range(columns):
            hot = (column if rows == 1 else row) == _HOT
            left, low = x + column * wide, y + height - (row + 1) * high
            fill = colour if hot else PAPER
            axes.add_patch(Rectangle((left, low), wide, high, facecolor=fill, **look))
            if rows == 1:
                digit, ink = ("1", PAPER) if hot else ("0", GREY)
                _note(axes, left + wide / 2, low + high / 2, digit, ink, 10)


def _box(axes: Axes, x: float, y: float, width: float, text: str, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    shape = "round,pad=0,rounding_size=1.8"
    look: dict[str, Any] = {"facecolor": PAPER, "edgecolor": colour, "linewidth": 1.6}
    axes.add_patch(FancyBboxPatch((x - width / 2, y - 2.8), width, 5.6, boxstyle=shape, **look))
    _bold(axes, x, y, text, colour, 12)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrow)


def _note(
    axes: Axes, x: float, y: float, text: str, colour: str = GREY, size: float = 10.5
) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour)


def _bold(axes: Axes, x: float, y: float, text: str, colour: str, size: float = 13) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, weight="bold")
