"""What a service does by itself: it follows the log, compacts, and finishes what was broken off."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from penchant.errors import PenchantError, UnavailableError
from penchant.serve.log.replay import takes_ratings
from penchant.serve.service import forgetting, upkeep
from penchant.serve.service.live import Live

PAUSE = 0.25
"""Seconds between two looks at the log: what others write is in the answers within a second."""
LONG_PAUSE = 5.0
"""Seconds to wait where a model cannot be loaded, which costs more than a look."""
REST = 30.0
"""Seconds to wait after upkeep that failed."""
LONGEST_REST = 600.0
"""Seconds to wait, in the end, for places that cannot be cleaned of a forgotten user."""


class Watch:
    """A thread that follows the log until it is stopped, and one for upkeep when there is some.

    Attributes:
        reachable: whether the log was there at the last look.
        problems: what failed and is tried again.
    """

    def __init__(self, live: Live, source: Path, compact_after: int | None) -> None:
        self.reachable = True
        self._live, self._source, self._compact_after = live, source, compact_after
        self._following, self._keeping = tuple[str, ...](), tuple[str, ...]()
        self._stopped, self._rest_until, self._rest = threading.Event(), 0.0, 1.0
        self._upkeep = threading.Thread(target=self._keep, name="penchant-upkeep", daemon=True)
        self._thread = threading.Thread(target=self._follow, name="penchant-log", daemon=True)
        self._thread.start()

    @property
    def problems(self) -> tuple[str, ...]:
        """What failed and is tried again, a line each."""
        return (*self._following, *self._keeping)

    def stop(self) -> None:
        """Stop, and wait until both threads have ended."""
        self._stopped.set()
        self._thread.join()
        if self._upkeep.ident is not None:
            self._upkeep.join()

    def _follow(self) -> None:
        pause = PAUSE
        while not self._stopped.wait(pause):
            pause = PAUSE
            try:
                self._live.follow()
                self.reachable, self._following = True, ()
                self._look_after()
            except UnavailableError as error:
                self._following, self.reachable = (str(error),), False  # in this order
            except (PenchantError, OSError) as error:
                self._following = (f"The log's model cannot be loaded: {error}",)
                pause = LONG_PAUSE

    def _look_after(self) -> None:
        """Begin upkeep where it is due and none is going on."""
        idle = not self._upkeep.is_alive() and time.monotonic() >= self._rest_until
        if idle and (self._is_unfinished() or self._is_long()):
            self._upkeep = threading.Thread(target=self._keep, name="penchant-upkeep", daemon=True)
            self._upkeep.start()

    def _is_unfinished(self) -> bool:
        head = self._live.view.head
        return bool(head.forgetting or head.unclean)

    def _is_long(self) -> bool:
        view, most = self._live.view, self._compact_after
        long = most is not None and view.head.position - view.base >= most
        return long and takes_ratings(view.model)

    def _keep(self) -> None:
        try:
            if self._is_unfinished():
                self._finish()
            elif self._compact_after is not None:
                upkeep.compact(self._live, least=self._compact_after, patience=0.0)
                self._keeping = ()
        except UnavailableError:
            self._rest_until = time.monotonic() + 1.0  # another process is at it, or no log
        except (PenchantError, OSError) as error:
            self._keeping = (f"Upkeep failed and is tried again: {error}",)
            self._rest_until = time.monotonic() + REST

    def _finish(self) -> None:
        """Forget what is left to be forgotten; rest ever longer while that fails."""
        late = forgetting.finish_all(self._live, self._source, 0.0)
        self._keeping = tuple(f"To be cleaned of a forgotten user: {line}" for line in late)
        self._rest = min(2 * self._rest, LONGEST_REST) if late else 1.0
        self._rest_until = time.monotonic() + self._rest
