"""Finding and DataCheck: what the check of a table of ratings found, in words and in numbers."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from penchant.tables import one_line

Level = Literal["ok", "note", "warning"]

_WIDTH = 80
_INDENT = 9
_TIED = "\u00a0%"  # no line begins with a percent sign


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that the check looked at.

    Attributes:
        kind: what was looked at, one of `KINDS` in `penchant.checking`.
        level: "ok": nothing to do; "note": to know; "warning": it changes what a figure means.
        text: what was found, in plain sentences.
        numbers: the figures behind it, JSON-able; ids of users where it names some.
        advice: what to do; empty where there is nothing to do.
    """

    kind: str
    level: Level
    text: str
    numbers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON-able values."""
        return {**dataclasses.asdict(self), "numbers": dict(self.numbers)}

    def __str__(self) -> str:
        lines = _wrapped(f"{self.level:<{_INDENT}}{self.kind}: {self.text}", first="")
        if self.advice:
            lines += _wrapped(f"What to do: {self.advice}", first=" " * _INDENT)
        return "\n".join(lines)


def _wrapped(text: str, first: str) -> list[str]:
    """Return lines of bounded width; what ids and names hold moves no cursor."""
    lines = textwrap.wrap(
        one_line(text).replace(" %", _TIED),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * _INDENT,
        break_on_hyphens=False,
    )
    return [line.replace(_TIED, " %") for line in lines]


@dataclasses.dataclass(frozen=True)
class DataCheck:
    """What to know of ratings before training: findings in a fixed order; prints as words.

    Attributes:
        name: what the ratings are called.
        findings: one for each kind that applies to these ratings.
    """

    name: str
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, kind: str) -> Finding:
        """Return the finding of a kind; raise `KeyError` where there is none."""
        for finding in self.findings:
            if finding.kind == kind:
                return finding
        raise KeyError(kind)

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON-able values."""
        return {"name": self.name, "findings": [finding.to_json() for finding in self.findings]}

    def __str__(self) -> str:
        count = {level: sum(f.level == level for f in self) for level in ("warning", "note")}
        told = ", ".join(f"{n} {level}{'' if n == 1 else 's'}" for level, n in count.items())
        return "\n\n".join([f"Check of {one_line(self.name)}: {told}", *map(str, self.findings)])


def percent(share: float) -> str:
    """Return a share as a percentage that hides no small one.

    >>> percent(0.7), percent(0.0123), percent(0.00004), percent(0)
    ('70 %', '1.2 %', 'below 0.1 %', '0 %')
    """
    if 0 < share < 0.001:
        return "below 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def counted(n: int, what: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "user"), counted(2000, "user")
    ('1 user', '2,000 users')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"
