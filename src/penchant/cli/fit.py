"""penchant fit: train, judge and save a recommender."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penchant.cli import options
from penchant.cli.output import print_json, scores_json
from penchant.console import tell
from penchant.errors import SettingsError
from penchant.settings import FACTORS

if TYPE_CHECKING:
    from penchant.ratings import Ratings
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.recommender.scores import Scores

_WIDTH = 80  # of the summary: what Keras is sure to have, on a terminal or off it

_CHAPTER_HELP = (
    "Build and train a course chapter's network to the letter, as a baseline to see: 200 factors, "
    "plain SGD, l2() = 0.01 on whole tables, 60 epochs of batches of 256. It shows its summary "
    "and epochs and draws its two curves, Train RMSE and Test RMSE. What keeps it at a test RMSE "
    "of 1.09 is told in docs/chapter.md."
)


def fit(
    source: options.Source,
    solver: Annotated[
        str | None,
        typer.Option(
            help="What trains the network: gibbs, als, sgd, keras or bias.  [default: gibbs]"
        ),
    ] = None,
    factors: Annotated[
        int | None, typer.Option(help=f"Width of the embeddings.  [default: {FACTORS}]", min=1)
    ] = None,
    test: Annotated[
        float, typer.Option(help="Share of the ratings to hold out and score; 0 for none.")
    ] = 0.2,
    validation: Annotated[
        float | None,
        typer.Option(help="Share of the training ratings that chooses when to stop."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the split and of the training.", min=0)] = 2021,
    chapter: Annotated[bool, typer.Option("--chapter", help=_CHAPTER_HELP)] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The bundle to save; one that is there is replaced.  [default: NAME.penchant]",
            show_default=False,
        ),
    ] = None,
    columns: options.Columns = None,
    separator: options.Separator = None,
    header: options.Header = None,
    scale: options.ScaleOption = None,
    duplicates: options.Duplicates = "last",
    users: options.Users = None,
    items: options.Items = None,
    json: options.Json = False,
) -> None:
    """Train a recommender on a table of ratings, score it on held-out ratings, and save it.

    The test ratings are a random share, drawn once from the seed; they are watched for the
    curve and choose nothing. Beside the bundle NAME.penchant the curves are drawn as
    NAME.curves.png.
    """
    model = _model(solver, factors, seed, chapter)
    ratings = options.load_source(
        source, columns, separator, header, scale, duplicates, users, items
    )
    train, held_out = _split(ratings, test, seed)
    target = Path(f"{_stem(source)}.penchant") if out is None else out
    _require_place(target)
    if chapter and not json:
        _show_network(train)
    model.fit(train, watch=held_out, validation=validation)
    scores = None if held_out is None else model.evaluate(held_out)
    protocol = "no test ratings" if not test else f"random split, test={test:g}, seed={seed}"
    model.save(target, overwrite=True)
    curves = target.with_suffix(".curves.png")
    model.history.plot(str(curves))
    if json:
        print_json(_result(model, scores, protocol, target, curves, ratings))
    else:
        _show(model, scores, protocol, train, held_out, target, curves)


def _model(
    solver: str | None, factors: int | None, seed: int, chapter: bool
) -> MatrixFactorization:
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.solvers.named import solver_of

    if chapter:
        if solver not in (None, "keras") or factors is not None:
            raise SettingsError(
                "--chapter is a network and a training of its own: leave --solver and "
                "--factors out, or leave --chapter out."
            )
        from penchant.solvers.keras import Keras

        return MatrixFactorization(solver=Keras.chapter(), seed=seed)
    if solver is not None:
        solver_of(solver)  # here, so that a wrong name is told before the ratings are loaded
    given = {"factors": factors, "solver": solver}
    return MatrixFactorization(seed=seed, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]


def _split(ratings: Ratings, test: float, seed: int) -> tuple[Ratings, Ratings | None]:
    from penchant.split import split

    if test == 0:
        return ratings, None
    if test >= 1:
        raise SettingsError(f"--test is a share between 0 and 1, not {test:g}.")
    return split(ratings, test=test, seed=seed)


def _stem(source: str) -> str:
    path = Path(source).expanduser()
    return path.resolve().name.split(".")[0] or "ratings" if path.exists() else source


def _require_place(target: Path) -> None:
    """Say before the training, not after it, that the bundle can't be put there."""
    if not target.parent.is_dir():
        raise SettingsError(f"--out: there is no folder {target.parent}. Make it first.")
    if not os.access(target.parent, os.W_OK):
        raise SettingsError(f"--out: {target.parent} can't be written to. Choose another folder.")
    if target.exists() and not (target / "card.json").is_file():
        raise SettingsError(f"--out: {target} is there and is no bundle. Choose another name.")


def _show_network(train: Ratings) -> None:
    from penchant.network.mf import matrix_factorization

    network = matrix_factorization(
        train.user_ids.size, train.item_ids.size, FACTORS, train.mean, l2_on="table"
    )
    network.summary(line_length=_WIDTH, print_fn=typer.echo)


def _result(
    model: MatrixFactorization,
    scores: Scores | None,
    protocol: str,
    target: Path,
    curves: Path,
    ratings: Ratings,
) -> dict[str, Any]:
    return {
        "bundle": str(target),
        "curves": str(curves),
        "parameters": model.trained.n_parameters,
        "protocol": protocol,
        "scores": None if scores is None else scores_json(scores),
        "history": model.history.to_json(),
        "interrupted": model.history.interrupted,
        "notices": list(ratings.notices),
    }


def _show(
    model: MatrixFactorization,
    scores: Scores | None,
    protocol: str,
    train: Ratings,
    held_out: Ratings | None,
    target: Path,
    curves: Path,
) -> None:
    typer.echo(f"\n{len(train):,} training ratings, {model.trained.n_parameters:,} parameters")
    if scores is not None and held_out is not None:
        import numpy as np

        from penchant.metrics import rmse

        mean = rmse(held_out.values, np.full(len(held_out), train.mean))
        typer.echo(f"Test ratings ({protocol}):\n\n{scores}\n")
        typer.echo(f"Always answering the mean gives an RMSE of {mean:.4f}.")
    if model.history.interrupted:
        tell("Stopped by Ctrl-C: this is the model of the last whole round.")
    typer.echo(f"Saved {target} and its curves, {curves}.")
    example = model.knowledge.user_ids.ids([1])[0]
    typer.echo(f"Next: penchant recommend {target} {example}")
