"""The engine of this machine: tasks on threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from penchant.blocks.engines.protocol import Handle, Task
from penchant.threads import Threads


class LocalEngine:
    """Tasks on the threads of this process; a handle is the value itself.

    Args:
        threads: how many; as many as there are processors if None.

    >>> with LocalEngine(2) as engine:
    ...     halves = engine.map(lambda part, by: (part // by, part % by), [7, 9], 2, outputs=2)
    ...     engine.get([first for first, _ in halves])
    [3, 4]
    """

    name = "threads"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = Threads(threads)

    def __enter__(self) -> Self:
        self._threads.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.__exit__(kind, error, trace)

    @property
    def slots(self) -> int:
        """How many tasks run at once."""
        return self._threads.n

    def put(self, value: Any) -> Handle:
        """Return the value."""
        return value

    def map(
        self, task: Task, parts: Sequence[Any], *shared: Handle, outputs: int | None = None
    ) -> list[list[Handle]]:
        """Call ``task(part, *shared)`` for each part; see `Engine`."""
        results = self._each(len(parts), lambda n: task(parts[n], *shared))
        return [[result] if outputs is None else list(result) for result in results]

    def reduce(
        self, task: Task, parts: Sequence[Any], columns: Sequence[list[Handle]], *shared: Handle
    ) -> list[Handle]:
        """Call ``task(part, values, *shared)`` for each part.

        See `penchant.blocks.engines.protocol`.
        """
        return self._each(len(parts), lambda n: task(parts[n], columns[n], *shared))

    def get(self, handles: Sequence[Handle]) -> list[Any]:
        """Return the handles, which are the values."""
        return list(handles)

    def _each(self, count: int, work: Callable[[int], Any]) -> list[Any]:
        results: list[Any] = [None] * count

        def one(start: int, stop: int) -> None:
            for n in range(start, stop):
                results[n] = work(n)

        self._threads.map(one, [(n, n + 1) for n in range(count)])
        return results
