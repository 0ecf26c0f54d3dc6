"""penchant compare: several solvers on the same ratings, with intervals and tests."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.reading import Reading, with_reading
from penchant.errors import SettingsError
from penchant.settings import FACTORS


@with_reading()
def compare(
    source: options.Source,
    solver: Annotated[
        list[str] | None,
        typer.Option(
            help="A solver to compare; give it several times.  [default: all]", show_default=False
        ),
    ] = None,
    factors: Annotated[
        int, typer.Option(help="Width of each model's embeddings.", min=1)
    ] = FACTORS,
    folds: Annotated[
        int | None,
        typer.Option(help="Random folds, in place of one test part.", min=2, show_default=False),
    ] = None,
    test: Annotated[
        float | None,
        typer.Option(help="Share of the ratings to test with.  [default: 0.2]", show_default=False),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(help="Share of the training ratings that chooses when to stop."),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Length of the lists.", min=1)] = 10,
    seed: Annotated[int, typer.Option(help="Of the split and of each training.", min=0)] = 2021,
    *,
    reading: Reading,
    json: options.Json = False,
) -> None:
    """Train several models on the same ratings and judge them on the same others.

    Each model has the settings of its solver; the bias model is always among them. Intervals and
    tests take users as independent; p values are corrected by Holm's procedure.
    """
    if folds is not None and test is not None:
        raise SettingsError(
            "--folds tests each rating once: leave --test out, or leave --folds out."
        )
    share = 0.2 if test is None else test
    if not 0 < share < 1:
        raise SettingsError(f"--test is a share between 0 and 1, not {share:g}.")
    from penchant import comparison
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.solvers.registry import SOLVERS, solver_of
    from penchant.split import split

    names = list(dict.fromkeys(solver or SOLVERS))
    models = {
        name: MatrixFactorization(factors=factors, solver=solver_of(name), seed=seed)
        for name in names
    }
    ratings = reading.load(source)
    train, held_out = (ratings, None) if folds else split(ratings, test=share, seed=seed)
    result = comparison.compare(
        models, train, held_out, folds=folds, n=n, validation=validation, seed=seed
    )
    if not folds:
        result = result.told(f"random split, test={share:g}, seed={seed}")
    if json:
        print_json({"source": str(source), **result.to_json(), "notices": list(ratings.notices)})
    else:
        typer.echo(str(result))
