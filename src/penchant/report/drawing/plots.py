"""The plots: bars, curves, points with intervals, boxes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from penchant.report.drawing.axes import (
    WIDTH,
    Frame,
    columns,
    frame,
    line,
    names,
    number,
    path,
    picture,
    rows,
    text,
    ticks,
)
from penchant.report.html import Html, el

Bin = dict[str, Any]

_TALL = 430.0  # height of the curves, which stand beside the network


def label_of(entry: Bin) -> str:
    """Return what a group of values or counts is called.

    >>> label_of({"low": 3.0, "high": 3.0}), label_of({"low": 10, "high": 19})
    ('3', '10–19')
    """
    low, high = number(entry["low"]), number(entry["high"])
    return low if low == high else f"{low}–{high}"


def bars(
    told: str, bins: Sequence[Bin], x: str, y: str, *, other: bool = False, least: bool = False
) -> Html:
    """Draw how many there are of each bin, its share above each bar.

    Args:
        told: what the picture shows, in words.
        bins: from low to high, n of each.
        x: what is counted.
        y: what the bars are shares of.
        other: whether it is of the other side, and so of the other colour.
        least: whether bins are called by their low ends alone.
    """
    most = max(entry["n"] for entry in bins)
    made = frame((0, len(bins)), (0, most), left=12, top=44)
    out: list[Html] = [line(made.left, made.bottom, made.right, made.bottom, "axis")]
    total, every = sum(entry["n"] for entry in bins), -(-len(bins) // 10)
    wide = (made.right - made.left) / len(bins)
    gap = min(8.0, 0.16 * wide)
    for place, entry in enumerate(bins):
        left, top = made.x(place) + gap / 2, made.y(entry["n"])
        middle = left + (wide - gap) / 2
        out.append(_bar(left, top, wide - gap, made.bottom - top, other))
        if place % every == 0:
            out.append(
                text(
                    middle,
                    made.bottom + 18,
                    number(entry["low"]) if least else label_of(entry),
                    "mid",
                )
            )
        if len(bins) <= 10:
            out.append(text(middle, top - 6, _share(entry["n"], total), "mid strong"))
    out += [text(2, 13, y), text((made.left + made.right) / 2, made.bottom + 37, x, "mid")]
    return picture(told, out)


def _share(n: int, total: int) -> str:
    share = 100 * n / max(total, 1)
    return "<1 %" if 0 < share < 0.5 else f"{share:.0f} %"


def _bar(left: float, top: float, width: float, height: float, other: bool) -> Html:
    return el(
        "rect", x=left, y=top, width=width, height=max(height, 0.0), rx=2,
        class_="bar other" if other else "bar",
    )  # fmt: skip


_LOOKS = {
    "train_rmse": ("Train", "b"),
    "out_of_fold_rmse": ("Out of fold", "b"),
    "validation_rmse": ("Validation", "g"),
    "watch_rmse": ("Test", "r"),
}


def curves(told: str, training: Bin) -> Html:
    """Draw the RMSE of each round, each curve ending in its name and last value."""
    shown = [(c, [v for v in c["rmse"] if v is not None]) for c in training["curves"]]
    rounds = training["rounds"]
    low = min(min(values) for _, values in shown)
    high = max(max(values) for _, values in shown)
    pad = 0.06 * (high - low or 0.1)
    made = frame(
        (rounds[0], rounds[-1]),
        (low - pad, high + pad),
        right=WIDTH - 84,
        bottom=_TALL - 42,
    )
    out = rows(made, ticks(low - pad, high + pad), lambda v: f"{v:.3g}")
    out += columns(made, _whole(ticks(rounds[0], rounds[-1])))
    if training["kept"] is not None:
        x = made.x(training["kept"])
        out.append(line(x, made.y.stop, x, made.bottom, "rule"))
        out.append(text(x, made.y.stop - 6, f"kept: {training['kept']:g}", "mid"))
    heights = _apart([made.y(values[-1]) for _, values in shown])
    for (curve, values), height in zip(shown, heights, strict=True):
        name, colour = _LOOKS[curve["name"]]
        points = [
            (made.x(at), made.y(v))
            for at, v in zip(rounds, curve["rmse"], strict=True)
            if v is not None
        ]
        out.append(path(points, f"curve {colour}"))
        out.append(el("circle", cx=points[-1][0], cy=points[-1][1], r=4, class_=f"f{colour} halo"))
        out.append(text(made.right + 11, height - 3, name, f"f{colour}"))
        out.append(text(made.right + 11, height + 12, f"{values[-1]:.4f}", f"f{colour}"))
    out += names(made, training["round"].capitalize(), "RMSE")
    return picture(told, out, height=_TALL)


def _whole(values: Sequence[float]) -> list[float]:
    return [value for value in values if value == int(value)]


def _apart(heights: Sequence[float], gap: float = 34) -> list[float]:
    """Move heights as little as it takes to be a gap apart; the order stays."""
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    placed = list(heights)
    for before, after in itertools.pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    shift = (sum(placed) - sum(heights)) / max(len(heights), 1)
    return [height - shift for height in placed]


def by_group(told: str, groups: Sequence[Bin], x: str, overall: float) -> Html:
    """Draw the RMSE of each group with its interval, and the bias model's beside it."""
    ends = [end for g in groups for end in (*g["interval"], g.get("bias_rmse", g["rmse"]))]
    low, high = min(*ends, overall), max(*ends, overall)
    pad = 0.08 * (high - low or 0.1)
    made = frame((-0.5, len(groups) - 0.5), (low - pad, high + pad))
    out = rows(made, ticks(low - pad, high + pad, 5), lambda v: f"{v:.3g}")
    out.append(line(made.left, made.y(overall), made.right, made.y(overall), "rule"))
    out.append(line(made.left, made.bottom, made.right, made.bottom, "axis"))
    for place, group in enumerate(groups):
        at = made.x(place)
        out.append(text(at, made.bottom + 18, label_of(group), "mid"))
        if "bias_rmse" in group:
            out.append(_square(at + 9, made.y(group["bias_rmse"])))
        out += _whiskers(made, at - 3, group["interval"], group["rmse"])
    return picture(told, out, names(made, x, "RMSE"))


