"""The curves of a training: train, validation and test RMSE over the epochs or sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.errors import DataError
from penchant.fonts import lettering
from penchant.history import History
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
    from matplotlib.figure import Figure

_LABEL_GAP = 0.16  # of the height of the axes, between two labels of two lines


class _Curve(NamedTuple):
    name: str
    label: str
    colour: str
    marker: str


_CURVES = (
    _Curve("train_rmse", "Train RMSE", BLUE, "o"),
    _Curve("out_of_fold_rmse", "Out-of-fold RMSE", BLUE, "o"),
    _Curve("validation_rmse", "Validation RMSE", GREEN, "^"),
    _Curve("watch_rmse", "Test RMSE", VERMILION, "s"),
)


def plot_history(history: History, path: PathLike | None = None, title: str | None = None) -> Any:
    """Draw the RMSE of the training, validation and watched rows over the epochs or sweeps.

    Each curve ends in its name and last value. The epoch that validation rows chose, if any, is
    marked as kept.

    Args:
        history: what training measured.
        path: where to write the picture too: PNG, SVG or PDF by its ending.
        title: a line above; any script.

    Returns:
        The `matplotlib.figure.Figure`; a notebook shows it.

    Raises:
        DataError: the history has no RMSE.
        SettingsError: an ending that is no picture's.
        SourceError: a place that cannot be written to.

    >>> records = [{"epoch": 1, "train_rmse": 1.1}, {"epoch": 2, "train_rmse": 0.9}]
    >>> plot_history(History(records)).axes[0].get_xlabel()
    'Epoch'
    """
    if path is not None:
        require_ending(path)
    curves = [(curve, history.column(curve.name)) for curve in _CURVES]
    present = [(curve, values) for curve, values in curves if np.isfinite(values).any()]
    if not present:
        raise DataError(
            f"There is no RMSE to draw in a history of {len(history)} records with the names "
            f"{', '.join(history.names) or '(none)'}. Fit the model first."
        )
    figure = empty_figure(6.0, 4.4)
    axes = figure.add_axes((0.115, 0.14, 0.61, 0.69 if title else 0.76))
    word = next((name for name in ("sweep", "member") if name in history.names), "epoch")
    rounds = history.column(word) if word in history.names else np.arange(1.0, len(history) + 1)
    _style(axes, word, rounds)
    for curve, values in present:
        _draw_curve(axes, curve, rounds, values)
    _mark_kept(axes, history, rounds, word)
    _label_ends(axes, present)
    _write_title(figure, title)
    if path is not None:
        save(figure, path)
    return figure


def _style(axes: Axes, word: str, rounds: npt.NDArray[np.float64]) -> None:
    from matplotlib.ticker import MaxNLocator

    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LIGHT, linewidth=1)
    axes.tick_params(colors=GREY, labelsize=11, length=0, pad=6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set_xlabel(word.capitalize(), fontsize=12, color=GREY, labelpad=6)
    axes.text(-0.165, 1.035, "RMSE", transform=axes.transAxes, fontsize=12, color=GREY)
    if len(rounds) > 1:
        axes.set_xlim(float(rounds[0]), float(rounds[-1]))


def _draw_curve(
    axes: Axes, curve: _Curve, rounds: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
) -> None:
    known = np.isfinite(values)
    look: dict[str, Any] = {"color": curve.colour, "clip_on": False}
    axes.plot(rounds[known], values[known], linewidth=2.4, label=curve.label, **look)
    last = np.flatnonzero(known)[-1]
    axes.plot(rounds[last], values[last], curve.marker, markersize=7, **look)


def _mark_kept(axes: Axes, history: History, rounds: npt.NDArray[np.float64], word: str) -> None:
    if history.best is None:
        return
    at = float(rounds[history.best])
    axes.axvline(at, color=GREY, linewidth=1.2, linestyle=(0, (3, 3)), zorder=1)
    axes.plot(
        at,
        history.column("validation_rmse")[history.best],
        "o",
        markersize=10,
        markerfacecolor="white",
        markeredgecolor=GREEN,
        markeredgewidth=2.2,
        clip_on=False,
        zorder=4,
    )
    right = at > rounds.mean()
    axes.annotate(
        f"kept: {word} {at:g}",
        (at, 1.035),
        xycoords=("data", "axes fraction"),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        fontsize=11,
        color=GREY,
    )


def _label_ends(axes: Axes, present: list[tuple[_Curve, npt.NDArray[np.float64]]]) -> None:
    """Write name and last value beside the end of each curve, pushed apart where they collide."""
    low, high = axes.get_ylim()
    ends = [(float(values[np.isfinite(values)][-1]), curve) for curve, values in present]
    ends.sort(key=lambda end: end[0])
    heights = _apart([(value - low) / (high - low) for value, _ in ends])
    for (value, curve), height in zip(ends, heights, strict=True):
        place: dict[str, Any] = {"transform": axes.transAxes, "color": curve.colour}
        axes.text(1.035, height + 0.016, curve.label, fontsize=11.5, **place)
        axes.text(1.035, height, f"{value:.4f}", va="top", fontsize=14, weight="bold", **place)


def _apart(heights: list[float]) -> list[float]:
    """Move sorted heights as little as it takes to be a gap apart and inside the axes."""
    n = len(heights)
    placed = list(heights)
    for j in range(1, n):
        placed[j] = max(placed[j], placed[j - 1] + _LABEL_GAP)
    shift = float(np.mean(placed) - np.mean(heights))
    placed = [height - shift for height in placed]
    placed[0] = max(placed[0], 0.04)
    for j in range(1, n):
        placed[j] = max(placed[j], placed[j - 1] + _LABEL_GAP)
    placed[-1] = min(placed[-1], 1.0)
    for j in range(n - 2, -1, -1):
        placed[j] = min(placed[j], placed[j + 1] - _LABEL_GAP)
    return placed


def _write_title(figure: Figure, title: str | None) -> None:
    if not title:
        return
    (text,), families = lettering([title])
    figure.text(
        0.03, 0.945, text, family=families, fontsize=14, color=INK, va="center", parse_math=False
    )
