"""Translations and the texts that they are of: what to translate anew, and a note of what was.

A translation ends in a comment with a sum of each section of its original. Where a section has
changed since, `python docs/translations.py` says so, and tests/test_translations.py fails. After
translating, `python docs/translations.py --write` notes the new sums.
"""

from __future__ import annotations

import argparse
import hashlib
import posixpath
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

TRANSLATIONS = {"README.ko.md": "README.md", "docs/ko/chapter.md": "docs/chapter.md"}
"""Each translation and its original."""

_NOTE = re.compile(r"\n<!-- translated: ([0-9a-f ]+) -->\n\Z")
_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_LANGUAGES = re.compile(r"^\[(?:English|한국어)\]\([^)]*\)$", re.MULTILINE)


class Section(NamedTuple):
    """A heading's level and words, and all text down to the next one."""

    level: int
    title: str
    text: str


def read(name: str) -> str:
    """Return a text of the repository, without its note of sums and its link to a translation."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return _LANGUAGES.sub("", _NOTE.sub("\n", text))


def sections(text: str) -> list[Section]:
    """Return the sections of a Markdown text; a ``#`` in a block of code is no heading."""
    hidden = _BLOCK.sub(lambda block: re.sub(r"^#", "\0", block[0], flags=re.M), text)
    parts = re.split(r"^(#+) (.*)$", hidden, flags=re.M)[1:]
    found = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Section(len(marks), title, rest.replace("\0", "#")) for marks, title, rest in found]


def code(text: str) -> list[str]:
    """Return the blocks of code, in order, and after them all code in lines, sorted."""
    return _BLOCK.findall(text) + sorted(re.findall(r"`[^`\n]+`", _BLOCK.sub("", text)))


def links(text: str, name: str) -> list[str]:
    """Return what the links lead to, in order, translations as their originals."""
    folder = posixpath.dirname(name)
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", text)):
        if not re.match(r"[a-z]+:|#", target):
            target = posixpath.normpath(posixpath.join(folder, target))
        found.append(TRANSLATIONS.get(target, target))
    return found


def figures(text: str) -> Counter[str]:
    """Return the numbers outside code and links, and how often each stands there."""
    plain = re.sub(r"`[^`\n]+`|\]\([^)]*\)", "", _BLOCK.sub("", text))
    return Counter(re.findall(r"\d[\d,.]*\d|\d", plain))


def faults(name: str) -> list[str]:
    """Return what a translation says otherwise than its original, in words."""
    original = TRANSLATIONS[name]
    theirs, ours = sections(read(original)), sections(read(name))
    if [one.level for one in theirs] != [one.level for one in ours]:
        told = [f"{'#' * one.level} {one.title}" for one in theirs]
        return [f"{name} must have the headings of {original}: {'; '.join(told)}."]
    found = []
    noted = _noted(name)
    for place, (one, other) in enumerate(zip(theirs, ours, strict=True)):
        where = f"{name}, '{other.title}' (of {original}, '{one.title}')"
        if code(one.text) != code(other.text):
            found.append(f"{where}: code differs: {_apart(code(one.text), code(other.text))}")
        if links(one.text, original) != links(other.text, name):
            apart = _apart(links(one.text, original), links(other.text, name))
            found.append(f"{where}: links differ: {apart}")
        if missing := figures(one.text) - figures(other.text):
            found.append(f"{where}: numbers of the original that are missing: {', '.join(missing)}")
        added = figures(other.text) - figures(one.text)
        if strange := [number for number in added if len(number) > 1]:
            found.append(f"{where}: numbers that the original hasn't: {', '.join(strange)}")
        if place >= len(noted) or noted[place] != _sum(one):
            found.append(
                f"{where}: the original has changed since. Translate it again, then note "
                f"that by: python docs/translations.py --write"
            )
    return found


def _apart(one: list[str], other: list[str]) -> str:
    missing, added = Counter(one) - Counter(other), Counter(other) - Counter(one)
    if not missing and not added:
        return "another order"
    return f"original {list(missing)}, translation {list(added)}"


def _sum(section: Section) -> str:
    words = " ".join(f"{section.title} {section.text}".split())
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def _noted(name: str) -> list[str]:
    found = _NOTE.search((ROOT / name).read_text(encoding="utf-8"))
    return found[1].split() if found else []


def note(name: str) -> None:
    """Write at the end of a translation what its original is now."""
    path = ROOT / name
    sums = " ".join(_sum(one) for one in sections(read(TRANSLATIONS[name])))
    text = _NOTE.sub("\n", path.read_text(encoding="utf-8")).rstrip("\n")
    path.write_text(f"{text}\n\n<!-- translated: {sums} -->\n", encoding="utf-8")


def main() -> None:
    """Say what is to be translated anew, or note that it was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="note that all is translated")
    if parser.parse_args().write:
        for name in TRANSLATIONS:
            note(name)
    found = [fault for name in TRANSLATIONS for fault in faults(name)]
    sys.exit("\n".join(found) or 0)


if __name__ == "__main__":
    main()
