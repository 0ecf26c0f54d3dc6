"""penchant fit: train, judge and save a recommender."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penchant.cli import options
from penchant.cli.fit_blocks import fit_blocks, require_store, store_of
from penchant.cli.models import model_of
from penchant.cli.output import print_json, scores_json
from penchant.cli.reading import Reading, with_reading
from penchant.cli.source import Source, require_place
from penchant.console import tell
from penchant.errors import SettingsError
from penchant.settings import FACTORS

if TYPE_CHECKING:
    from penchant.answers.scores import Scores
    from penchant.model.provenance import Provenance
    from penchant.ratings import Ratings
    from penchant.recommender.base import Recommender

_WIDTH = 80  # of the summary: what Keras is sure to have, on a terminal or off it

_CHAPTER_HELP = (
    "Build and train a course chapter's network to the letter, as a baseline to see: 200 factors, "
    "plain SGD, l2() = 0.01 on whole tables, 60 epochs of batches of 256. It shows its summary "
    "and epochs and draws its two curves, Train RMSE and Test RMSE. What keeps it at a test RMSE "
    "of 1.09 is told in docs/chapter.md."
)


@with_reading()
def fit(
    source: options.Source,
    model: Annotated[
        str,
        typer.Option(
            help="What to train: mf, a matrix factorisation; deep, a network with hidden layers; "
            "autorec, an autoencoder of items; blend, several recommenders weighed."
        ),
    ] = "mf",
    solver: Annotated[
        str | None,
        typer.Option(
            help="What trains a matrix factorisation: gibbs, als, sgd, keras or bias.  "
            "[default: gibbs]"
        ),
    ] = None,
    likelihood: Annotated[
        str | None,
        typer.Option(
            help="How gibbs or keras takes ratings: gaussian, as numbers; ordinal, as ordered "
            "stars, which gives the probability of each.  [default: gaussian]"
        ),
    ] = None,
    factors: Annotated[
        int | None, typer.Option(help=f"Width of its embeddings.  [default: {FACTORS}]", min=1)
    ] = None,
    test: Annotated[
        float, typer.Option(help="Share of the ratings to hold out and score; 0 for none.")
    ] = 0.2,
    validation: Annotated[
        float | None,
        typer.Option(help="Share of the training ratings that chooses when to stop."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Of the split and of the training.  [default: 2021 and 0, those of the "
            "documentation]",
            min=0,
        ),
    ] = None,
    chapter: Annotated[bool, typer.Option("--chapter", help=_CHAPTER_HELP)] = False,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="A file of settings, such as tune writes; in place of --model, --solver and "
            "--factors.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The bundle to save; one that is there is replaced.  [default: NAME.penchant]",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Where a block store is worked on: threads, of this machine, or ray.  "
            "[default: threads]"
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster; without it one is started here.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="A folder or URL for the state of a training on a block store, from which the "
            "same command goes on after a stop."
        ),
    ] = None,
    ratings_kept: Annotated[
        bool,
        typer.Option("--ratings/--no-ratings", help="Whether the bundle keeps a store's ratings."),
    ] = True,
    *,
    reading: Reading,
    json: options.Json = False,
) -> None:
    """Train a recommender on a table of ratings, score it on held-out ratings, and save it.

    The test ratings are a random share, drawn once from the seed; they are watched for the
    curve and choose nothing. Beside the bundle NAME.penchant the curves are drawn as
    NAME.curves.png.

    Where the source is a folder that penchant blocks wrote, it is read block by block, and the
    test ratings are those that it holds out.
    """
    from penchant.recommender.naming import kind_of
    from penchant.store import is_store

    split_seed, seed = (2021, 0) if seed is None else (seed, seed)
    recommender = model_of(
        model, solver, factors, seed, chapter=chapter, settings=settings, likelihood=likelihood
    )
    target = Path(f"{source.stem}.penchant") if out is None else out
    _require_place(target)
    require_share(test)
    if is_store(source.reveal()):
        store = store_of(source.reveal(), recommender, validation)
        where = {"engine": engine, "address": address, "resume": resume}
        fit_blocks(recommender, store, target, **where, ratings=ratings_kept, json=json)
        return
    require_store(str(source), engine=engine, address=address, resume=resume)
    ratings = reading.load(source)
    train, held_out = split_off(ratings, test, split_seed)
    if chapter and not json:
        _show_network(train)
    recommender.fit(train, watch=held_out, validation=validation)
    scores = None if held_out is None else recommender.evaluate(held_out)
    noted = _provenance(source, test, split_seed, validation, scores, reading.noted())
    protocol = noted.protocol
    recommender.note(noted)
    recommender.save(target, overwrite=True)
    curves = target.with_suffix(".curves.png")
    recommender.history.plot(str(curves), f"{ratings.name}: {kind_of(recommender)}")
    if json:
        print_json(_result(recommender, scores, protocol, target, curves, ratings))
    else:
        _show(recommender, scores, protocol, train, held_out, target, curves)


def _provenance(
    source: Source,
    test: float,
    seed: int,
    validation: float | None,
    scores: Scores | None,
    options: tuple[str, ...],
) -> Provenance:
    from penchant.model.provenance import Provenance, today, versions

    return Provenance(
        source=source.public,
        test=test,
        seed=seed,
        validation=validation,
        tested=0 if scores is None else scores.n,
        rmse=None if scores is None else scores.rmse,
        date=today(),
        versions=versions(),
        options=options,
    )


def require_share(test: float) -> None:
    """Raise `SettingsError` where --test is no share of the ratings."""
    if not 0 <= test < 1:
        raise SettingsError(f"--test is a share between 0 and 1, not {test:g}.")


def split_off(ratings: Ratings, test: float, seed: int) -> tuple[Ratings, Ratings | None]:
    """Return training and test ratings, as --test and --seed say."""
    from penchant.split import split

    if test == 0:
        return ratings, None
    return split(ratings, test=test, seed=seed)


def _require_place(target: Path) -> None:
    """Say before the work that the bundle can't be put there."""
    require_place(target)
    if target.exists() and not (target / "card.json").is_file():
        raise SettingsError(f"--out: {target} is there and is no bundle. Choose another name.")


def _show_network(train: Ratings) -> None:
    from penchant.networks.mf import matrix_factorization

    network = matrix_factorization(
        train.user_ids.size, train.item_ids.size, FACTORS, train.mean, l2_on="table"
    )
    network.summary(line_length=_WIDTH, print_fn=typer.echo)


def _result(
    model: Recommender,
    scores: Scores | None,
    protocol: str,
    target: Path,
    curves: Path,
    ratings: Ratings,
) -> dict[str, Any]:
    from penchant.recommender.blend import Blend

    weights = {"weights": model.weights.card()} if isinstance(model, Blend) else {}
    return {
        "bundle": str(target),
        "kind": model.kind,
        "curves": str(curves),
        "parameters": model.n_parameters,
        "protocol": protocol,
        "scores": None if scores is None else scores_json(scores),
        "history": model.history.to_json(),
        "interrupted": model.history.interrupted,
        "notices": list(ratings.notices),
        **weights,
    }


def _show(
    model: Recommender,
    scores: Scores | None,
    protocol: str,
    train: Ratings,
    held_out: Ratings | None,
    target: Path,
    curves: Path,
) -> None:
    from penchant.recommender.blend import Blend

    typer.echo(f"\n{len(train):,} training ratings, {model.n_parameters:,} parameters")
    if isinstance(model, Blend):
        typer.echo(f"Weights, learned on out-of-fold predictions:\n\n{model.weights}\n")
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
