"""The map of the items: a dot each, the most rated with their titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from penchant.report.drawing.axes import Scale, line, picture, text
from penchant.report.html import Html, el

WIDTH = 760.0
LEAST_HEIGHT, MOST_HEIGHT = 360.0, 640.0
_EDGE = 28.0  # between the outermost dots and the edges
_LABELS, _MAJOR = 34, 8
_LETTER = 6.1  # width of a letter in units of the picture, about
_LONGEST = 26
COLOURS = 5
_CUTS = (0.1, 0.3, 0.7, 0.9)


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


class _Dot(NamedTuple):
    x: float
    y: float
    radius: float
    colour: int


def draw(told: str, found: dict[str, Any], titles: Sequence[str]) -> Html:
    """Draw the places; each dot has its title and figures as a tip.

    Args:
        told: what the picture shows, in words.
        found: the numbers of the map.
        titles: of each item, or what stands for it.
    """
    x, y, height = _scales(found["x"], found["y"])
    dots = _dots(found, x, y)
    out: list[Html] = [
        line(0, y(0), WIDTH, y(0), "grid"),
        line(x(0), 0, x(0), height, "grid"),
    ]
    means = found["mean_rating"]
    for place in reversed(range(len(dots))):  # the most rated lie on top
        dot = dots[place]
        mean = "" if means is None else f", mean {means[place]:.2f}"
        tip = el("title", f"{titles[place]} · {found['ratings'][place]:,} ratings{mean}")
        class_ = f"dot d{dot.colour}"
        out.append(el("circle", tip, cx=dot.x, cy=dot.y, r=dot.radius, class_=class_))
    out += _labels(dots, titles, height)
    return picture(told, out, width=WIDTH, height=height)


def _scales(xs: Sequence[float], ys: Sequence[float]) -> tuple[Scale, Scale, float]:
    """Return the two scales, of one unit, and the height that the places need."""
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    unit = min((WIDTH - 2 * _EDGE) / max(wide, 1e-9), (MOST_HEIGHT - 2 * _EDGE) / max(high, 1e-9))
    height = max(LEAST_HEIGHT, unit * high + 2 * _EDGE)
    across, up = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    x = Scale(across, across + 1, WIDTH / 2, WIDTH / 2 + unit)
    return x, Scale(up, up + 1, height / 2, height / 2 - unit), height


def _dots(found: dict[str, Any], x: Scale, y: Scale) -> list[_Dot]:
    xs, ys, most = found["x"], found["y"], max(found["ratings"])
    colours = _colours(found["mean_rating"], len(xs))
    return [
        _Dot(x(xs[k]), y(ys[k]), 2.6 + 5.4 * (found["ratings"][k] / most) ** 0.5, colours[k])
        for k in range(len(xs))
    ]


def _colours(means: Sequence[float] | None, n: int) -> list[int]:
    """Return for each item 1 (least liked) to 5 (most liked), by tenths, thirds and so on."""
    if means is None:
        return [COLOURS] * n
    ordered = sorted(means)
    cuts = [ordered[min(int(cut * n), n - 1)] for cut in _CUTS]
    return [1 + sum(mean >= cut for cut in cuts) for mean in means]


def _labels(dots: Sequence[_Dot], titles: Sequence[str], height: float) -> list[Html]:
    """Return titles beside dots, the most rated first, as many as don't overlap."""
    taken: list[_Box] = []
    out: list[Html] = []
    for place, dot in enumerate(dots):
        if len(out) >= _LABELS:
            break
        name = titles[place]
        name = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
        major = len(out) < _MAJOR
        boxes = (_box(dot, name, major, right) for right in (True, False))
        free = [box for box in boxes if _is_free(box, taken, height)]
        if not free:
            continue
        taken.append(free[0])
        end = free[0].right < dot.x
        edge = dot.x + (-1 if end else 1) * (dot.radius + 3)
        class_ = f"name{' end' if end else ''}{'' if major else ' minor'}"
        out.append(text(edge, dot.y + 4, name, class_))
    return out


def _box(dot: _Dot, name: str, major: bool, right: bool) -> _Box:
    """Return what a title takes, right or left of its dot.

    On a phone the few major titles are drawn twice as large: they get the room for that.
    """
    size = 2 if major else 1
    wide, high = len(name) * _LETTER * size, 14.0 * size
    start = dot.x + dot.radius + 3 if right else dot.x - dot.radius - 3 - wide
    return _Box(start, dot.y - high / 2, start + wide, dot.y + high / 2)


def _is_free(box: _Box, taken: Sequence[_Box], height: float) -> bool:
    inside = box.left >= 0 and box.right <= WIDTH and box.top >= 0 and box.bottom <= height
    return inside and all(
        box.right < other.left
        or other.right < box.left
        or box.bottom < other.top
        or other.bottom < box.top
        for other in taken
    )
