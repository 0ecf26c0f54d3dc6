"""HTML and SVG by small functions: the one place where text becomes markup, always escaped."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable
from typing import Any

from penchant.tables import BIDI, HARMFUL

_VOID = frozenset({"br", "hr", "input", "link", "meta"})
_VERBATIM = frozenset({"code", "pre"})  # what is copied from there stays as it is


class Html(str):
    """Markup that is not escaped again; made by `el` and `joined` alone."""

    __slots__ = ()


Child = str | int | None | Iterable[Any]


def el(name: str, /, *children: Child, **attributes: Any) -> Html:
    """Return an element; text in it is escaped, `Html` is taken as it is, None is nothing.

    Attributes are named as in Python, `class_` and `aria_label`: a last underscore goes, others
    become hyphens. True is an attribute without a value, None and False are none.

    >>> el("p", "1 < 2 ", el("b", "so"), class_="told", hidden=False)
    '<p class="told">1 &lt; 2 <b>so</b></p>'
    >>> el("circle", cx=1.50, r=3)
    '<circle cx="1.5" r="3"></circle>'
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{told}>")
    inside = joined(children, tied=name not in _VERBATIM)
    return Html(f"<{name}{told}>{inside}</{name}>")


def joined(children: Iterable[Child], *, tied: bool = True) -> Html:
    """Return children one after another, escaped as in `el`.

    Args:
        children: texts and elements.
        tied: whether a percent sign stays on the line of its number.

    >>> joined(["a & b", el("i", "c"), None, ["d", 1]])
    'a &amp; b<i>c</i>d1'
    """
    return Html("".join(_child(child, tied) for child in children))


def _child(child: Any, tied: bool) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return str(child)
    if isinstance(child, str):
        told = plain(child)
        return html.escape(told.replace(" %", "\u00a0%") if tied else told, quote=False)
    if isinstance(child, (int, float)):
        return str(child)
    return joined(child, tied=tied)


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    if isinstance(value, float):
        value = f"{value:.2f}".rstrip("0").rstrip(".")
    return f' {name}="{html.escape(plain(str(value)))}"'


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
