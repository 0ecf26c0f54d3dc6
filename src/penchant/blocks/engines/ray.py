"""The engine of many machines: tasks on a Ray cluster (the extra "ray").

Ray keeps what tasks return where it was made, moves it to whoever needs it, and runs a task again
whose worker or node is lost, with those before it whose results are lost too. No result here
depends on one of an earlier sweep, so at most one sweep is run again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from penchant.blocks.engines.protocol import NODE, Handle, Task
from penchant.errors import MissingExtraError, UnavailableError
from penchant.settings import require_count

RETRIES = 8
"""How often a task is run again whose worker dies."""

_SMALL = 2**24  # bytes
_PATIENCE = 30.0  # seconds for a cluster to answer


class RayEngine:
    """Tasks on a Ray cluster; use it as a context.

    All machines need the same versions of Penchant, and see the block store and the folder of the
    users' rows under the same paths. A task takes one core, which is one of `num_cpus` of its node.

    Args:
        address: of a cluster, such as "10.0.0.1:6379"; "auto" for the one that this machine belongs
            to; "local" to start one here, which ends with the training.
        retries: how often a task is run again whose worker dies.

    Raises:
        MissingExtraError: Ray is not installed.
        UnavailableError: there is no cluster at the address, or too little of it is left.
    """

    name = "ray"

    def __init__(self, address: str = "local", *, retries: int = RETRIES) -> None:
        require_count("retries", retries, 0)
        self._address, self._retries = address, retries
        self._ray: Any = None
        self._began = False

    def __enter__(self) -> Self:
        self._ray = _loaded()
        if not self._ray.is_initialized():
            self._connect()
            self._began = True
        return self

    def _connect(self) -> None:
        local = self._address == "local"
        self._require_answer()
        if local:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            self._ray.init(
                self._address,
                include_dashboard=False if local else None,
                log_to_driver=False,
                logging_level="error",
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise self._absent(str(error)[:300]) from error

    def _require_answer(self) -> None:
        """Look whether somebody listens at the address; Ray would wait long for it."""
        host, _, port = self._address.rpartition(":")
        if not (host and port.isdigit()) or "/" in host:
            return
        try:
            socket.create_connection((host, int(port)), _PATIENCE).close()
        except OSError as error:
            raise self._absent(f"{error.strerror or error}.") from error

    def _absent(self, said: str) -> UnavailableError:
        return UnavailableError(
            f"There is no Ray cluster at {self._address!r}: {said} Start one with `ray start "
            f"--head`, or leave the address out for one of this machine."
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._began:
            self._ray.shutdown()
            self._began = False

    @property
    def slots(self) -> int:
        """How many cores the cluster has now."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def put(self, value: Any) -> Handle:
        """Put a value into the object store, from which each node fetches it once."""
        return self._ray.put(value)

    def map(
        self, task: Task, parts: Sequence[Any], *shared: Handle, outputs: int | None = None
    ) -> list[list[Handle]]:
        """Call ``task(part, *shared)`` for each part; see `Engine`."""
        remote = self._remote(outputs)
        made = [remote.remote(task, outputs, part, *shared) for part in parts]
        return [list(handles) if isinstance(handles, list) else [handles] for handles in made]

    def reduce(
        self, task: Task, parts: Sequence[Any], columns: Sequence[list[Handle]], *shared: Handle
    ) -> list[Handle]:
        """Call ``task(part, values, *shared)`` for each part.

        See `penchant.blocks.engines.protocol`.
        """
        remote, count = self._remote(None), len(shared)
        return [
            remote.remote(_gathered, None, part, task, count, *shared, *column)
            for part, column in zip(parts, columns, strict=True)
        ]

    def get(self, handles: Sequence[Handle]) -> list[Any]:
        """Return the values that handles stand for.

        An error of ours that a task raised is raised here. Raises `UnavailableError` where workers
        die as often as they are started.
        """
        errors = self._ray.exceptions
        try:
            return list(self._ray.get(list(handles)))
        except errors.RayTaskError as error:
            raise _cause(error) from error
        except errors.RayError as error:
            raise UnavailableError(
                f"The Ray cluster lost a task {self._retries + 1} times over: "
                f"{str(error).splitlines()[0][:300]} Look at the nodes' memory, and start the "
                f"same command again: it goes on from the checkpoint."
            ) from error

    def _remote(self, outputs: int | None) -> Any:
        options: dict[str, Any] = {
            "num_cpus": 1,
            "max_retries": self._retries,
            "num_returns": outputs or 1,
            "scheduling_strategy": "SPREAD",
        }
        return self._ray.remote(**options)(run_here)


def run_here(task: Callable[..., Any], outputs: int | None, *given: Any) -> Any:
    """Run a task in a worker: its node is named, and what is shared may be written to."""
    import ray

    os.environ[NODE] = ray.get_runtime_context().get_node_id()
    answer = task(*(writable(value) for value in given))
    return answer[0] if outputs == 1 else answer


def _gathered(part: Any, task: Callable[..., Any], count: int, *given: Any) -> Any:
    return task(part, list(given[count:]), *given[:count])


def writable(value: Any) -> Any:
    """Return a value whose arrays may be written to, but for large ones.

    What comes out of Ray's object store may not be, and for Numba such arrays are of another type,
    for which every kernel would be compiled anew. Of large ones tasks take rows, which are copies.
    """
    if isinstance(value, np.ndarray):
        return value if value.flags.writeable or value.nbytes > _SMALL else value.copy()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(writable(each) for each in value))
    if isinstance(value, (list, tuple)):
        return type(value)(writable(each) for each in value)
    if hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            object.__setattr__(value, name, writable(getattr(value, name)))
    return value


def _cause(error: Any) -> BaseException:
    """Return the error that a task raised, not Ray's wrapping of it."""
    cause: BaseException = error.cause
    return cause


def _loaded() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingExtraError(
            "The engine 'ray' needs Ray. Install it: pip install 'penchant[ray]'."
        ) from None
    return ray
