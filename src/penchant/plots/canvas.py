"""What all pictures share: an empty figure, the colours, and the writing of a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penchant.atomic import new_file
from penchant.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PathLike = str | os.PathLike[str]

INK, GREY, LIGHT = "#1a1a1a", "#595959", "#e3e3e3"
BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#007a5a"  # told apart by the colour-blind too
ENDINGS = (".png", ".svg", ".pdf")


def empty_figure(width: float, height: float) -> Figure:
    """Return a white figure of so many inches, at 200 dots an inch."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=200, facecolor="white")


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
