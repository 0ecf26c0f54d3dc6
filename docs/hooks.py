"""What the site shows beside docs/*.md: README, changes and licences, commands, and the API.

MkDocs calls the functions named `on_` while it builds the site. Nothing is written into docs/.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any, NamedTuple

from mkdocs.structure.files import File, Files

import penchant

ROOT = Path(__file__).resolve().parent.parent

COPIES = {
    "README.md": "readme.md",
    "README.ko.md": "ko/readme.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "licences/penchant.txt",
    "src/penchant/fonts/LICENSE.txt": "licences/fonts.txt",
}
"""Files outside docs/, and where the site has them."""

_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")


class Page(NamedTuple):
    """A page of the API: its title, a line about it, and what it shows."""

    title: str
    about: str
    shows: tuple[str, ...]


API = {
    "ratings": Page(
        "Ratings",
        "What is read, checked and split. `import penchant as pc` stands above all examples.",
        (
            "load",
            "synthetic",
            "Ratings",
            "Scale",
            "split",
            "folds",
            "datacheck",
            "penchant.checking.findings",
        ),
    ),
    "recommenders": Page(
        "Recommenders",
        "What is trained, asked, saved and opened. All share the methods of the first.",
        (
            "MatrixFactorization",
            "DeepRating",
            "AutoRec",
            "NeuralRating",
            "Blend",
            "open",
        ),
    ),
    "solvers": Page(
        "Solvers",
        "What gives the network of `pc.MatrixFactorization` its numbers, and their settings.",
        ("Gibbs", "ALS", "Keras", "SGD", "Bias", "Checkpoint", "penchant.solvers.base.Solver"),
    ),
    "answers": Page(
        "Answers",
        "What recommenders return.",
        (
            "penchant.answers.scores.Scores",
            "penchant.predict.intervals.Prediction",
            "penchant.predict.intervals.Calibration",
            "penchant.predict.distribution.Distribution",
            "penchant.answers.lists",
            "penchant.answers.explanation",
            "penchant.answers.interview.questions",
            "penchant.fold_in.forget.Receipt",
            "penchant.model.known.Knowledge",
            "penchant.factors.Factors",
            "penchant.history.History",
        ),
    ),
    "judging": Page(
        "Judging",
        "Models side by side, settings chosen, a report of a model, and the measures behind them.",
        (
            "compare",
            "penchant.comparison.result",
            "penchant.comparison.standing",
            "tune",
            "penchant.tuning.result",
            "penchant.tuning.space",
            "report",
            "penchant.metrics",
            "penchant.ranking",
        ),
    ),
    "errors": Page(
        "Errors",
        "Each message says what was wrong, what was received, and what to do.",
        ("penchant.errors",),
    ),
    "more": Page(
        "Everything else",
        "Block stores, pictures, and bundles as plain arrays.",
        ("penchant.store", "penchant.blocks.write", "penchant.plots", "penchant.storage.bundle"),
    ),
}
"""The pages of the API. Public names that none of them shows go to the last."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made and the files from outside docs/."""
    made = {place: _copied(source) for source, place in COPIES.items()}
    made["reference/commands.md"] = commands()
    for name in API:
        made[f"reference/{name}.md"] = api_page(name)
    for place, content in made.items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **kwargs: Any) -> str:
    """Turn the links of a page in docs/ to files outside it, such as README, to their pages."""
    place = page.file.src_uri
    known = not page.file.generated_by
    return moved(markdown, f"docs/{place}", place) if known else markdown


def on_post_page(output: str, page: Any, **kwargs: Any) -> str:
    """Name the search for voices, and mark Korean pages as Korean: fonts, line breaks, voices."""
    output = output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)
    korean = page.file.src_uri.startswith("ko/")
    return output.replace('<html lang="en"', '<html lang="ko"', 1) if korean else output


def _copied(source: str) -> str:
    text = (ROOT / source).read_text(encoding="utf-8")
    return moved(text, source, COPIES[source]) if source.endswith(".md") else text


def moved(text: str, source: str, place: str) -> str:
    """Return a file's text with its links as they go from its place in the site.

    >>> moved("[Data](docs/data.md#files), [changes](CHANGELOG.md)", "README.ko.md", "ko/readme.md")
    '[Data](../data.md#files), [changes](../changelog.md)'
    """

    def replaced(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[2]))
        found = COPIES.get(target) or posixpath.relpath(target, "docs")
        return link[1] + posixpath.relpath(found, posixpath.dirname(place) or ".")

    return _LINK.sub(replaced, text)


def public_path(name: str) -> str:
    """Return where a public name is defined: "penchant.data.load.load" of "load"."""
    if "." in name:
        return name
    return penchant._HOMES[name].replace(":", ".").rstrip(".")


def shown(name: str) -> tuple[str, ...]:
    """Return what a page of the API shows; the last also what no other page does."""
    names = API[name].shows
    if name != "more":
        return names
    placed = {one for page in API.values() for one in page.shows}
    left = [
        one
        for one in penchant._HOMES
        if one not in placed and public_path(one).rpartition(".")[0] not in placed
    ]
    return (*left, *names)


def api_page(name: str) -> str:
    """Return a page of the API, for mkdocstrings to fill."""
    page = API[name]
    parts = [f"# {page.title}\n\n{page.about}\n"]
    for one in shown(name):
        last = one.rpartition(".")[2]
        heading = f"pc.{one}" if "." not in one else last if last[0].isupper() else one
        options = {"heading": heading, "toc_label": heading}
        if name == "recommenders" and one != page.shows[0]:
            options["inherited_members"] = False
        parts.append(f"::: {public_path(one)}\n    options: {json.dumps(options)}\n")
    return "\n".join(parts)


def commands() -> str:
    """Return the page of all commands, from what they say of themselves under ``--help``."""
    import typer
    from typer.main import get_command

    from penchant.cli.app import app

    root: Any = get_command(app)
    parts = [
        "# Commands\n",
        "Each command says this of itself with `--help`. Exit codes: 0 done, 2 wrong usage or bad "
        "input, 130 stopped by Ctrl-C, 1 anything else.\n",
    ]
    for path, command in _all_commands(root, "penchant"):
        with typer.Context(command, info_name=path) as context:
            parts.append(_command(path, command, context))
    return "\n".join(parts)


def _all_commands(command: Any, path: str) -> list[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if not inner:
        return [(path, command)]
    return [
        found
        for name, one in inner.items()
        if not one.hidden
        for found in _all_commands(one, f"{path} {name}")
    ]


def _command(path: str, command: Any, context: Any) -> str:
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    parts = [f"## {path}\n", f"{_escaped(command.help or '')}\n", f"```text\n{usage}\n```\n"]
    records = [one for p in command.get_params(context) if (one := p.get_help_record(context))]
    if records:
        parts.append("| argument or option | what it is |\n| --- | --- |")
        parts += [f"| `{_cell(name)}` | {_cell(_escaped(told))} |" for name, told in records]
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _escaped(text: str) -> str:
    return re.sub(r"([<>*_\[\]])", r"\\\1", text)
