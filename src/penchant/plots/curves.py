"""The curves of a training: train, validation and test RMSE over the epochs or sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from penchant.arrays import F64
from penchant.errors import DataError
from penchant.fonts import lettering
from penchant.plots.canvas import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    INK,
    PAPER,
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

_LABEL_GAP = 0.55  # inches, between two labels of two lines


class Measured(Protocol):
    """What training measured: a `penchant.history.History`."""

    best: int | None

    def __len__(self) -> int:
        """Return how many rounds there were."""

    @property
    def names(self) -> list[str]:
        """What was measured."""

    def column(self, name: str) -> F64:
        """Return one name over all rounds; NaN where a round lacks it."""


class Curves(NamedTuple):
    """What training measured, round by round."""

    word: str
    """What a round is: an epoch, a sweep, or a member of a blend."""
    rounds: Sequence[float]
    rmse: Mapping[str, Sequence[float | None]]
    """By name of the history's column; None where a round has none."""
    kept: float | None = None
    """The round whose state validation rows chose."""
    averaged: float | None = None
    """The first round after a burn-in: from here on the mean of the draws is measured."""


class _Look(NamedTuple):
    label: str
    colour: str
    marker: str


_LOOKS = {
    "train_rmse": _Look("Train", BLUE, "o"),
    "out_of_fold_rmse": _Look("Out of fold", BLUE, "o"),
    "validation_rmse": _Look("Validation", GREEN, "^"),
    "watch_rmse": _Look("Test", VERMILION, "s"),
}


def curves_of(history: Measured) -> Curves:
    """Return the curves that a history holds; `rmse` is empty where it holds none.

    >>> from penchant.history import History
    >>> made = curves_of(History([{"sweep": 1, "train_rmse": 1.1}, {"sweep": 2}]))
    >>> made.word, made.rounds, made.rmse
    ('sweep', [1.0, 2.0], {'train_rmse': [1.1, None]})
    """
    word = next((name for name in ("sweep", "member") if name in history.names), "epoch")
    rounds = history.column(word) if word in history.names else np.arange(1.0, len(history) + 1)
    columns = {name: history.column(name) for name in _LOOKS}
    rmse = {
        name: [value if np.isfinite(value) else None for value in values.tolist()]
        for name, values in columns.items()
        if np.isfinite(values).any()
    }
    drawn = np.flatnonzero(history.column("draws") > 0)
    after_burn_in = len(drawn) > 0 and drawn[0] > 0
    return Curves(
        word,
        rounds.tolist(),
        rmse,
        None if history.best is None else float(rounds[history.best]),
        float(rounds[drawn[0]]) if after_burn_in else None,
    )


def plot_history(history: Measured, path: PathLike | None = None, title: str | None = None) -> Any:
    """Draw the RMSE of the training, validation and watched rows over the epochs or sweeps.

    Each curve ends in its name and last value. The epoch that validation rows chose, if any, is
    marked as kept; so is the sweep from which it is the mean of the draws that is measured.

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

    >>> from penchant.history import History
    >>> records = [{"epoch": 1, "train_rmse": 1.1}, {"epoch": 2, "train_rmse": 0.9}]
    >>> plot_history(History(records)).axes[0].get_xlabel()
    'Epoch'
    """
    if path is not None:
        require_ending(path)
    curves = curves_of(history)
    if not curves.rmse:
        raise DataError(
            f"There is no RMSE to draw in a history of {len(history)} records with the names "
            f"{', '.join(history.names) or '(none)'}. Fit the model first."
        )
    figure = draw_curves(curves, title=title)
    if path is not None:
        save(figure, path)
    return figure


def draw_curves(
    curves: Curves, size: tuple[float, float] = (6.0, 4.4), title: str | None = None
) -> Figure:
    """Draw curves of at least one round on a figure of so many inches."""
    from matplotlib.ticker import MaxNLocator

    figure = empty_figure(*size)
    room = 0.25 + max(0.7, *(0.1 * len(_LOOKS[name].label) for name in curves.rmse))
    top, above = (0.95, 0.74) if title else (0.48, 0.28)
    word = curves.word.capitalize()
    axes = plain_axes(figure, word, "RMSE", left=0.62, right=room, top=top, name=above)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    if len(curves.rounds) > 1:
        axes.set_xlim(curves.rounds[0], curves.rounds[-1])
    for name, values in curves.rmse.items():
        _draw_curve(axes, _LOOKS[name], curves.rounds, np.array(values, dtype=np.float64))
    _mark_kept(axes, curves)
    _label_ends(axes, curves)
    _write_title(figure, title)
    return figure