def _square(x: float, y: float) -> Html:
    return el("rect", x=x - 4, y=y - 4, width=8, height=8, class_="hollow r")


def _whiskers(made: Frame, x: float, ends: Sequence[float], middle: float) -> list[Html]:
    """Return a point, round, with the two ends of its interval."""
    top, bottom = made.y(ends[1]), made.y(ends[0])
    out = [line(x, top, x, bottom, "whisker b")]
    out += [line(x - 4, y, x + 4, y, "whisker b") for y in (top, bottom)]
    return [*out, el("circle", cx=x, cy=made.y(middle), r=4.5, class_="fb halo")]


def calibration(told: str, levels: Sequence[Bin]) -> Html:
    """Draw the share of ratings inside their intervals against the intervals' level."""
    made = frame((0, 1), (0, 1))
    steps = [0.0, 0.25, 0.5, 0.75, 1.0]
    out = rows(made, steps, _percent) + columns(made, steps, _percent)
    out.append(line(made.x(0), made.y(0), made.x(1), made.y(1), "rule"))
    quiet = [(made.x(e["level"]), made.y(e["least_active"])) for e in levels]
    out += [_square(x, y) for x, y in quiet]
    every = [(made.x(e["level"]), made.y(e["inside"])) for e in levels]
    out.append(path(every, "curve b"))
    out += [el("circle", cx=x, cy=y, r=4, class_="fb halo") for x, y in every]
    out += names(made, "Level of the interval: how many should lie inside", "How many do")
    return picture(told, out)


