"""The report's pictures: its numbers, as `penchant.plots` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from penchant.plots import calibration, curves, groups, network
from penchant.plots.svg import Drawing, svg
from penchant.report.numbers.tested import Numbers

_TALL = (4.7, 6.2)  # inches: as tall as the network, which it stands beside


def bars(bins: Sequence[Numbers], x: str, y: str, **look: bool) -> Drawing:
    """Draw a histogram; see `penchant.plots.groups.draw_bars`."""
    return _drawn(groups.draw_bars(bins, x, y, **look))


def rmse(parts: Sequence[Numbers], x: str, overall: float) -> Drawing:
    """Draw the RMSE by group; see `penchant.plots.groups.draw_rmse`."""
    return _drawn(groups.draw_rmse(parts, x, overall))


def boxes(parts: Sequence[Numbers], x: str) -> Drawing:
    """Draw how residuals lie; see `penchant.plots.groups.draw_boxes`."""
    return _drawn(groups.draw_boxes(parts, x))


def training(found: Numbers) -> Drawing:
    """Draw the curves of the training."""
    measured = curves.Curves(
        found["round"],
        found["rounds"],
        {curve["name"]: curve["rmse"] for curve in found["curves"]},
        found["kept"],
        found["averaged"],
    )
    return _drawn(curves.draw_curves(measured, _TALL))


def shares(levels: Sequence[Numbers]) -> Drawing:
    """Draw the shares inside the intervals against their levels."""
    inside = {name: 100 * _column(levels, name) for name in ("inside", "least_active")}
    return _drawn(calibration.draw_shares(100 * _column(levels, "level"), inside, groups.SIZE))


def off_level(levels: Sequence[Numbers]) -> Drawing:
    """Draw by how many points those shares are off, with the intervals of the first."""
    level, inside = _column(levels, "level"), _column(levels, "inside")
    ends = np.array([entry["interval"] for entry in levels]).T
    off = {name: 100 * (_column(levels, name) - level) for name in ("inside", "least_active")}
    whiskers = 100 * np.abs(ends - inside)
    return _drawn(calibration.draw_calibration(100 * level, off, whiskers, groups.SIZE))


def model(found: Numbers) -> Drawing:
    """Draw what there is to draw of a kind: a factorisation, layers, or the members of a blend."""
    if "members" in found:
        members = [(member["name"], member["weight"]) for member in found["members"]]
        return _drawn(network.draw_members(members, found["constant"]))
    if "layers" in found:
        return _drawn(network.draw_layers([(one["name"], one["size"]) for one in found["layers"]]))
    mean = f"+ {found['mean']:.4f}, no weights"
    last = ("to stars", "thresholds") if found["ordinal"] else ("+ mean", mean)
    sizes = found["users"], found["items"], found["factors"]
    return _drawn(network.draw_factorisation(*sizes, *last))


def _drawn(figure: Any) -> Drawing:
    made = svg(figure)
    return Drawing(made.box, Markup(made.inside))  # noqa: S704  # escaped by svg


def _column(levels: Sequence[Numbers], name: str) -> Any:
    return np.array([entry[name] for entry in levels], dtype=np.float64)
