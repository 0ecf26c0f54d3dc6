"""The command line: `penchant`, each command in a file of its own."""

from __future__ import annotations

import os
import sys

from penchant.cli.interrupts import Interrupts

__all__ = ["main"]

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def main() -> None:
    """Run a command and exit.

    The code is 0 (done), 2 (wrong usage or bad input), 130 (stopped by Ctrl-C) or 1 (anything
    else).
    """
    with Interrupts() as interrupts:
        try:
            from penchant.cli.app import run

            code = run(interrupts)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except Exception:
            if not interrupts.arrived:
                raise
            code = INTERRUPTED  # what a library made of it
        interrupts.mute()
        if code == INTERRUPTED:
            from penchant.cli.app import interrupted

            interrupted()
            if interrupts.arrived:
                _leave(code)
    sys.exit(code)


def _leave(code: int) -> None:
    """Exit without waiting for threads of libraries, which may still read a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
