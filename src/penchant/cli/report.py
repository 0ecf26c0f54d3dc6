"""penchant report: one HTML file about a saved recommender."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.reading import Reading, with_reading
from penchant.cli.source import Source, open_model, require_bundle, require_place
from penchant.errors import SettingsError

if TYPE_CHECKING:
    from penchant.ids import Id
    from penchant.recommender.base import Recommender


@with_reading(sides=False)
def report(
    bundle: options.Bundle,
    source: Annotated[
        Source | None,
        typer.Argument(
            parser=Source,
            help="The ratings that it was made of: a named set or a path. Without it, the named "
            "set that the bundle tells of.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file to write.  [default: NAME.html]", show_default=False),
    ] = None,
    user: Annotated[
        list[str] | None,
        typer.Option(
            help="Whose recommendations to show; several times for several.", show_default=False
        ),
    ] = None,
    chapter: Annotated[
        bool,
        typer.Option(
            "--chapter", help="Train the course chapter's network too, to stand beside it."
        ),
    ] = False,
    *,
    reading: Reading,
    json: options.Json = False,
) -> None:
    """Make a report of a saved recommender: one HTML file with its pictures.

    Its figures are of ratings that the recommender was not trained on: where the bundle tells of
    the split, of its very test ratings. The page loads nothing from anywhere.
    """
    from penchant.report import report as reported

    target = Path(f"{Path(bundle).name.removesuffix('.penchant')}.html") if out is None else out
    require_bundle(bundle)
    _require_place(target)
    model = open_model(bundle)
    table = None if source is None else reading.load(source)
    shown = _users(model, user)
    made = reported(
        model,
        target,
        source=table,
        users=shown,
        chapter=chapter,
        bundle=Path(bundle).name,
        progress=True,
    )
    if json:
        print_json({"file": str(target), **made.to_json()})
        return
    summary = made.numbers["summary"]
    if "rmse" in summary:
        typer.echo(f"Test RMSE {summary['rmse']:.4f} ({summary['protocol']}).")
    else:
        typer.echo(f"No test figures: {summary['missing']}")
    typer.echo(f"Wrote {target}, {target.stat().st_size / 1e6:.1f} MB. Open it in a browser.")


def _require_place(target: Path) -> None:
    """Say before the work, not after it, that the file can't be put there."""
    require_place(target)
    if target.is_dir():
        raise SettingsError(f"--out: {target} is a folder. Give the name of a file.")


def _users(model: Recommender, given: list[str] | None) -> list[Id] | None:
    ids = model.knowledge.user_ids
    return [ids.parse(text) for text in given] if given else None
