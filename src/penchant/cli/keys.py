"""Commands for the keys of a server: add, list, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from penchant.cli import options
from penchant.cli.output import print_json
from penchant.cli.source import require_bundle
from penchant.console import tell

app = typer.Typer(
    help="The keys of a served recommender: who may read, write and administer.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("add")
def add(
    bundle: options.Bundle,
    role: Annotated[
        str, typer.Option(help="What the key may do: read, write (read too) or admin (all).")
    ] = "read",
    json: options.Json = False,
) -> None:
    """Make a key, and show it: once, for only a hash of it is kept."""
    from penchant.serve.gate.keys import KeyFile

    require_bundle(bundle)
    file = KeyFile.beside(bundle)
    key, token = file.add(role)  # type: ignore[arg-type]
    if json:
        print_json({"id": key.id, "role": key.role, "created": key.created, "key": token})
        return
    typer.echo(token)
    tell(f"This is the key {key.id}, role {key.role}. Note it now: it isn't shown again.")


@app.command("list")
def list_(bundle: options.Bundle, json: options.Json = False) -> None:
    """Show the keys' ids, roles and dates."""
    from penchant.serve.gate.keys import KeyFile

    file = KeyFile.beside(bundle)
    keys = file.read()
    if json:
        shown = [{"id": key.id, "role": key.role, "created": key.created} for key in keys]
        print_json({"keys": shown})
        return
    if not keys:
        closed = file.stamp() is not None
        who = "lets nobody in" if closed else "answers this machine alone"
        typer.echo(f"There is no key: a server of this bundle {who}.")
        return
    from penchant.tables import print_table

    print_table(("id", "role", "created"), [(key.id, key.role, key.created) for key in keys])


@app.command("remove")
def remove(
    bundle: options.Bundle,
    key: Annotated[str, typer.Argument(help="The key's id.", show_default=False)],
    json: options.Json = False,
) -> None:
    """Take a key away; a server that runs refuses it from then on."""
    from penchant.serve.gate.keys import KeyFile

    file = KeyFile.beside(bundle)
    gone = file.remove(key)
    if json:
        print_json({"removed": gone.id, "role": gone.role})
        return
    typer.echo(f"Removed the key {gone.id}, role {gone.role}.")
    if not file.read():
        tell(f"It was the last one: nobody may come in, until a key is added or {file.path} goes.")