def _draw_curve(axes: Axes, look: _Look, rounds: Sequence[float], values: F64) -> None:
    known, at = np.isfinite(values), np.asarray(rounds)
    drawn: dict[str, Any] = {"color": look.colour, "clip_on": False}
    axes.plot(at[known], values[known], linewidth=2.4, label=look.label, **drawn)
    last = np.flatnonzero(known)[-1]
    axes.plot(at[last], values[last], look.marker, markersize=7, **drawn)


def _mark_kept(axes: Axes, curves: Curves) -> None:
    """Mark the round that was kept, or the one from which draws are averaged."""
    kept, averaged = curves.kept, curves.averaged
    if kept is not None:
        _mark(axes, curves, kept, f"kept: {curves.word} {kept:g}")
        chosen = np.array(curves.rmse["validation_rmse"], np.float64)[curves.rounds.index(kept)]
        look: dict[str, Any] = {"markerfacecolor": PAPER, "markeredgecolor": GREEN}
        look |= {"markersize": 10, "markeredgewidth": 2.2, "clip_on": False, "zorder": 4}
        axes.plot(kept, chosen, "o", **look)
    elif averaged is not None:
        _mark(axes, curves, averaged, f"mean of the draws from {curves.word} {averaged:g}")


def _mark(axes: Axes, curves: Curves, at: float, told: str) -> None:
    axes.axvline(at, color=GREY, linewidth=1.2, linestyle=DASHES, zorder=1)
    right = at > (curves.rounds[0] + curves.rounds[-1]) / 2
    axes.annotate(
        told,
        (at, 1.035),
        xycoords=("data", "axes fraction"),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        fontsize=11,
        color=GREY,
    )


def _label_ends(axes: Axes, curves: Curves) -> None:
    """Write name and last value beside the end of each curve, pushed apart where they collide."""
    low, high = axes.get_ylim()
    last = [
        (next(value for value in reversed(values) if value is not None), _LOOKS[name])
        for name, values in curves.rmse.items()
    ]
    last.sort(key=lambda end: end[0])
    tall = axes.get_window_extent().height / axes.figure.dpi
    heights = _apart([(value - low) / (high - low) for value, _ in last], _LABEL_GAP / tall)
    for (value, look), height in zip(last, heights, strict=True):
        axes.annotate(look.label, (1, height), (9, 2), "axes fraction", "offset points",
                      color=look.colour, fontsize=11.5)  # fmt: skip
        axes.annotate(f"{value:.4f}", (1, height), (9, 0), "axes fraction", "offset points",
                      color=look.colour, fontsize=13, weight="bold", va="top")  # fmt: skip


def _apart(heights: list[float], gap: float) -> list[float]:
    """Move sorted heights as little as it takes to be a gap apart and inside the axes."""
    n = len(heights)
    placed = list(heights)
    for j in range(1, n):
        placed[j] = max(placed[j], placed[j - 1] + gap)
    shift = float(np.mean(placed) - np.mean(heights))
    placed = [height - shift for height in placed]
    placed[0] = max(placed[0], 0.04)
    for j in range(1, n):
        placed[j] = max(placed[j], placed[j - 1] + gap)
    placed[-1] = min(placed[-1], 1.0)
    for j in range(n - 2, -1, -1):
        placed[j] = min(placed[j], placed[j + 1] - gap)
    return placed


def _write_title(figure: Figure, title: str | None) -> None:
    if not title:
        return
    (text,), families = lettering([title])
    top = 1 - 0.26 / figure.get_size_inches()[1]
    figure.text(
        0.02, top, text, family=families, fontsize=14, color=INK, va="center", parse_math=False
    )
