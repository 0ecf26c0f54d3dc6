"""Ctrl-C on the command line: never lost, and never in the middle of an import."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Self

_AGAIN = 0.05  # seconds until a Ctrl-C that came at a bad moment is tried again
_IMPORT = "<frozen importlib._bootstrap>"


class Interrupts:
    """Raises `KeyboardInterrupt` for each Ctrl-C while it is entered.

    Python raises it wherever it stands, and two places lose it: the import of a module whose code
    catches all, which then goes on half loaded, and a destructor, whose errors are only printed.
    There it is raised a moment later instead. Where SIGINT is ignored, as in a job in the
    background, it stays so.

    Attributes:
        arrived: whether there was a Ctrl-C.
    """

    def __init__(self) -> None:
        self.arrived = False
        self._muted = self._ours = False

    def __enter__(self) -> Self:
        self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        main = threading.current_thread() is threading.main_thread()
        self._ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._ours:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._hook
        if self._ours and not self._muted:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def mute(self) -> None:
        """Take no further Ctrl-C, now or later: there is nothing left to stop."""
        self._muted = True
        if self._ours:  # Python itself would give the system's handler back before it ends
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _handle(self, _: int, frame: FrameType | None) -> None:
        if self._muted:
            return
        self.arrived = True
        if _imports(frame):
            _later()
        else:
            raise KeyboardInterrupt

    def _unraisable(self, error: Any) -> None:
        if issubclass(error.exc_type, KeyboardInterrupt):
            _later()
        else:
            self._hook(error)


def _imports(frame: FrameType | None) -> bool:
    """Return whether a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


def _later() -> None:
    """Interrupt the main thread anew in a moment."""

    def interrupt() -> None:
        time.sleep(_AGAIN)
        if hasattr(signal, "pthread_kill"):  # which wakes it, too
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            _thread.interrupt_main()

    _thread.start_new_thread(interrupt, ())
