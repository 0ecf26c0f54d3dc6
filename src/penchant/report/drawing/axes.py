"""What all pictures share: scales, ticks, and the frame of a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from penchant.report.html import Html, el

WIDTH, HEIGHT = 420.0, 270.0
"""Of a plot, in its own units: about the pixels of a phone, so that its letters stay readable."""


class Scale(NamedTuple):
    """A straight line from values to places.

    >>> Scale(0, 10, 100, 200)(2.5)
    125.0
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        width = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / width * (self.stop - self.start)


class Frame(NamedTuple):
    """The rectangle of a plot, and its two scales."""

    x: Scale
    y: Scale

    @property
    def left(self) -> float:
        """Where the plot begins."""
        return min(self.x.start, self.x.stop)

    @property
    def right(self) -> float:
        """Where the plot ends."""
        return max(self.x.start, self.x.stop)

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return max(self.y.start, self.y.stop)


def frame(
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    left: float = 44,
    right: float = WIDTH - 8,
    top: float = 26,
    bottom: float = HEIGHT - 42,
) -> Frame:
    """Return the frame of a plot for these ranges of values."""
    return Frame(Scale(*x, left, right), Scale(*y, bottom, top))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from low to high, at most so many.

    >>> ticks(0.82, 1.13, 5)
    [0.9, 1.0, 1.1]
    >>> ticks(0, 34174, 4)
    [0.0, 10000.0, 20000.0, 30000.0]
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(
        unit * power
        for unit in (1, 2, 2.5, 5, 10, 20, 25, 50, 100)
        if _count(low, high, unit * power) <= most
    )
    first = math.ceil(low / step - 1e-9)
    n = _count(low, high, step)
    return [round((first + k) * step, 10) for k in range(n)]


def _count(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1


def number(value: float) -> str:
    """Return a tick's number, short.

    >>> number(0.30000001), number(20000.0), number(1500000)
    ('0.3', '20k', '1.5M')
    """
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit * (1 if letter == "M" else 10):
            return f"{value / unit:.3g}{letter}"
    return f"{value:.6g}"


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """Return a straight line."""
    return el("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def text(x: float, y: float, told: str, class_: str | None = None, **more: Any) -> Html:
    """Return a text at a place."""
    return el("text", told, x=float(x), y=float(y), class_=class_, **more)


def path(points: Sequence[tuple[float, float]], class_: str) -> Html:
    """Return a line through points."""
    told = " ".join(
        f"{'L' if place else 'M'}{x:.1f} {y:.1f}" for place, (x, y) in enumerate(points)
    )
    return el("path", d=told, class_=class_)


def rows(made: Frame, values: Sequence[float], form: Any = number) -> list[Html]:
    """Return the horizontal lines of a grid with their numbers."""
    out = []
    for value in values:
        y = made.y(value)
        out.append(line(made.left, y, made.right, y, "grid"))
        out.append(text(made.left - 7, y + 4, form(value), "end"))
    return out


def columns(made: Frame, values: Sequence[float], form: Any = number) -> list[Html]:
    """Return the numbers below a plot, and its lower edge."""
    edge = line(made.left, made.bottom, made.right, made.bottom, "axis")
    return [edge, *(text(made.x(v), made.bottom + 18, form(v), "mid") for v in values)]


def names(made: Frame, x: str, y: str) -> list[Html]:
    """Return what the two axes are called: one above at the left, one below in the middle."""
    middle = (made.left + made.right) / 2
    return [text(2, 13, y), text(middle, made.bottom + 37, x, "mid")]


def picture(label: str, *parts: Any, width: float = WIDTH, height: float = HEIGHT) -> Html:
    """Return an SVG picture that says in words what it shows."""
    return el(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
    )
