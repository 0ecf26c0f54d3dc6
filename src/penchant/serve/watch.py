"""Following the log, so that what other processes write is in the answers within a second."""

from __future__ import annotations

import threading

from penchant.errors import PenchantError, UnavailableError
from penchant.serve.live import Live

PAUSE = 0.25
"""Seconds between two looks at the log."""
LONG_PAUSE = 5.0
"""Seconds to wait where a model cannot be loaded, which costs more than a look."""


class Watch:
    """A thread that follows the log until it is stopped; what fails is told, and tried again."""

    def __init__(self, live: Live) -> None:
        self.reachable, self.problems = True, tuple[str, ...]()
        self._live, self._stopped = live, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="penchant-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until the thread has ended."""
        self._stopped.set()
        self._thread.join()

    def _follow(self) -> None:
        pause = PAUSE
        while not self._stopped.wait(pause):
            pause = PAUSE
            try:
                self._live.follow()
                self.reachable, self.problems = True, ()
            except UnavailableError as error:
                self.reachable, self.problems = False, (str(error),)
            except (PenchantError, OSError) as error:
                self.problems = (f"The log's model cannot be loaded: {error}",)
                pause = LONG_PAUSE
