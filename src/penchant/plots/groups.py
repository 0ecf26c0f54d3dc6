"""Pictures of groups of ratings: how many there are, their RMSE, how their residuals lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penchant.plots.canvas import (
    BLUE,
    DASHES,
    GREY,
    INK,
    PALE,
    PAPER,
    VERMILION,
    empty_figure,
    plain_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Group = Mapping[str, Any]
"""From `low` to `high`, with the numbers that its picture is of."""

SIZE = (4.6, 2.95)
_LONG = 6  # letters of a name that stands on one line beside six others
_NAMED = 10  # groups; of more, some are named
_DOT: dict[str, Any] = {"markeredgecolor": PAPER, "markeredgewidth": 1.2, "linestyle": "none"}


def name_of(group: Group) -> str:
    """Return what a group of values or counts is called.

    >>> name_of({"low": 3.0, "high": 3.0}), name_of({"low": 10, "high": 19_999})
    ('3', '10–20k')
    """
    low, high = _short(group["low"]), _short(group["high"])
    return low if low == high else f"{low}–{high}"


def _short(value: float) -> str:
    """Return a number in few letters.

    >>> _short(0.30000001), _short(20000.0), _short(1500000)
    ('0.3', '20k', '1.5M')
    """
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M"
    return f"{value / 1e3:.3g}k" if abs(value) >= 1e4 else f"{value:.6g}"


def draw_bars(groups: Sequence[Group], x: str, y: str, *, least: bool = False,
              other: bool = False) -> Figure:  # fmt: skip
    """Draw the share of each group, n of all, written above its bar.

    Args:
        groups: from low to high.
        x: what they are groups of.
        y: what the bars are shares of.
        least: whether groups are called by their low ends alone.
        other: whether it is of the other side, and so of the other colour.
    """
    total = max(sum(group["n"] for group in groups), 1)
    shares = [100 * group["n"] / total for group in groups]
    figure = empty_figure(*SIZE)
    names = [_short(group["low"]) if least else name_of(group) for group in groups]
    axes = _axes_of(figure, names, x, y, left=0.1, top=0.6)
    axes.grid(visible=False)
    axes.set_yticks([])
    axes.bar(range(len(groups)), shares, width=0.84, color=VERMILION if other else BLUE)
    axes.set_ylim(0, max(shares))
    if len(groups) <= _NAMED:
        for place, share in enumerate(shares):
            told = "<1 %" if 0 < share < 0.5 else f"{share:.0f} %"
            axes.annotate(told, (place, share), (0, 4), textcoords="offset points", ha="center",
                          fontsize=11, weight="bold", color=INK)  # fmt: skip
    return figure


def draw_rmse(groups: Sequence[Group], x: str, overall: float) -> Figure:
    """Draw the `rmse` of each group with its `interval`, and `bias_rmse` beside it if it is there.

    Args:
        groups: from low to high.
        x: what they are groups of.
        overall: the RMSE of all, which a dashed line marks.
    """
    figure = empty_figure(*SIZE)
    axes = _axes_of(figure, [name_of(group) for group in groups], x, "RMSE", left=0.55)
    axes.axhline(overall, color=GREY, linewidth=1.2, linestyle=DASHES)
    at = np.arange(len(groups)) - 0.06
    rmse = np.array([group["rmse"] for group in groups])
    ends = np.array([group["interval"] for group in groups]).T
    reach = np.abs(ends - rmse)
    axes.errorbar(at, rmse, reach, fmt="none", color=BLUE, elinewidth=1.6, capsize=3.5)
    axes.plot(at, rmse, "o", color=BLUE, markersize=8, **_DOT)
    if "bias_rmse" in groups[0]:
        hollow: dict[str, Any] = {"markerfacecolor": PAPER, "markeredgecolor": VERMILION}
        biases = [group["bias_rmse"] for group in groups]
        axes.plot(at + 0.2, biases, "s", markersize=6.5, markeredgewidth=1.7, **hollow)
    axes.locator_params(axis="y", nbins=5)
    return figure


def draw_boxes(groups: Sequence[Group], x: str) -> Figure:
    """Draw residuals: boxes `q25` to `q75`, whiskers `q10` to `q90`, `median`, dots the `mean`."""
    figure = empty_figure(*SIZE)
    named = [name_of(group) for group in groups]
    axes = _axes_of(figure, named, x, "Rating less prediction", left=0.55)
    axes.axhline(0, color=GREY, linewidth=1.2, linestyle=DASHES, zorder=1)
    names = {"whislo": "q10", "q1": "q25", "med": "median", "q3": "q75", "whishi": "q90"}
    lines = {"color": BLUE, "linewidth": 1.6}
    axes.bxp(
        [{ours: group[theirs] for ours, theirs in names.items()} for group in groups],
        positions=range(len(groups)),
        widths=0.6,
        showfliers=False,
        showcaps=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": PALE, "edgecolor": BLUE, "linewidth": 1.6},
        medianprops=lines,
        whiskerprops=lines,
    )
    means = [group["mean"] for group in groups]
    axes.plot(range(len(groups)), means, "o", color=VERMILION, markersize=7, zorder=5, **_DOT)
    ends = [abs(group[name]) for group in groups for name in ("q10", "q90", "mean")]
    reach = max(1.1 * max(ends), 1e-6)
    axes.set_ylim(-reach, reach)
    axes.locator_params(axis="y", nbins=6)
    return figure


def _axes_of(figure: Figure, names: Sequence[str], x: str, y: str, **margins: float) -> Axes:
    """Return axes with the names of groups below; on two lines where one is long."""
    if len(names) > 4 and max(map(len, names)) > _LONG:
        names = [name.replace("–", "–\n") for name in names]
        margins["bottom"] = 0.76
    axes = plain_axes(figure, x, y, **margins)
    places = range(0, len(names), math.ceil(len(names) / _NAMED))
    axes.set_xticks(places, [names[place] for place in places])
    axes.set_xlim(-0.5, len(names) - 0.5)
    return axes
