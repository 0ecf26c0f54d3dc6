"""penchant recommend --all-users: a file of lists, or one for each block of a block store."""

from __future__ import annotations

from pathlib import Path

import typer

from penchant.cli.output import print_json
from penchant.cli.source import open_model, require_place
from penchant.errors import SettingsError


def write_all(
    bundle: str,
    n: int,
    out: Path,
    include_rated: bool,
    json: bool,
    *,
    by: str = "liking",
    liked: float | None = None,
    blocks: str | None = None,
    engine: str | None = None,
    address: str | None = None,
) -> None:
    """Write the lists of all users; of the users of a block store on an engine.

    Raises `SettingsError` where an engine is asked for without blocks.
    """
    if blocks is None and (engine or address):
        raise SettingsError("--engine and --address go with --blocks DIR. Add it, or leave them.")
    if blocks is None and out.suffix.lower() not in (".parquet", ".pq"):
        raise SettingsError(
            f"--out: the lists of all users are written as Parquet; received {out.name!r}. End the "
            f"name in .parquet."
        )
    require_place(out)
    model = open_model(bundle)
    users = len(model.knowledge.user_ids)
    if blocks is None:
        model.recommend_all(n, exclude_rated=not include_rated, by=by, liked=liked, path=out)
        told = {"file": str(out), "users": users, "n": n}
    else:
        from penchant.blocks.engines.by_name import engine_of
        from penchant.recommender.recommend_blocks import recommend_blocks
        from penchant.store import BlockStore

        store, where = BlockStore.open(blocks), engine_of(engine, address=address)
        files = recommend_blocks(
            model, store, out, n, exclude_rated=not include_rated, engine=where
        )
        told = {"folder": str(out), "files": len(files), "users": users, "n": n}
    if json:
        print_json(told)
    else:
        typer.echo(f"Wrote {n} items for each of {users:,} users to {out}.")
