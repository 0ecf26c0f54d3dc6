"""What all pictures share: an empty figure, the colours, and the writing of a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penchant.atomic import new_file
from penchant.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PathLike = str | os.PathLike[str]

PAPER, INK, GREY, LIGHT = "#ffffff", "#1a1a1a", "#595959", "#e3e3e3"
BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#007a5a"  # told apart by the colour-blind too
PALE = "#cfe0f2"  # of blue
DASHES: Any = (0, (3, 3))
ENDINGS = (".png", ".svg", ".pdf")


def empty_figure(width: float, height: float) -> Figure:
    """Return a white figure of so many inches, at 200 dots an inch."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=200, facecolor=PAPER)


def plain_axes(
    figure: Figure,
    x: str,
    y: str,
    *,
    left: float = 0.5,
    right: float = 0.1,
    top: float = 0.42,
    bottom: float = 0.56,
    name: float = 0.2,
) -> Axes:
    """Return axes with lines across, the name of y above and that of x below.

    Margins are in inches; so is `name`, from the top of the figure to the name of y.
    """
    width, height = figure.get_size_inches()
    inside = 1 - (left + right) / width, 1 - (top + bottom) / height
    axes = figure.add_axes((left / width, bottom / height, *inside))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LIGHT, linewidth=1)
    axes.tick_params(colors=GREY, labelsize=11, length=0, pad=6)
    axes.set_xlabel(x, fontsize=11.5, color=GREY, labelpad=5)
    figure.text(0.02 / width, 1 - name / height, y, fontsize=11.5, color=GREY)
    return axes


def require_ending(path: PathLike) -> str:
    """Return a picture's kind by its path: "png", "svg" or "pdf".

    Raises `SettingsError` for another ending.

    >>> require_ending("curves.PNG")
    'png'
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise SettingsError(
            f"A picture's path must end in {', '.join(ENDINGS)}; received {os.fspath(path)!r}."
        )
    return ending[1:]


def save(figure: Figure, path: PathLike) -> None:
    """Write the picture whole or not at all, without a date in it.

    Raises:
        SettingsError: an ending that is no picture's.
        SourceError: a place that cannot be written to.
    """
    kind = require_ending(path)
    undated: dict[str, dict[str, Any]] = {
        "png": {},
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
    }
    try:
        with new_file(path) as file:
            figure.savefig(file, format=kind, metadata=undated[kind])
    except OSError as error:
        raise SourceError(
            f"The picture can't be written to {os.fspath(path)!r}: {error.strerror or error}. "
            f"Choose a folder that exists and that you may write to."
        ) from error
