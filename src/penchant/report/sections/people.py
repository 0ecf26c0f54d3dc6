"""What a few users are recommended, and why."""

from __future__ import annotations

from penchant.ratings import Scale
from penchant.recommender.explanation import amount
from penchant.report.drawing import plots
from penchant.report.html import Html, el
from penchant.report.sections.parts import Numbers, missing, percent, section, title_of


def people(told: Numbers) -> Html:
    """Return the section of the recommendations."""
    found = told["people"]
    if "left_out" in found:
        return section("people", "Recommendations", missing(found))
    words = "The best of what each has not rated, by predicted rating"
    if found["interval"] is not None:
        words += f"; the bar is the {percent(found['interval'], 0)} interval on the whole scale"
    words += "."
    words += (
        f" {found['no_reasons']}"
        if found["no_reasons"]
        else (
            " Below each stand the user's own ratings that pull most: by how much each moves the "
            "prediction, for being above or below what severity and quality would say."
        )
    )
    cards = [_person(one, found) for one in found["users"]]
    return section("people", "Recommendations", el("p", words), el("div", cards, class_="people"))


def _person(one: Numbers, found: Numbers) -> Html:
    if one["user"] is None:
        name, note = "Somebody new", "unknown to the model, no ratings"
    else:
        many = f"{one['ratings']:,} training rating{'' if one['ratings'] == 1 else 's'}"
        name, note = f"User {one['user']}", ", ".join(filter(None, [one["who"], many]))
    picks = [_pick(entry, found) for entry in one["items"]]
    body = el("ol", picks) if picks else el("p", "There is nothing left to recommend.")
    return el("article", el("h3", name), el("p", note, class_="sub"), body, class_="person")


def _pick(entry: Numbers, found: Numbers) -> Html:
    value = el("b", f"{entry['rating']:.2f}")
    if entry.get("low") is not None:
        value = el("span", value, f" {entry['low']:.1f} to {entry['high']:.1f}")
    top = el(
        "div",
        el("span", title_of(entry), class_="title"),
        plots.span(entry, found["scale"]),
        el("span", value, class_="value"),
        class_="pick",
    )
    return el("li", top, _reasons(entry, found))


def _reasons(entry: Numbers, found: Numbers) -> Html | None:
    if not entry.get("terms"):
        return None
    scale = Scale(*found["scale"])
    said = [
        f"{title_of(r)} ({amount(r['rating'], scale)}): {_signed(r['share'])}"
        for r in entry["reasons"]
    ]
    told = el("p", "; ".join(said), ".", class_="reasons")
    rows = [
        el("tr", el("th", term["label"], scope="row"), el("td", _signed(term["share"]), class_="n"))
        for term in entry["terms"]
    ]
    word = "together, on the latent scale" if entry["latent"] else "together"
    total = sum(term["share"] for term in entry["terms"])
    rows.append(el("tr", el("th", word, scope="row"), el("td", _signed(total), class_="n")))
    title = f"What makes {entry['rating']:.2f}: {title_of(entry)}"
    shown = el("table", el("tbody", rows), class_="terms", aria_label=title)
    return el("div", told if said else None, el("details", el("summary", "All shares"), shown))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
