"""What a person sees while something runs: lines and progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Moves a progress bar on by so many steps."""

    def __call__(self, steps: int) -> None:
        """Move on."""


def tell(message: str) -> None:
    """Write one line to standard error."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def progress(what: str, total: int | None, *, size: bool = False) -> Iterator[Advance]:
    """Show a progress bar on standard error while the block runs.

    Args:
        what: the label.
        total: how many steps there are, or None where that isn't known.
        size: whether a step is a byte.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    amount = DownloadColumn() if size else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, force_jupyter=False)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)
