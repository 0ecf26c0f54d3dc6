"""penchant blocks and verify: ratings of any size as a folder of blocks, and is it sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.reading import Reading

if TYPE_CHECKING:
    from penchant.store.block_store import BlockStore


def blocks(
    source: options.Source,
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder to write; one that was left unfinished is gone on with.",
            show_default=False,
        ),
    ],
    count: Annotated[
        int | None, typer.Option("--blocks", help="How many blocks of users.", min=1)
    ] = None,
    per_block: Annotated[
        int | None,
        typer.Option(
            "--ratings-per-block",
            help="About how many ratings a block holds.  [default: 2000000]",
            min=1,
        ),
    ] = None,
    by_item: Annotated[
        bool, typer.Option("--by-item", help="Write a second copy, in blocks of items.")
    ] = False,
    test: Annotated[
        float,
        typer.Option(
            help="Share of the ratings to hold out, by a hash of seed, user and item; 0 for none."
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the held-out ratings.", min=0)] = 2021,
    memory: Annotated[
        int,
        typer.Option(help="Megabytes that sorting may take before it spills to disk.", min=128),
    ] = 1024,
    columns: options.Columns = None,
    separator: options.Separator = None,
    header: options.Header = None,
    scale: options.ScaleOption = None,
    duplicates: options.Duplicates = "last",
    timestamps: Annotated[
        bool, typer.Option(help="Whether to keep the times of the ratings, where there are any.")
    ] = True,
    users: options.Users = None,
    items: options.Items = None,
    unrated: options.Unrated = None,
    encoding: options.Encoding = None,
    query: options.Query = None,
    json: options.Json = False,
) -> None:
    """Write ratings of any size as a folder of blocks, in bounded memory.

    Files, folders, archives and patterns are read piece by piece. A run that was killed goes on
    where it was: start the same command again.
    """
    from penchant.blocks.write import build

    reading = Reading(
        columns=columns,
        separator=separator,
        header=header,
        scale=scale,
        duplicates=duplicates,
        users=users,
        items=items,
        unrated=unrated,
        encoding=encoding,
        query=query,
    )
    source.require_ratings()
    store = build(
        source.reveal(),
        folder,
        blocks=count,
        ratings_per_block=per_block,
        by_item=by_item,
        test=test or None,
        seed=seed,
        timestamps=timestamps,
        memory=memory,
        **reading.arguments(),
    )
    _print(store, json)


def verify(
    folder: Annotated[str, typer.Argument(help="A folder that blocks wrote.", show_default=False)],
    json: options.Json = False,
) -> None:
    """Read all files of a block folder, and compare them with its index."""
    from penchant.store import BlockStore

    store = BlockStore.open(folder)
    size = store.verify()
    if json:
        print_json({"folder": str(store.folder), "sound": True, "bytes": size})
    else:
        files = len(store.index.files)
        typer.echo(f"{store.folder} is sound: {files:,} files, {size:,} bytes.")


def _print(store: BlockStore, json: bool) -> None:
    facts = facts_of(store)
    if json:
        print_json({**facts, "notices": list(store.index.notices)})
        return
    from penchant.tables import print_table

    rows = [
        (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
        for name, value in facts.items()
        if value is not None
    ]
    print_table(("what", "value"), rows)
    typer.echo(f"Next: penchant fit {store.folder}")


def facts_of(store: BlockStore) -> dict[str, Any]:
    """Return what a block store holds."""
    held_out = store.index.held_out
    return {
        "folder": str(store.folder),
        "ratings": store.n_ratings,
        "held_out": store.n_test,
        "seed": None if held_out is None else held_out.seed,
        "users": store.n_users,
        "items": store.n_items,
        "scale": str(store.scale),
        "mean": store.mean,
        "blocks": len(store.user_spans),
        "blocks_by_item": len(store.item_spans),
        "bytes": sum(entry.bytes for entry in store.index.files.values()),
        "fingerprint": store.fingerprint,
    }
