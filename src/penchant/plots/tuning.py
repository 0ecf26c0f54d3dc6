"""How a search of settings went, and which settings made the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penchant.errors import DataError
from penchant.plots.canvas import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    VERMILION,
    PathLike,
    empty_figure,
    require_ending,
    save,
)


def plot_tuning(
    values: Sequence[float | None], importance: Mapping[str, float], path: PathLike | None = None
) -> Any:
    """Draw each try's RMSE beside the best until then, and each setting's share of the differences.

    Args:
        values: the RMSE of each try; None where it was given up.
        importance: the share by setting; none is drawn as "too few tries".
        path: where to write the picture too: PNG, SVG or PDF by its ending.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        DataError: no try ended.
        SettingsError: an ending that is no picture's.
        SourceError: a place that cannot be written to.

    >>> plot_tuning([0.91, None, 0.90], {"rank": 0.7, "l2": 0.3}).axes[1].get_xlabel()
    'Share of the differences (%)'
    """
    if path is not None:
        require_ending(path)
    ended = [(n, v) for n, v in enumerate(values) if v is not None and np.isfinite(v)]
    if not ended:
        raise DataError("No try ended: there is nothing to draw.")
    figure = empty_figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    numbers, found = np.array([n for n, _ in ended]), np.array([v for _, v in ended])
    left.plot(numbers, found, "o", color=GREY, ms=3.5, label="a try")
    best = np.minimum.accumulate(found)
    left.step(numbers, best, where="post", color=VERMILION, label="best until then")
    left.plot(numbers[0], found[0], "s", color=BLUE, ms=6, label="present settings")
    span = max(float(np.median(found) - found.min()), 1e-4)
    left.set_ylim(found.min() - 0.4 * span, max(np.median(found) + 3 * span, found[0] + span))
    left.set_xlabel("Try")
    left.set_ylabel("RMSE, validation")
    left.legend(frameon=False, fontsize=8)
    names = sorted(importance, key=lambda name: importance[name])
    right.barh(names, [100 * importance[name] for name in names], color=BLUE)
    right.set_xlabel("Share of the differences (%)")
    if not names:
        right.text(0.5, 0.5, "too few tries", ha="center", color=GREY, transform=right.transAxes)
    for ax in (left, right):
        ax.grid(color=LIGHT, lw=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=INK, labelsize=8)
    figure.tight_layout()
    if path is not None:
        save(figure, path)
    return figure
