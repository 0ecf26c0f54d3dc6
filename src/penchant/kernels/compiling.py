"""What is heard of the compiler while it works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


class Compiler(event.Listener):
    """Numba's compiler, as its events tell of it: whether it is at work, and for how long in all.

    Threads may wait for one another in it; one call of the compiler holds others.
    """

    def __init__(self) -> None:
        self._depth, self._seconds, self._since = 0, 0.0, 0.0

    def on_start(self, event: Any) -> None:
        """Take note of a start; Numba lets one thread compile at a time."""
        self._since = self._since if self._depth else time.perf_counter()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """Take note of an end."""
        self._depth -= 1
        self._seconds += 0.0 if self._depth else time.perf_counter() - self._since

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear of what is compiled while the block runs."""
        with event.install_listener("numba:compile", self):
            yield

    @property
    def busy(self) -> bool:
        """Whether something is being compiled."""
        return self._depth > 0

    @property
    def seconds(self) -> float:
        """How long it has compiled so far."""
        return self._seconds + (time.perf_counter() - self._since if self.busy else 0.0)
