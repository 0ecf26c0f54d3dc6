"""The commands, and what happens when one fails."""

from __future__ import annotations

import sys

import typer

from penchant import __version__
from penchant.cli import data, doctor, fit, use
from penchant.cli.output import print_json
from penchant.console import tell
from penchant.errors import PenchantError

app = typer.Typer(
    name="penchant",
    help="Turn a table of ratings into a trained recommender, and use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fit")(fit.fit)
app.command("evaluate")(use.evaluate)
app.command("predict")(use.predict)
app.command("recommend")(use.recommend)
app.command("similar")(use.similar)
app.command("data")(data.data)
app.command("doctor")(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"penchant {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Turn a table of ratings into a trained recommender, and use it."""


def main() -> None:
    """Run a command; end with 0 (done), 2 (wrong usage or bad input) or 1 (anything else)."""
    try:
        app()
    except PenchantError as error:
        if "--json" in sys.argv:
            print_json({"error": {"kind": type(error).__name__, "message": str(error)}})
        else:
            tell(f"Error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        tell("Stopped; nothing was saved.")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        sys.stderr.close()
        sys.exit(1)
