"""The page: one file that loads nothing, with a policy that lets it load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penchant.report.html import Html, el, joined
from penchant.report.look.colours import colours_css
from penchant.report.sections import card, data, errors, items, model, people, versus
from penchant.report.sections.summary import summary

_LOOK = Path(__file__).parent / "look"
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect "
    "width='16' height='16' rx='4' fill='%230b5cab'/%3E%3Cpath d='M4 11l3-4 2 2 3-5' fill='none' "
    "stroke='white' stroke-width='1.8'/%3E%3C/svg%3E"
)
_PROJECT = "https://pypi.org/project/penchant/"

SECTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], Html]]] = {
    "summary": ("In short", summary),
    "data": ("Data", data.data),
    "model": ("Model and training", model.model),
    "errors": ("Errors", errors.errors),
    "calibration": ("How sure it is", errors.calibration),
    "residuals": ("Residuals", errors.residuals),
    "extremes": ("Best and worst", errors.extremes),
    "map": ("Map of the items", items.item_map),
    "people": ("Recommendations", people.people),
    "comparison": ("Beside other models", versus.comparison),
    "settings": ("Settings", card.settings),
    "card": ("Model card", card.card),
}


def page(told: dict[str, Any]) -> str:
    """Return the report as one HTML file.

    Args:
        told: what `penchant.report.gather.gather` returns.
    """
    style = colours_css() + (_LOOK / "style.css").read_text(encoding="utf-8")
    script = (_LOOK / "script.js").read_text(encoding="utf-8")
    title = f"{told['name']}: recommender report"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="generator", content="Penchant"),
        el("title", title),
        el("link", rel="icon", href=_ICON),
        el("style", Html(style)),
    )
    body = el("body", _body(told), el("script", Html(script)))
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en', class_='no-script')}\n"


def _policy(style: str, script: str) -> str:
    """Return the policy: only this style and this script, and no requests at all."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _body(told: dict[str, Any]) -> Html:
    main = el("main", [draw(told) for _, draw in SECTIONS.values()], id="main")
    return joined(
        [
            el("a", "To the report", href="#main", class_="skip"),
            el(
                "div",
                _top(told),
                el("div", _contents(), main, class_="columns"),
                _foot(told),
                class_="page",
            ),
        ]
    )


def _top(told: dict[str, Any]) -> Html:
    origin = told["card"]["provenance"]
    trained = "" if origin["trained"] is None else f"trained {origin['trained']}, "
    words = el(
        "div",
        el("p", "Recommender report", class_="kicker"),
        el("h1", told["name"]),
        el(
            "p",
            el("b", told["model"][:1].upper() + told["model"][1:]),
            f" · {trained}reported {origin['reported']}",
            class_="subtitle",
        ),
    )
    return el("header", words, _theme(), class_="top")


def _theme() -> Html:
    choices = [
        el(
            "label",
            el("input", type="radio", name="theme", value=value, checked=value == "auto"),
            el("span", value.capitalize()),
        )
        for value in ("auto", "light", "dark")
    ]
    return el("fieldset", el("legend", "Colours"), choices, class_="theme")


def _contents() -> Html:
    links = [el("li", el("a", title, href=f"#{id_}")) for id_, (title, _) in SECTIONS.items()]
    inside = el("details", el("summary", "Contents"), el("ol", links), open=True)
    return el("nav", inside, class_="contents", aria_label="Contents")


def _foot(told: dict[str, Any]) -> Html:
    origin = told["card"]["provenance"]
    version = origin["reported_with"]["penchant"]
    return el(
        "footer",
        el(
            "p",
            "Made by ",
            el("a", f"Penchant {version}", href=_PROJECT, rel="noreferrer"),
            f" on {origin['reported']}. This page is one file: it loads and sends nothing.",
        ),
    )
