"""Commands that serve a recommender, and tidy up after it."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.source import require_bundle

Log = Annotated[
    str | None,
    typer.Option(
        "--log",
        envvar="PENCHANT_LOG",
        help="The database of the log, such as postgresql://user:password@host/name. "
        "Without it, a file beside the bundle.",
    ),
]
Keep = Annotated[int, typer.Option(help="How many models to keep.", min=1)]


def serve(
    bundle: options.Bundle,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any free one.")] = 8000,
    log: Log = None,
    workers: Annotated[int, typer.Option(help="How many processes answer.", min=1)] = 1,
    keep: Keep = 3,
    rate: Annotated[
        float, typer.Option(help="Requests a second of one key, or address, in each worker.")
    ] = 200.0,
    burst: Annotated[int, typer.Option(help="Requests at once beyond that.")] = 400,
    body: Annotated[int, typer.Option(help="Bytes of a request's body.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="Until an answer is given up.")] = 30.0,
    threads: Annotated[int, typer.Option(help="Threads that work, in each process.")] = 4,
    json: options.Json = False,
) -> None:
    """Serve a recommender over HTTP, with a page, until Ctrl-C or SIGTERM.

    Without keys the server answers this machine alone. Make keys with penchant keys add.
    """
    from penchant.serve.gate.limits import Limits
    from penchant.serve.running import Serving, bundle_name, serve

    require_bundle(bundle)
    limits = Limits(rate=rate, burst=burst, body=body, seconds=seconds, threads=threads)
    serving = Serving(bundle, log, keep, host, port, workers, limits)
    where = "its own database" if log else "a file beside the bundle"

    def tell(url: str, keys: int, open_: bool) -> None:
        if json:
            found = {"url": url, "bundle": bundle, "keys": keys, "workers": workers}
            print_json({**found, "log": "database" if log else "file"})
            return
        closed = "1 key" if keys == 1 else f"{keys} keys"
        if not keys:
            closed = "all keys were removed: nobody may come in until one is added"
        if open_:
            closed = "no key: this machine alone, and all who reach it are admins"
        typer.echo(
            f"Serving {bundle_name(bundle)} at {url} ({closed}; log: {where}). Stop: Ctrl-C."
        )

    serve(serving, tell)


def compact(
    bundle: options.Bundle,
    log: Log = None,
    keep: Keep = 3,
    json: options.Json = False,
) -> None:
    """Save the served model with all ratings that came since, so that a start is quicker."""
    from penchant.serve.running import Serving

    require_bundle(bundle)
    service = Serving(bundle, log, keep).opened()
    try:
        made = service.compact()
    finally:
        service.close()
    if json:
        print_json(made.to_json())
    else:
        typer.echo(f"Saved {made.name}: it holds the log up to event {made.position:,}.")
