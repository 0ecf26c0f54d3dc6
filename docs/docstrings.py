"""Docstrings as Markdown, and defaults as values: what the API's pages show better than code does.

Doctests become blocks of code, ``::`` opens none of its own, and a default that is a constant's
name is shown as what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

_DOCTEST = re.compile(r"^( *)>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites each docstring when mkdocstrings has read it."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite an object's docstring, if it has one."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Put the values of constants where parameters name them."""
        for function in _functions(pkg):
            for parameter in function.parameters:
                if re.fullmatch(r"_?[A-Z][A-Z_]+", str(parameter.default)):
                    parameter.default = _value(function, str(parameter.default))


def _functions(found: griffe.Object) -> Iterator[griffe.Function]:
    for member in found.members.values():
        if not member.is_alias:
            if member.is_function:
                yield member
            yield from _functions(member)


def _value(place: griffe.Object, name: str) -> Any:
    try:
        constant = place.modules_collection[place.resolve(name)]
    except (KeyError, griffe.NameResolutionError):
        return name
    return constant.final_target.value if constant.is_alias else constant.value


def as_markdown(text: str) -> str:
    r"""Return a docstring with its doctests fenced.

    >>> as_markdown("Add.\n\n>>> 1 + 1\n2")
    'Add.\n\n```pycon\n>>> 1 + 1\n2\n```'
    >>> as_markdown("The tree::\n\n    root")
    'The tree:\n\n    root'
    """
    text = _DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", text)
    return re.sub(r"^::$\n", "", re.sub(r"(?<=\w)::$", ":", text, flags=re.M), flags=re.M)