def off_level(told: str, levels: Sequence[Bin]) -> Html:
    """Draw by how many points the share inside is from the level, with its interval."""
    off = [100 * (end - e["level"]) for e in levels for end in (*e["interval"], e["least_active"])]
    reach = max(3.0, *(abs(value) for value in off)) * 1.12
    made = frame((0, 1), (-reach, reach))
    out = rows(made, ticks(-reach, reach, 6), lambda v: f"{v:+g}".replace("+0", "0"))
    out += columns(made, [0.0, 0.25, 0.5, 0.75, 1.0], _percent)
    out.append(line(made.left, made.y(0), made.right, made.y(0), "rule"))
    for entry in levels:
        ends = [100 * (end - entry["level"]) for end in entry["interval"]]
        at, middle = made.x(entry["level"]), 100 * (entry["inside"] - entry["level"])
        out.append(_square(at + 7, made.y(100 * (entry["least_active"] - entry["level"]))))
        out += _whiskers(made, at, ends, middle)
    return picture(told, out, names(made, "Level of the interval", "Points above or below"))


def _percent(value: float) -> str:
    return f"{100 * value:g} %"


def boxes(told: str, groups: Sequence[Bin], x: str) -> Html:
    """Draw the spread of residuals of each group: box 25–75 %, whiskers 10–90 %, dot the mean."""
    ends = [end for g in groups for end in (g["q10"], g["q90"], g["mean"])]
    reach = max(max(abs(end) for end in ends) * 1.1, 1e-6)
    made = frame((-0.5, len(groups) - 0.5), (-reach, reach))
    out = rows(made, ticks(-reach, reach, 6), lambda v: f"{v:+g}".replace("+0", "0", v == 0))
    out.append(line(made.left, made.y(0), made.right, made.y(0), "rule"))
    half = min(13.0, 0.32 * (made.right - made.left) / len(groups))
    every = -(-len(groups) // 9)
    for place, group in enumerate(groups):
        at = made.x(place)
        if place % every == 0:
            out.append(text(at, made.bottom + 18, label_of(group), "mid"))
        out += _box(made, at, half, group)
    out.append(line(made.left, made.bottom, made.right, made.bottom, "axis"))
    return picture(told, out, names(made, x, "Rating less prediction"))


def _box(made: Frame, at: float, half: float, group: Bin) -> list[Html]:
    top, low = made.y(group["q75"]), made.y(group["q25"])
    middle = made.y(group["median"])
    return [
        line(at, made.y(group["q90"]), at, top, "whisker b"),
        line(at, low, at, made.y(group["q10"]), "whisker b"),
        el("rect", x=at - half, y=top, width=2 * half, height=max(low - top, 0.0), rx=2,
           class_="soft-blue b"),
        line(at - half, middle, at + half, middle, "whisker b"),
        el("circle", cx=at, cy=made.y(group["mean"]), r=3.6, class_="fr halo"),
    ]  # fmt: skip


def span(entry: Bin, scale: Sequence[float]) -> Html:
    """Draw a rating with its interval on the whole scale, small."""
    width, height = 120.0, 18.0
    low, high = scale
    place = frame((low, high), (0, 1), left=5, right=width - 5)
    told = f"{entry['rating']:.2f} on the scale {low:g} to {high:g}"
    out = [line(place.x(low), 9, place.x(high), 9, "axis")]
    if entry.get("low") is not None:
        told += f", interval {entry['low']:.2f} to {entry['high']:.2f}"
        left, right = place.x(entry["low"]), place.x(entry["high"])
        out.append(el("rect", x=left, y=5.5, width=max(right - left, 1.0), height=7, rx=3.5,
                      class_="soft-blue"))  # fmt: skip
    out.append(el("circle", cx=place.x(entry["rating"]), cy=9, r=4.5, class_="fb"))
    return picture(told, out, width=width, height=height)
