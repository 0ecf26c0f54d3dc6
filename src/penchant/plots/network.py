"""The drawing of the network: one-hot, embeddings, dot, biases, add, flatten, mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from penchant.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    VERMILION,
    PathLike,
    empty_figure,
    require_ending,
    save,
)
from penchant.settings import require_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELLS = 9  # of a one-hot strip and of a table, as drawn
_HOT = 3


class _Side(NamedTuple):
    """One half of the drawing: the user's or the item's."""

    word: str
    letter: str
    table: str
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
    figure = empty_figure(6.0, 8.0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 90)
    axes.set_ylim(0, 120)
    axes.axis("off")
    user = _Side("user", "u", "P", n_users + 1, BLUE, 29, 11)
    item = _Side("item", "i", "Q", n_items + 1, VERMILION, 61, 79)
    for side in (user, item):
        _draw_side(axes, side, factors)
    _draw_spine(axes)
    weights = (user.rows + item.rows) * (factors + 1)
    sum_of = f"({user.rows:,} + {item.rows:,}) × ({factors:,} + 1)"
    _note(axes, 45, 3, f"{sum_of} = {weights:,} parameters")
    if path is not None:
        save(figure, path)
    return figure


def _draw_side(axes: Axes, side: _Side, factors: int) -> None:
    middle = (side.table_at + side.bias_at) / 2
    axes.text(middle, 116, side.word, ha="center", fontsize=14, weight="bold", color=side.colour)
    _draw_grid(axes, middle - 14, 109, 28, 3.4, columns=_CELLS, rows=1, colour=side.colour)
    _note(axes, middle, 106.4, f"one-hot, {side.rows:,} wide")
    for at in (side.table_at, side.bias_at):
        _arrow(axes, (middle, 103.8), (at, 99.5))
    bias = f"$b_{side.letter}$"
    _draw_table(axes, side.table_at, 17, side, side.table, f"{side.rows:,} × {factors:,}")
    _draw_table(axes, side.bias_at, 3.4, side, bias, f"{side.rows:,} × 1")
    row = "p" if side.table == "P" else "q"
    left = side.table_at < 45
    _arrow(axes, (side.table_at, 69), (42 if left else 48, 60.5))
    _arrow(axes, (side.bias_at, 69), (40.2 if left else 49.8, 45.5))
    _note(axes, 31.5 if left else 58.5, 63.4, f"${row}_{side.letter}$", side.colour, 13)
    _note(axes, 21 if left else 69, 55.5, bias, side.colour, 13)


def _draw_table(axes: Axes, at: float, width: float, side: _Side, name: str, size: str) -> None:
    axes.text(at, 96.6, name, ha="center", fontsize=14, weight="bold", color=side.colour)
    columns = 5 if width > 10 else 1
    _draw_grid(
        axes, at - width / 2, 78, width, 17, columns=columns, rows=_CELLS, colour=side.colour
    )
    _note(axes, at, 74.6, size, INK, 10.5 if side.rows < 1_000_000 else 8.2)
    _note(axes, at, 71.4, "embedding")


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
            fill = colour if hot else "white"
            axes.add_patch(Rectangle((left, low), wide, high, facecolor=fill, **look))
            if rows == 1:
                digit, ink = ("1", "white") if hot else ("0", GREY)
                _note(axes, left + wide / 2, low + high / 2, digit, ink, 9.5)


def _draw_spine(axes: Axes) -> None:
    steps = (
        (58, "dot", "$p_u \\cdot q_i$"),
        (43, "add", "$p_u \\cdot q_i + b_u + b_i$"),
        (30, "flatten", "(batch, 1)"),
        (18, "+ mean", "Rescaling, no weights"),
    )
    for place, (y, name, note) in enumerate(steps):
        colour = GREEN if name == "+ mean" else INK
        _box(axes, 45, y, name, colour)
        below = steps[place + 1][0] + 2.9 if place + 1 < len(steps) else 11.4
        _arrow(axes, (45, y - 2.9), (45, below))
        axes.text(54.5, y, note, va="center", fontsize=11, color=GREY)
    axes.text(45, 8.8, "predicted rating", ha="center", va="center", fontsize=13, weight="bold")


def _box(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - 7, y - 1.9),
            14,
            3.8,
            boxstyle="round,pad=0.6,rounding_size=1.4",
            facecolor="white",
            edgecolor=colour,
            linewidth=1.6,
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=12.5, weight="bold", color=colour)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrow)


def _note(
    axes: Axes, x: float, y: float, text: str, colour: str = GREY, size: float = 10.5
) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour)
