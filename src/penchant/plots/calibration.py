"""How often ratings lie in their intervals, against how often they should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penchant.errors import DataError
from penchant.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LIGHT,
    VERMILION,
    PathLike,
    empty_figure,
    require_ending,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    figure = empty_figure(7.0, 4.2)
    axes = figure.add_axes((0.095, 0.15, 0.70, 0.73))
    _style(axes, x, max(5.0, *(float(np.abs(values).max()) for values in found.values())))
    for (name, values), (colour, marker) in zip(found.items(), _STYLES, strict=False):
        axes.plot(x, values, color=colour, marker=marker, markersize=5, linewidth=2, label=name)
    _label(axes, found)
    if path is not None:
        save(figure, path)
    return figure


def _style(axes: Axes, x: npt.NDArray[np.float64], reach: float) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LIGHT, linewidth=1)
    axes.axhline(0, color=GREY, linewidth=1.4, zorder=1)
    axes.tick_params(colors=GREY, labelsize=11, length=0, pad=6)
    axes.set_xlim(float(x[0]) - 1, float(x[-1]) + 1)
    axes.set_ylim(-1.1 * reach, 1.1 * reach)
    axes.set_xlabel("Level of the interval (%)", fontsize=12, color=GREY, labelpad=6)
    axes.text(
        -0.12, 1.06, "Coverage above or below the level (points)", transform=axes.transAxes,
        fontsize=12, color=GREY,
    )  # fmt: skip


def _label(axes: Axes, found: Mapping[str, npt.NDArray[np.float64]]) -> None:
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
