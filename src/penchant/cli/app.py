"""The commands, and what happens when one fails."""

from __future__ import annotations

import io
import sys
from typing import Any

import typer

from penchant import __version__
from penchant.cli import (
    INTERRUPTED,
    blocks,
    compare,
    data,
    doctor,
    explain,
    fit,
    interview,
    keys,
    report,
    serve,
    tune,
    use,
)
from penchant.cli.interrupts import Interrupts
from penchant.cli.output import print_json
from penchant.console import tell
from penchant.errors import PenchantError, SourceError
from penchant.urls import hide

_UsageError: Any = typer.BadParameter.__base__  # Typer gives this class no name of its own

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
app.command("compare")(compare.compare)
app.command("tune")(tune.tune)
app.command("predict")(use.predict)
app.command("recommend")(use.recommend)
app.command("group")(use.group)
app.command("similar")(use.similar)
app.command("explain")(explain.explain)
app.command("interview")(interview.interview)
app.command("report")(report.report)
app.command("serve")(serve.serve)
app.command("compact")(serve.compact)
app.add_typer(keys.app, name="keys")
app.command("data")(data.data)
app.command("blocks")(blocks.blocks)
app.command("verify")(blocks.verify)
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


def run(interrupts: Interrupts) -> int:
    """Run a command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it can't write is escaped, and no error
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except PenchantError as error:
        if interrupts.arrived and isinstance(error, SourceError):
            return INTERRUPTED  # it couldn't be read to its end
        return _failed(type(error).__name__, str(error), error.exit_code)
    except _UsageError as error:
        return _misused(error)
    except typer.Abort:
        return INTERRUPTED
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(type(error).__name__, f"{error.strerror or error}{where}.", 1)
    return code or 0


def interrupted() -> None:
    """Tell of a Ctrl-C."""
    _failed("Interrupted", "Stopped by Ctrl-C before it was done.", INTERRUPTED)


def _misused(error: Any) -> int:
    """Tell of wrong usage as Typer does; in one JSON object where that is wanted."""
    error.message = hide(error.message, sys.argv)
    if "--json" not in sys.argv:
        error.show()
        return int(error.exit_code)
    hint = f" See {error.ctx.command_path} --help." if error.ctx else ""
    told = f"{error.format_message().rstrip('.')}.{hint}"
    return _failed("UsageError", told, int(error.exit_code))


def _failed(kind: str, message: str, exit_code: int) -> int:
    message = hide(message, sys.argv)
    if "--json" in sys.argv:
        print_json({"error": {"kind": kind, "message": message}})
    else:
        tell(f"Error: {message}")
    return exit_code
