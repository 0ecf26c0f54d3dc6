"""Blocks of rows on the threads of this machine; one setting for our threads and for BLAS.

A block's work must be a pure function of its rows: then neither the number of threads nor the cut
into blocks changes a bit. Inside `Threads` BLAS runs on one thread, because two kinds of threads
that fight for the same cores can be ten times slower; parallelism is ours.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from penchant.settings import require_count

BLOCKS_PER_THREAD = 4
"""More blocks than threads, so that a thread which the system has paused holds up little."""

Block = tuple[int, int]
Work = Callable[[int, int], Any]


def available_threads() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def cut(costs: npt.NDArray[np.integer], n_blocks: int) -> list[Block]:
    """Cut rows into at most `n_blocks` consecutive blocks of about equal cost.

    Args:
        costs: (M,) what each row costs, none below 0; a row costs one unit besides.
        n_blocks: how many blocks.

    >>> cut(np.array([9, 0, 0, 9]), 2)
    [(0, 2), (2, 4)]
    >>> cut(np.zeros(0, int), 2)
    []
    """
    total = np.cumsum(np.asarray(costs, dtype=np.int64) + 1)
    if not total.size:
        return []
    shares = total[-1] * np.arange(1, n_blocks) / n_blocks
    edges = np.searchsorted(total, shares, side="left") + 1
    stops = np.unique(np.concatenate([np.minimum(edges, len(total)), [len(total)]]))
    return list(zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True))


class _OneBlasThread:
    """Holds BLAS to one thread while at least one `Threads` is at work in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limit: Any = None

    def enter(self) -> None:
        with self._lock:
            if self._users == 0:
                from threadpoolctl import threadpool_limits

                self._limit = threadpool_limits(limits=1, user_api="blas")
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()


_blas = _OneBlasThread()


class Threads:
    """A few threads that share out blocks; use it as a context.

    >>> squares = np.zeros(5)
    >>> def work(start, stop):
    ...     squares[start:stop] = np.arange(start, stop) ** 2
    >>> with Threads(2) as threads:
    ...     threads.map(work, threads.blocks(np.ones(5, int)))
    >>> squares.tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0]
    """

    def __init__(self, n: int | None = None) -> None:
        """Take `n` threads, or as many as there are processors.

        Raises `SettingsError` where `n` is not a whole number of at least 1.
        """
        if n is not None:
            require_count("threads", n)
        self.n = n if n is not None else available_threads()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        _blas.enter()
        if self.n > 1:
            self._pool = ThreadPoolExecutor(self.n - 1, "penchant")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        _blas.leave()

    def blocks(self, costs: npt.NDArray[np.integer]) -> list[Block]:
        """Cut rows into blocks for these threads; see `cut`."""
        return cut(costs, self.n * BLOCKS_PER_THREAD if self.n > 1 else 1)

    @property
    def alone(self) -> Threads:
        """One thread, for work beside what these do; as they are, it is entered already."""
        return Threads(1)

    def map(
        self, work: Work, blocks: Sequence[Block], beside: Callable[[], Any] | None = None
    ) -> None:
        """Call ``work(start, stop)`` for each block; return when all are done.

        `beside` is something else that one of the threads does meanwhile; it must not ask for these
        threads itself. The first error is raised here, after the threads have stopped.
        """
        waiting: deque[Callable[[], Any]] = deque(partial(work, *block) for block in blocks)
        if beside is not None:
            waiting.appendleft(beside)
        if self._pool is None or len(waiting) < 2:
            while waiting:
                waiting.popleft()()
            return

        def run() -> None:
            while True:
                try:
                    task = waiting.popleft()
                except IndexError:
                    return
                try:
                    task()
                except BaseException:
                    waiting.clear()  # an error, or Ctrl-C: the others stop after their block
                    raise

        helpers = [self._pool.submit(run) for _ in range(min(self.n, len(waiting)) - 1)]
        try:
            run()
        finally:
            wait(helpers)
        for helper in helpers:
            helper.result()
