"""The map of the items."""

from __future__ import annotations

from penchant.report.drawing import map as drawing
from penchant.report.html import Html, el
from penchant.report.sections.parts import Numbers, figure, missing, percent, section


def item_map(told: Numbers) -> Html:
    """Return the section of the map."""
    found = told["map"]
    if "left_out" in found:
        return section("map", "Map of the items", missing(found))
    titles = _titles(found)
    words = (
        "Items lie near each other where the same users are predicted to like them, beyond what "
        f"all users like. The plane shows {percent(sum(found['shares']), 0)} of these differences "
        f"({percent(found['shares'][0], 0)} from left to right, {percent(found['shares'][1], 0)} "
        "from bottom to top); nobody told the model what the directions mean."
    )
    label = (
        f"Map of the {len(titles):,} most rated items. Farthest right: "
        f"{_names(found, titles, 0, 1)}. Farthest left: {_names(found, titles, 0, 0)}."
    )
    search = el(
        "p",
        el("label", "Find a title", for_="find"),
        el("input", id="find", type="search", autocomplete="off", spellcheck="false"),
        el("output", for_="find", aria_live="polite"),
        class_="search",
    )
    caption = (
        f"The {len(titles):,} most rated of {found['total']:,} items; larger dots have more "
        "training ratings. Distances are in rating units: how far apart users are predicted to "
        "feel about two items."
    )
    return section(
        "map",
        "Map of the items",
        el("p", words),
        figure(
            "Who likes this also likes its neighbours",
            drawing.draw(label, found, titles),
            caption,
            search,
            _key(found),
            class_="map",
        ),
        el("h3", "What lies at the ends"),
        _ends(found, titles),
    )


def _titles(found: Numbers) -> list[str]:
    ids = [f"item {id_}" for id_ in found["items"]]
    if found["titles"] is None:
        return ids
    return [
        " ".join(str(title).split()) or id_ if title is not None else id_
        for title, id_ in zip(found["titles"], ids, strict=True)
    ]


def _names(found: Numbers, titles: list[str], axis: int, end: int) -> str:
    return ", ".join(titles[place] for place in found["ends"][axis][end][:3])


def _key(found: Numbers) -> Html | None:
    if found["mean_rating"] is None:
        return None
    words = ("lowest tenth", "low", "middle", "high", "highest tenth")
    entries = [
        el("li", el("svg", el("circle", cx=12, cy=6, r=5, class_=f"d{place}"), viewBox="0 0 24 12",
                    aria_hidden="true", focusable="false"), word)
        for place, word in enumerate(words, 1)
    ]  # fmt: skip
    return el("ul", el("li", "Mean rating:"), entries, class_="key")


def _ends(found: Numbers, titles: list[str]) -> Html:
    names = (("Left", "Right"), ("Bottom", "Top"))
    lists = [
        el(
            "div",
            el("h4", names[axis][end]),
            el("ul", [el("li", titles[place]) for place in found["ends"][axis][end]]),
        )
        for axis in (0, 1)
        for end in (0, 1)
    ]
    return el("div", lists, class_="ends")
