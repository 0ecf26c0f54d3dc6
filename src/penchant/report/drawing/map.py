"""The map of the items: a dot each, the most rated with their titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from penchant.report.drawing.axes import Scale, line, picture, text
from penchant.report.html import Html, el

WIDTH, HEIGHT = 760.0, 560.0
_LABELS, _MAJOR = 34, 8
_LETTER = 6.1  # width of a letter in units of the picture, about
_LONGEST = 26
COLOURS = 5
_CUTS = (0.1, 0.3, 0.7, 0.9)


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
    dots = _dots(found)
    out: list[Html] = [
        line(0, HEIGHT / 2, WIDTH, HEIGHT / 2, "grid"),
        line(WIDTH / 2, 0, WIDTH / 2, HEIGHT, "grid"),
    ]
    means = found["mean_rating"]
    for place in reversed(range(len(dots))):  # the most rated lie on top
        dot = dots[place]
        mean = "" if means is None else f", mean {means[place]:.2f}"
        tip = f"{titles[place]} · {found['ratings'][place]:,} ratings{mean}"
        out.append(
            el("circle", el("title", tip), cx=dot.x, cy=dot.y, r=dot.radius,
               class_=f"dot d{dot.colour}")
        )  # fmt: skip
    out += _labels(dots, titles)
    return picture(told, out, width=WIDTH, height=HEIGHT)


def _dots(found: dict[str, Any]) -> list[_Dot]:
    xs, ys = found["x"], found["y"]
    across = max(max(map(abs, xs)), 1e-9)
    along = max(max(map(abs, ys)), 1e-9)
    unit = min((WIDTH / 2 - 26) / across, (HEIGHT / 2 - 26) / along)
    x = Scale(0, 1, WIDTH / 2, WIDTH / 2 + unit)
    y = Scale(0, 1, HEIGHT / 2, HEIGHT / 2 - unit)
    most = max(found["ratings"])
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


def _labels(dots: Sequence[_Dot], titles: Sequence[str]) -> list[Html]:
    """Return titles beside dots, the most rated first, as many as don't overlap."""
    taken: list[tuple[float, float, float, float]] = []
    out: list[Html] = []
    for place, dot in enumerate(dots):
        if len(out) >= _LABELS:
            break
        name = titles[place]
        name = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
        major = len(out) < _MAJOR
        box = _box(dot, name, major, taken)
        if box is None:
            continue
        taken.append(box)
        left, _top, right, bottom = box
        end = right < dot.x
        out.append(
            text(right if end else left, bottom - 4, name,
                 f"name{' end' if end else ''}{'' if major else ' minor'}")
        )  # fmt: skip
    return out


def _box(
    dot: _Dot, name: str, major: bool, taken: Sequence[tuple[float, float, float, float]]
) -> tuple[float, float, float, float] | None:
    """Return where a title fits, right or left of its dot; None where it doesn't.

    On a phone the few major titles are drawn twice as large: they get the room for that.
    """
    wide, high = len(name) * _LETTER * (2 if major else 1), 26.0 if major else 15.0
    narrow = len(name) * _LETTER
    for right in (True, False):
        left = dot.x + dot.radius + 3 if right else dot.x - dot.radius - 3 - wide
        box = (left, dot.y - high / 2, left + wide, dot.y + high / 2)
        inside = box[0] >= 0 and box[2] <= WIDTH and box[1] >= 0 and box[3] <= HEIGHT
        apart = all(box[2] < t[0] or t[2] < box[0] or box[3] < t[1] or t[3] < box[1] for t in taken)
        if inside and apart:
            start = left if right else left + wide - narrow
            return (start, dot.y - 7.5, start + narrow, dot.y + 7.5) if not major else box
    return None
