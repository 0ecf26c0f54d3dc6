"""Which fonts draw the texts of a picture, so that no letter of any script becomes a box.

DejaVu Sans, which Matplotlib brings along, draws Latin, Greek, Cyrillic, Arabic, Hebrew and more.
Droid Sans Fallback (Google, Apache licence 2.0, beside this file) draws Hangul, Han and kana, also
on a machine without any font. Whatever both lack is looked for among the installed fonts; what no
font has is written as its code point, or replaced by another text such as the id.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from penchant.console import tell
from penchant.errors import SettingsError
from penchant.tables import one_line

FIRST = "DejaVu Sans"
BUNDLED = "Penchant Fallback"  # a name of our own: other editions of the font have no Hangul
_FILE = Path(__file__).parent / "DroidSansFallback.ttf"
_BOXES = ("last resort", "lastresort", "blank", "fallback sil")  # fonts that draw only boxes


class Lettering(NamedTuple):
    """Texts that can be drawn, and the font families that draw them, in order of preference."""

    texts: list[str]
    families: list[str]


def lettering(texts: Sequence[str], instead: Sequence[str] | None = None) -> Lettering:
    """Return the texts as they can be drawn without a box, with the fonts for them.

    Draw them with ``parse_math=False``, so that a dollar sign is a dollar sign. Letters that no
    font has are told on standard error, with the remedy.

    Args:
        texts: what the picture is to show, such as titles.
        instead: for each text what stands in for it where a letter can't be drawn, such as the
            id; without it, each letter that can't be drawn is written as its code point.

    Raises:
        SettingsError: `instead` is not as long as `texts`.

    >>> lettering(["쉬리", "Брат"])
    Lettering(texts=['쉬리', 'Брат'], families=['DejaVu Sans', 'Penchant Fallback'])
    """
    if instead is not None and len(instead) != len(texts):
        raise SettingsError(
            f"instead must have one text for each of the {len(texts)} texts, not {len(instead)}."
        )
    wanted = [one_line(text) for text in texts]
    spare = [one_line(text) for text in instead or ()]
    families, missing = _cover(_letters(wanted + spare))
    if not missing:
        return Lettering(wanted, families)
    shown = [_without_ignorable(text, missing) for text in wanted]
    undrawn = missing & _letters(shown)
    if undrawn:
        _tell_remedy(undrawn)
    for place, text in enumerate(spare):
        if undrawn & set(shown[place]):
            shown[place] = text
    return Lettering([_escaped(text, missing) for text in shown], families)


def _letters(texts: Iterable[str]) -> set[str]:
    return set().union(*texts) - {" "}


def _cover(letters: set[str]) -> tuple[list[str], set[str]]:
    """Return the fewest families that it takes, and the letters that none of them has."""
    register()
    families = [FIRST]
    missing = letters - _glyphs(FIRST)
    if missing & _glyphs(BUNDLED):
        families.append(BUNDLED)
        missing -= _glyphs(BUNDLED)
    others = _installed() if missing else []
    while missing and others:
        best = max(others, key=lambda family: len(missing & _glyphs(family)))
        if not missing & _glyphs(best):
            break
        families.append(best)
        missing -= _glyphs(best)
    return families, missing


def register() -> None:
    """Make the font beside this file known to Matplotlib, once; no setting changes."""
    from matplotlib.font_manager import FontEntry, fontManager

    if any(entry.name == BUNDLED for entry in fontManager.ttflist):
        return
    for weight in (400, 700):  # one file: bold text finds it without a complaint in the log
        fontManager.ttflist.append(FontEntry(fname=str(_FILE), name=BUNDLED, weight=weight))


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    names = {entry.name for entry in fontManager.ttflist if entry.weight in (400, "normal")}
    return sorted(n for n in names if not any(box in n.lower() for box in _BOXES))


@lru_cache(maxsize=1024)
def _glyphs(family: str) -> frozenset[str]:
    """Return the letters of the very file that Matplotlib takes for this family."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    path = fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False)
    font = get_font(path)
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()


def _without_ignorable(text: str, missing: set[str]) -> str:
    """Drop what has no shape of its own: joiners and variation selectors."""
    return "".join(
        c
        for c in text
        if c not in missing or not (unicodedata.category(c) == "Cf" or "\ufe00" <= c <= "\ufe0f")
    )


def _escaped(text: str, missing: set[str]) -> str:
    return "".join(f"[U+{ord(c):04X}]" if c in missing else c for c in text)


def _tell_remedy(undrawn: set[str]) -> None:
    first = min(undrawn)
    name = unicodedata.name(first, "without a name")
    tell(
        f"No installed font draws {len(undrawn)} of the letters in this picture, such as "
        f"U+{ord(first):04X} ({name}); something readable stands in for them. "
        f"Install a font of that script, such as a Noto font, and draw again."
    )
