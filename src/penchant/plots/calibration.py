"""How often ratings lie in their intervals, against how often they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64
from penchant.errors import DataError
from penchant.plots.canvas import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    INK,
    VERMILION,
    PathLike,
    empty_figure,
    plain_axes,
    require_ending,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_STYLES = ((INK, "o"), (VERMILION, "s"), (BLUE, "^"), (GREEN, "D"))
_GAP = 0.075  # of the height of the axes, between two labels


def plot_calibration(
    levels: npt.ArrayLike, coverage: Mapping[str, npt.ArrayLike], path: PathLike | None = None
) -> Any:
    """Draw how far the coverage of intervals is from their level, in percentage points.

    Args:
        levels: (n,) the intervals' levels, rising, in 0 … 1.
        coverage: up to four names, each with the share of ratings inside at each level, (n,).
        path: where to write the picture too: PNG, SVG or PDF by its ending.

    Returns:
        The `matplotlib.figure.Figure`; a notebook shows it.

    Raises:
        DataError: no or too many names, or columns of other lengths than the levels.
        SettingsError: an ending that is no picture's.
        SourceError: a place that cannot be written to.

    >>> figure = plot_calibration([0.5, 0.9], {"all ratings": [0.51, 0.9]})
    >>> figure.axes[0].get_xlabel()
    'Level of the interval (%)'
    """
    if path is not None:
        require_ending(path)
    x = 100 * np.asarray(levels, dtype=np.float64)
    found = {name: 100 * np.asarray(c, dtype=np.float64) - x for name, c in coverage.items()
             if np.shape(c) == x.shape}  # fmt: skip
    if not 0 < len(found) == len(coverage) <= len(_STYLES):
        raise DataError(
            f"A calibration is drawn of one to {len(_STYLES)} columns as long as the "
            f"{len(x)} levels; received {len(coverage)}, of them {len(found)} so long."
        )
    figure = draw_calibration(x, found)
    _label(figure.axes[0], found)
    if path is not None:
        save(figure, path)
    return figure


def draw_calibration(
    levels: Sequence[float] | F64,
    off: Mapping[str, F64],
    whiskers: F64 | None = None,
    size: tuple[float, float] = (7.0, 4.2),
) -> Figure:
    """Draw by how many points columns are off their level, in per cent.

    Args:
        levels: (n,) in per cent.
        off: (n,) points by name.
        whiskers: (2, n) below and above the first column, the ends of its interval; with them
            there is no room for names beside the lines.
        size: of the figure in inches.
    """
    x = np.asarray(levels, dtype=np.float64)
    figure = empty_figure(*size)
    y, room = "Coverage above or below the level (points)", 0.1 if whiskers is not None else 1.4
    axes = plain_axes(figure, "Level of the interval (%)", y, left=0.55, right=room)
    axes.spines["bottom"].set_visible(False)
    axes.axhline(0, color=GREY, linewidth=1.4, zorder=1)
    styles = dict(zip(off, _STYLES, strict=False))
    for name, values in off.items():
        colour, marker = styles[name]
        axes.plot(x, values, color=colour, marker=marker, markersize=5, linewidth=2, label=name)
    reach = max(5.0, *(float(np.abs(values).max()) for values in off.values()))
    if whiskers is not None:
        first = next(iter(off.values()))
        axes.errorbar(x, first, whiskers, fmt="none", color=INK, capsize=3, elinewidth=1.4)
        reach = float(np.abs(np.concatenate([first - whiskers[0], first + whiskers[1]])).max())
        reach = max(3.0, reach, *(float(np.abs(values).max()) for values in off.values()))
    axes.set_xlim(float(x[0]) - 1, float(x[-1]) + 1)
    axes.set_ylim(-1.1 * reach, 1.1 * reach)
    return figure


def draw_shares(
    levels: Sequence[float] | F64, shares: Mapping[str, F64], size: tuple[float, float]
) -> Figure:
    """Draw the shares of ratings inside, (n,) by name, against the levels, all in per cent."""
    figure = empty_figure(*size)
    x, y = "Level of the interval (%)", "Ratings inside (%)"
    axes = plain_axes(figure, x, y, left=0.55, right=0.2)
    axes.plot((0, 100), (0, 100), color=GREY, linewidth=1.2, linestyle=DASHES)
    for (name, values), (colour, marker) in zip(shares.items(), _STYLES, strict=False):
        axes.plot(levels, values, color=colour, marker=marker, markersize=5, label=name)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    return figure


def _label(axes: Axes, found: Mapping[str, F64]) -> None:
    """Write each name beside its curve's end; where they would collide, apart."""
    low, high = axes.get_ylim()
    colours = dict(zip(found, (colour for colour, _ in _STYLES), strict=False))
    height = -_GAP
    for name in sorted(found, key=lambda name: float(found[name][-1])):
        height = max(height + _GAP, (float(found[name][-1]) - low) / (high - low))
        axes.text(
            1.03, height, name, transform=axes.transAxes, color=colours[name], fontsize=12,
            va="center", parse_math=False,
        )  # fmt: skip
