"""Where the dots and titles of the map of items stand, so that no title covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penchant.report.numbers.tested import Numbers

WIDTH = 760.0
LEAST_HEIGHT, MOST_HEIGHT = 360.0, 640.0
_EDGE = 28.0  # between the outermost dots and the edges
_LABELS, _MAJOR = 34, 8
_LETTER = 6.1  # width of a letter in units of the picture, about
_LONGEST = 26
_CUTS = (0.1, 0.3, 0.7, 0.9)


class Dot(NamedTuple):
    """An item: its place, and its colour from 1, least liked, to 5."""

    x: float
    y: float
    radius: float
    colour: int


class Label(NamedTuple):
    """A title beside a dot; minor ones are left out on a phone."""

    x: float
    y: float
    text: str
    right: bool
    minor: bool


class Layout(NamedTuple):
    """The map in units of the picture; dots stand in the order of the items."""

    height: float
    across: float
    down: float
    dots: list[Dot]
    labels: list[Label]


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def titles_of(found: Numbers) -> list[str]:
    """Return the title of each item on one line, or what stands for it."""
    ids = [f"item {id_}" for id_ in found["items"]]
    if found["titles"] is None:
        return ids
    return [
        " ".join(str(title).split()) or id_ if title is not None else id_
        for title, id_ in zip(found["titles"], ids, strict=True)
    ]


def layout(found: Numbers, titles: Sequence[str]) -> Layout:
    """Place dots and titles; both axes have one unit, and the height is what they need.

    Args:
        found: the numbers of the map.
        titles: of each item.
    """
    xs, ys = found["x"], found["y"]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    unit = min((WIDTH - 2 * _EDGE) / max(wide, 1e-9), (MOST_HEIGHT - 2 * _EDGE) / max(high, 1e-9))
    height = max(LEAST_HEIGHT, unit * high + 2 * _EDGE)
    across = WIDTH / 2 - unit * (max(xs) + min(xs)) / 2
    down = height / 2 + unit * (max(ys) + min(ys)) / 2
    most, colours = max(found["ratings"]), _colours(found["mean_rating"], len(xs))
    dots = [
        Dot(across + unit * x, down - unit * y, 2.6 + 5.4 * (n / most) ** 0.5, colour)
        for x, y, n, colour in zip(xs, ys, found["ratings"], colours, strict=True)
    ]
    return Layout(height, across, down, dots, _labels(dots, titles, height))


def _colours(means: Sequence[float] | None, n: int) -> list[int]:
    """Return for each item 1 (least liked) to 5 (most liked), by tenths, thirds and so on."""
    if means is None:
        return [len(_CUTS) + 1] * n
    ordered = sorted(means)
    cuts = [ordered[min(int(cut * n), n - 1)] for cut in _CUTS]
    return [1 + sum(mean >= cut for cut in cuts) for mean in means]


def _labels(dots: Sequence[Dot], titles: Sequence[str], height: float) -> list[Label]:
    """Return titles beside dots, the most rated first, as many as don't overlap."""
    taken: list[_Box] = []
    labels: list[Label] = []
    for dot, title in zip(dots, titles, strict=True):
        if len(labels) >= _LABELS:
            break
        name = title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1].rstrip()}…"
        minor = len(labels) >= _MAJOR
        for right in (True, False):
            box = _box(dot, name, minor, right)
            if _is_free(box, taken, height):
                taken.append(box)
                labels.append(
                    Label(box.left if right else box.right, dot.y + 4, name, right, minor)
                )
                break
    return labels


def _box(dot: Dot, name: str, minor: bool, right: bool) -> _Box:
    """Return what a title takes, right or left of its dot.

    On a phone the few major titles are drawn twice as large: they get the room for that.
    """
    size = 1 if minor else 2
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
