"""penchant fit DIR: train on a block store, on this machine or on many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from penchant.cli.output import print_json, scores_json
from penchant.console import tell
from penchant.errors import SettingsError
from penchant.settings import require

if TYPE_CHECKING:
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.store import BlockStore

PROTOCOL = "the held-out ratings of the block store"


def require_store(source: str, **given: Any) -> None:
    """Raise `SettingsError` where an option for block stores goes with another source."""
    for name, value in given.items():
        require(
            value is None,
            f"--{name} is for block stores, and {source} is none: received {value!r}. Leave it "
            f"out, or write blocks first: penchant blocks {source} DIR.",
        )


def store_of(source: str, recommender: Any, validation: float | None) -> BlockStore:
    """Open a block store to train on.

    Raises `SettingsError` for what can't be trained from blocks.
    """
    from penchant.recommender.matrix_factorization import MatrixFactorization
    from penchant.store import BlockStore

    if not isinstance(recommender, MatrixFactorization):
        raise SettingsError(
            f"A block store is trained on by --model mf, not by {recommender.kind}. Leave --model "
            f"out."
        )
    require(
        validation is None,
        "--validation can't be cut off a block store. Leave it out; what penchant blocks --test "
        "holds out is watched and scored.",
    )
    return BlockStore.open(source)


def fit_blocks(
    recommender: MatrixFactorization,
    store: BlockStore,
    target: Path,
    *,
    engine: str | None,
    address: str | None,
    resume: str | None,
    ratings: bool,
    json: bool,
) -> None:
    """Train, score on what the store holds out, save, and tell."""
    from penchant.blocks.engines.by_name import engine_of
    from penchant.recommender.naming import kind_of

    recommender.fit(store, engine=engine_of(engine, address=address), resume=resume)
    scores = recommender.evaluate(store.test_ratings()) if store.n_test else None
    recommender.save(target, ratings=ratings, overwrite=True)
    curves = target.with_suffix(".curves.png")
    recommender.history.plot(str(curves), f"{store.index.name}: {kind_of(recommender)}")
    if json:
        print_json(
            {
                "bundle": str(target),
                "kind": recommender.kind,
                "curves": str(curves),
                "parameters": recommender.n_parameters,
                "protocol": PROTOCOL if scores else "no test ratings",
                "scores": None if scores is None else scores_json(scores),
                "history": recommender.history.to_json(),
                "interrupted": recommender.history.interrupted,
                "notices": list(store.index.notices),
            }
        )
        return
    typer.echo(f"\n{len(store):,} training ratings, {recommender.n_parameters:,} parameters")
    if scores is not None:
        typer.echo(f"Test ratings ({PROTOCOL}):\n\n{scores}\n")
    if recommender.history.interrupted:
        tell("Stopped by Ctrl-C: this is the model of the last whole round.")
    typer.echo(f"Saved {target} and its curves, {curves}.")
    example = recommender.knowledge.user_ids.ids([1])[0]
    more = "" if ratings else " --include-rated"
    typer.echo(f"Next: penchant recommend {target} {example}{more}")
