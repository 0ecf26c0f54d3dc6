"""What an engine is: a place where pure functions of blocks run, on one machine or on many.

The contract, which the solvers from blocks rely on:

- `put` shares a value with all workers; what it returns stands for the value in later calls.
- `map` calls ``task(part, *shared)`` for each part. Tasks are pure, so one whose worker dies is run
  again and gives the same bits. With `outputs` a task returns a tuple of so many, and each has a
  handle of its own.
- `reduce` calls ``task(part, values, *shared)``, one call for each part, with the outputs of
  `map` that belong to it, in the order of the parts of `map`. They travel from worker to worker.
- `get` brings results to the driver, in order; only small ones are asked for.

Nothing keeps a result longer than its handle lives, and no result depends on one of an earlier
sweep, so what is lost is made again from the blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

Handle = Any
"""What stands for a value that a worker holds."""

NODE = "PENCHANT_NODE"
"""The variable of a worker's environment that says which node it is on."""

Task = Callable[..., Any]


class Engine(Protocol):
    """Where blocks are worked on; use it as a context."""

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    def slots(self) -> int:
        """How many tasks run at once; read again before each sweep."""

    def put(self, value: Any) -> Handle:
        """Share a value with all workers."""

    def map(
        self, task: Task, parts: Sequence[Any], *shared: Handle, outputs: int | None = None
    ) -> list[list[Handle]]:
        """Call ``task(part, *shared)`` for each part; return each one's outputs."""

    def reduce(
        self, task: Task, parts: Sequence[Any], columns: Sequence[list[Handle]], *shared: Handle
    ) -> list[Handle]:
        """Call ``task(part, values, *shared)`` for each part and its column of handles."""

    def get(self, handles: Sequence[Handle]) -> list[Any]:
        """Return the values that handles stand for."""
