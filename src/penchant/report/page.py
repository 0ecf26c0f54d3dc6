"""The page: one file that loads nothing, with a policy that lets it load nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from penchant.answers.explanation import amount
from penchant.ratings import Scale
from penchant.report.item_map import layout, titles_of
from penchant.report.look.colours import colours_css
from penchant.tables import BIDI, HARMFUL

_LOOK = Path(__file__).parent / "look"


def page(told: dict[str, Any]) -> str:
    """Return the report as one HTML file.

    Args:
        told: what `penchant.report.gather.gather` returns.
    """
    style = colours_css() + (_LOOK / "style.css").read_text(encoding="utf-8")
    script = (_LOOK / "script.js").read_text(encoding="utf-8")
    parts = {"style": Markup(style), "script": Markup(script), "policy": _policy(style, script)}  # noqa: S704  # our own
    return environment().get_template("page.html").render(told, **parts)


@cache
def environment() -> Environment:
    """Return what renders our templates: whatever a number or word holds becomes text."""
    from penchant.plots.groups import name_of
    from penchant.report import pictures

    made = Environment(
        loader=FileSystemLoader(_LOOK),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "digits": lambda value, n: "" if value is None else f"{value:.{n}f}",
        "ends": ends,
        "indented": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "p_value": p_value,
        "percent": percent,
        "shown": shown,
        "signed": signed,
        "verbatim": lambda text: Markup(escape(plain(text))),  # noqa: S704  # escaped
    }
    made.globals |= {
        "draw": pictures,
        "layout": layout,
        "n": "{:,}".format,
        "name_of": name_of,
        "titles_of": titles_of,
        "amount": lambda rating, scale: amount(rating, Scale(*scale)),
    }
    return made


def _policy(style: str, script: str) -> str:
    """Return the policy: only this style and this script, and no requests at all."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: Any) -> Any:
    """Return what a template writes for a value, before it is escaped."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value).replace(" %", "\u00a0%")  # a percent sign stays with its number
    return value


def plain(text: str) -> str:
    r"""Return a text without what could turn or break the lines around it; line ends stay.

    >>> plain("a\u202eb\x00c\nd")
    'abc\nd'
    """
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        c
        for c in composed
        if c == "\n" or (unicodedata.category(c) not in HARMFUL and c not in BIDI)
    )


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage.

    >>> percent(0.9037), percent(0.5, 0)
    ('90.4 %', '50 %')
    """
    return f"{100 * share:.{digits}f} %"


def ends(interval: Sequence[float] | None, digits: int = 4) -> str:
    """Return the ends of an interval in words.

    >>> ends([-0.84, 0.86], 2), ends(None)
    ('−0.84 to 0.86', '')
    """
    if interval is None:
        return ""
    return f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}".replace("-", "−")


def p_value(p: float) -> str:
    """Return a p value in words.

    >>> p_value(0.0001), p_value(0.0312)
    ('p < 0.001', 'p = 0.031')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign.

    >>> signed(-0.5), signed(0.25, 1)
    ('−0.50', '+0.2')
    """
    return f"{value:+.{digits}f}".replace("-", "−")


def shown(value: Any) -> str:
    """Return a setting in words.

    >>> shown(None), shown([True, 0.5]), shown([])
    ('none', 'yes, 0.5', 'none')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
