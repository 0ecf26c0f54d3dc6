"""The data: counts, histograms, findings of the check."""

from __future__ import annotations

from penchant.report.drawing import plots
from penchant.report.html import Html, el
from penchant.report.sections.parts import (
    Numbers,
    facts,
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
        pair(_histogram(found), _counted(found), _activity(found), _popularity(found)),
        *_findings(found["findings"]),
    )


def _lead(found: Numbers) -> str:
    return (
        f"Shown are {found['of']}: of all pairs of a user and an item, {percent(found['density'])} "
        "have a rating. The others are what the model is for."
    )


def _counted(found: Numbers) -> Html:
    """Return the counts, beside the histogram."""
    rows: list[tuple[str, str | None]] = [
        ("Ratings", f"{found['ratings']:,}"),
        ("that trained the model", f"{found['training']:,}"),
        ("that judge it", f"{found['tested']:,}" if found["tested"] else "none"),
        ("Users", f"{found['users']:,}"),
        ("Items", f"{found['items']:,}"),
        ("Days", " to ".join(found["dates"]) if found.get("dates") else None),
        ("Columns of users", ", ".join(found["columns"]["user"]) or None),
        ("Columns of items", ", ".join(found["columns"]["item"]) or None),
    ]
    return el("div", el("h3", "Counts"), facts(rows), class_="counts")


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
    return _counts(
        found["activity"], "Activity of users", "user", "Ratings of a user, at least", False
    )


def _popularity(found: Numbers) -> Html:
    return _counts(
        found["popularity"], "Popularity of items", "item", "Ratings of an item, at least", True
    )


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
    svg = plots.bars(told, found["bins"], x, f"Share of the {what}s", other=other, least=True)
    return figure(title, svg, caption)


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
