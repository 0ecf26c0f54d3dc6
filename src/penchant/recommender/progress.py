"""What a person sees of a training: a line for each epoch, or for every few sweeps."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penchant.console import tell
from penchant.history import Record

if TYPE_CHECKING:
    from penchant.kernels.compiling import Compiler

_LINES = 60
_PATIENCE = 2.0  # seconds that a person waits without a word
_GLANCE = 0.5  # seconds after which a line of something that passes is written, or anew
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
def told_while_compiling(waiting: str = "preparing") -> Iterator[Callable[[Record], None]]:
    """Tell of what is compiled while the block runs; yield a callback for the first round.

    Kernels are compiled at their first call on a machine: most before the first round, some after
    the last. On a terminal one line counts the seconds and gives way to what comes next; elsewhere
    it is written once. Until the callback is first called, `waiting` says what else takes long.
    """
    from penchant.kernels.compiling import Compiler

    compiler = Compiler()
    ended, teller = threading.Event(), _Teller(compiler, waiting)

    def tell_on() -> None:
        while not ended.wait(_GLANCE):
            teller.look()

    thread = threading.Thread(target=tell_on, daemon=True)
    with compiler.heard():
        thread.start()
        try:
            yield teller.begin
        finally:
            ended.set()
            thread.join()
            teller.clear()


class _Teller:
    """Says what is waited for, where that is for longer than a glance."""

    def __init__(self, compiler: Compiler, waiting: str) -> None:
        self._compiler = compiler
        self._waiting: str | None = waiting
        self._since = time.perf_counter()
        self._told: list[str] = []
        self._passing = False

    def begin(self, record: Record) -> None:
        """Know that the first round is over."""
        self._waiting = None
        self.clear()

    def look(self) -> None:
        """Write the line, if there is something to say."""
        compiling, seconds = self._compiler.busy, self._compiler.seconds
        if compiling and seconds >= _GLANCE:
            self._write("compiling the inner loops for this processor, this once", seconds)
        elif not compiling and self._waiting:
            waited = time.perf_counter() - self._since - seconds
            if waited >= _PATIENCE:
                self._write(self._waiting, waited)

    def _write(self, what: str, seconds: float) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[2K{what} … {seconds:.0f} s")
            sys.stderr.flush()
            self._passing = True
        elif what not in self._told:
            tell(f"{what} …")
        self._told.append(what)

    def clear(self) -> None:
        """Take the line away, if it is there."""
        if self._passing:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
        self._passing = False


def _line(round_name: str, number: int, rounds: int, record: Record) -> str:
    width = len(str(rounds))
    parts: list[Any] = [f"{round_name} {number:>{width}}/{rounds}"]
    parts += [f"{label} {record[name]:.4f}" for name, label in _LABELS.items() if name in record]
    held = [f"{record[name] / 2**30:.1f}" for name in record if name.startswith("memory_")]
    parts += [f"memory {' + '.join(held)} GiB"] if held else []
    return "  ".join([*parts, f"{record['seconds']:.1f} s"])
