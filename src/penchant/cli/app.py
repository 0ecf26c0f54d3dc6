"""The commands, and what happens when one fails."""

from __future__ import annotations

import sys
from typing import Any

import typer

from penchant import __version__
from penchant.cli import (
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
from penchant.cli.output import print_json
from penchant.console import tell
from penchant.errors import PenchantError

_UsageError: Any = typer.BadParameter.__base__  # Typer gives this class no name of its own
_INTERRUPTED = 130  # what Typer makes of Ctrl-C

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


def main() -> None:
    """Run a command; end with 0 (done), 2 (wrong usage or bad input) or 1 (anything else)."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False)
    except PenchantError as error:
        return _failed(type(error).__name__, str(error), error.exit_code)
    except _UsageError as error:
        return _misused(error)
    except typer.Abort:
        code = _INTERRUPTED
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(type(error).__name__, f"{error.strerror or error}{where}.", 1)
    if code == _INTERRUPTED:
        return _failed("Interrupted", "Stopped by Ctrl-C before it was done.", 1)
    return code or 0


def _misused(error: Any) -> int:
    """Tell of wrong usage as Typer does; in one JSON object where that is wanted."""
    if "--json" not in sys.argv:
        error.show()
        return int(error.exit_code)
    hint = f" See {error.ctx.command_path} --help." if error.ctx else ""
    told = f"{error.format_message().rstrip('.')}.{hint}"
    return _failed("UsageError", told, int(error.exit_code))


def _failed(kind: str, message: str, exit_code: int) -> int:
    if "--json" in sys.argv:
        print_json({"error": {"kind": kind, "message": message}})
    else:
        tell(f"Error: {message}")
    return exit_code
