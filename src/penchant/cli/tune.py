"""penchant tune: choose settings on validation ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penchant.cli import options
from penchant.cli.fit import require_share, split_off
from penchant.cli.models import model_of
from penchant.cli.output import print_json
from penchant.cli.reading import Reading, with_reading
from penchant.cli.source import require_place


@with_reading()
def tune(
    source: options.Source,
    solver: Annotated[
        str | None,
        typer.Option(help="Whose settings to choose: gibbs, als, sgd or keras.  [default: gibbs]"),
    ] = None,
    factors: Annotated[
        int | None, typer.Option(help="Width of the embeddings, where it isn't tuned.", min=1)
    ] = None,
    trials: Annotated[int, typer.Option(help="How many settings to try.", min=1)] = 30,
    test: Annotated[
        float,
        typer.Option(help="Share of the ratings that is left out of it, as fit leaves it out."),
    ] = 0.2,
    validation: Annotated[
        float, typer.Option(help="Share of the training ratings that judges.")
    ] = 0.1,
    folds: Annotated[
        int | None,
        typer.Option(help="Judge by so many folds, and not by one share.", min=2),
    ] = None,
    storage: Annotated[
        Path | None,
        typer.Option(help="A file that keeps all tries: a stopped search goes on from it."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Tries at once, one thread each.", min=1)] = 1,
    seconds: Annotated[float | None, typer.Option(help="Begin no new try after so many.")] = None,
    seed: Annotated[int, typer.Option(help="Of splits, tries and trainings.", min=0)] = 2021,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file of settings to write.  [default: NAME.settings.json]",
            show_default=False,
        ),
    ] = None,
    *,
    reading: Reading,
    json: options.Json = False,
) -> None:
    """Choose a solver's settings on validation ratings, and write them to a file.

    The test share is never looked at. `penchant fit SOURCE --settings FILE` trains with them; the
    picture beside the file shows what mattered. The present settings stay where no others are
    better by more than a standard error.
    """
    from penchant.tuning import tune as search

    target = Path(f"{source.stem}.settings.json") if out is None else out
    require_place(target)
    require_share(test)
    model = model_of("mf", solver, factors, seed)
    ratings = reading.load(source)
    train, _ = split_off(ratings, test, seed)
    found = search(
        model,
        train,
        trials=trials,
        validation=validation,
        folds=folds,
        storage=storage,
        jobs=jobs,
        seconds=seconds,
        seed=seed,
        progress=not json,
    )
    found.save(target)
    picture = target.with_name(f"{target.name.removesuffix('.json')}.png")
    found.plot(picture)
    if json:
        print_json({"settings": str(target), "picture": str(picture), **found.to_json()})
        return
    typer.echo(f"{found}\n\nSaved {target} and a picture of what mattered, {picture}.")
    typer.echo(f"Next: penchant fit {source} --settings {target}")
