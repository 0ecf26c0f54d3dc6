"""The data: counts, histograms, findings of the check."""

from __future__ import annotations

from penchant.report.drawing import plots
from penchant.report.html import Html, el
from penchant.report.sections.parts import (
    Numbers,
    figure,
    missing,
    more,
    pair,
    percent,
    section,
)


def data(told: Numbers) -> Html:
    """Return the section of the data."""
    found = told["data"]
    return section(
        "data",
        "Data",
        el("p", _lead(found)),
        pair(_histogram(found), _activity(found), _popularity(found)),
        *_findings(found["findings"]),
    )


def _lead(found: Numbers) -> str:
    words = (
        f"Shown are {found['of']}: {found['ratings']:,} ratings of {found['items']:,} items by "
        f"{found['users']:,} users, {percent(found['density'])} of all pairs."
    )
    if found.get("dates"):
        first, last = found["dates"]
        words += f" They were given from {first} to {last}."
    words += f" {found['training']:,} of them trained the model"
    words += f" and {found['tested']:,} judge it." if found["tested"] else "."
    side = [f"{what}s by {', '.join(names)}" for what, names in found["columns"].items() if names]
    return words + (f" Side columns describe {' and '.join(side)}." if side else "")


def _histogram(found: Numbers) -> Html:
    bins = found["histogram"]
    if "left_out" in bins:
        return el("figure", el("h3", "Ratings"), missing(bins))
    low, high = found["scale"]
    most = max(bins, key=lambda entry: int(entry["n"]))
    told = (
        f"Histogram of the ratings. The most frequent is {plots.label_of(most)}, with "
        f"{most['n']:,} of {found['ratings']:,}."
    )
    caption = f"Scale {low:g} to {high:g}, mean {found['mean']:.2f}."
    return figure("Ratings", plots.bars(told, bins, "Rating", "Share of the ratings"), caption)


def _activity(found: Numbers) -> Html:
    return _counts(found["activity"], "Activity of users", "user", "Ratings of a user", False)


def _popularity(found: Numbers) -> Html:
    return _counts(found["popularity"], "Popularity of items", "item", "Ratings of an item", True)


def _counts(found: Numbers, title: str, what: str, x: str, other: bool) -> Html:
    if not found["bins"]:
        return el("figure", el("h3", title), el("p", f"No {what} has ratings."))
    told = (
        f"How many {what}s have how many ratings: from {found['least']:,} to {found['most']:,}, "
        f"the median is {found['median']:,.0f}."
    )
    caption = (
        f"{found['least']:,} to {found['most']:,} ratings, median {found['median']:,.0f}"
        + (f"; {found['none']:,} more without any" if found["none"] else "")
        + "."
    )
    return figure(
        title, plots.bars(told, found["bins"], x, f"Share of the {what}s", other), caption
    )


_LEVELS = {"ok": "in order", "note": "to know", "warning": "warning"}


def _findings(found: Numbers | list[Numbers]) -> list[Html]:
    heading = el("h3", "What the check of the data found")
    if isinstance(found, dict):
        return [heading, missing(found)]
    loud = [finding for finding in found if finding["level"] != "ok"]
    quiet = [finding for finding in found if finding["level"] == "ok"]
    out = [heading]
    if loud:
        out.append(el("ul", map(_finding, loud), class_="findings"))
    if quiet:
        said = f"{len(quiet)} finding{'s' if len(quiet) != 1 else ''} in order"
        out.append(more(said, el("ul", map(_finding, quiet), class_="findings")))
    return out


def _finding(finding: Numbers) -> Html:
    level = finding["level"]
    badge = el("span", _LEVELS[level], class_=f"badge {level}")
    advice = finding["advice"] and el("p", el("b", "What to do: "), finding["advice"])
    name = el("b", f"{finding['kind'].capitalize()}. ")
    return el("li", el("p", badge, name, finding["text"]), advice or None)
