"""Tables that a benchmark writes into a page of the docs, between marks of its own."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def put(name: str, title: str, text: str, page: str = "benchmarks.md") -> None:
    """Put a text between the marks of a name; a section is added where they are missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    file = DOCS / page
    empty = f"# {Path(page).stem.capitalize()}\n"
    old = file.read_text(encoding="utf-8") if file.exists() else empty
    if begin not in old:
        old = f"{old.rstrip()}\n\n## {title}\n\n{begin}\n{end}\n"
    head, rest = old.split(begin)
    file.write_text(f"{head}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")
