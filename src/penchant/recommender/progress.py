"""What a person sees of a training: a line for each epoch, or for every few sweeps."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penchant.console import tell
from penchant.history import Record

_LINES = 60
_PATIENCE = 2.0  # seconds that a person waits without a word
_LABELS = {
    "loss": "loss",
    "train_rmse": "train RMSE",
    "validation_rmse": "validation RMSE",
    "watch_rmse": "test RMSE",
}


@contextmanager
def show_progress(round_name: str, rounds: int) -> Iterator[Callable[[Record], None]]:
    """Yield a callback that tells of each round on standard error.

    Up to 60 rounds get a line each; of more, about 20 do. On a terminal the rounds between
    overwrite one line, and the last one stays, wherever the training ends.
    """
    every = 1 if rounds <= _LINES else -(-rounds // 20)
    terminal = sys.stderr.isatty()
    passing = False

    def show(record: Record) -> None:
        nonlocal passing
        number = int(record[round_name])
        line = _line(round_name, number, rounds, record)
        kept = number % every == 0 or number in (1, rounds)
        if terminal:
            width = shutil.get_terminal_size().columns - 1  # a wrapped line can't be overwritten
            sys.stderr.write(f"\r\x1b[2K{line if kept else line[:width]}" + "\n" * kept)
            sys.stderr.flush()
        elif kept:
            tell(line)
        passing = terminal and not kept

    try:
        yield show
    finally:
        if passing:
            tell("")


@contextmanager
def told_while_compiling() -> Iterator[Callable[[Record], None]]:
    """Yield a callback; until it is first called, say every few seconds that work goes on.

    The first round waits for the compilers: seconds in which nothing else could be shown.
    """
    started, began = threading.Event(), time.perf_counter()

    def tell_on() -> None:
        while not started.wait(_PATIENCE):
            tell(
                f"compiling the inner loops for this processor … "
                f"{time.perf_counter() - began:.0f} s"
            )

    teller = threading.Thread(target=tell_on, daemon=True)
    teller.start()
    try:
        yield lambda record: started.set()
    finally:
        started.set()
        teller.join()


def _line(round_name: str, number: int, rounds: int, record: Record) -> str:
    width = len(str(rounds))
    parts: list[Any] = [f"{round_name} {number:>{width}}/{rounds}"]
    parts += [f"{label} {record[name]:.4f}" for name, label in _LABELS.items() if name in record]
    held = [f"{record[name] / 2**30:.1f}" for name in record if name.startswith("memory_")]
    parts += [f"memory {' + '.join(held)} GiB"] if held else []
    return "  ".join([*parts, f"{record['seconds']:.1f} s"])
