"""Starting and stopping: the socket, the workers, the signals."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from penchant.atomic import scratch
from penchant.errors import SourceError
from penchant.serve.gate.door import Door, decided
from penchant.serve.gate.keys import KeyFile, Verifier
from penchant.serve.gate.limits import Limits
from penchant.settings import require, require_count

_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_HUNG = 60  # seconds without a sign of life after which a worker is replaced; kernels may compile


@dataclasses.dataclass(frozen=True)
class Serving:
    """What is served, where and how; makes the application in each worker.

    Attributes:
        bundle: the path of the bundle.
        log: the address of the log's database; None for a file beside the bundle.
        keep: how many models are kept.
        host: the address to listen on.
        port: 0 for a free one.
        workers: processes.
        limits: what a caller may ask.
    """

    bundle: str
    log: str | None = None
    keep: int = 3
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    limits: Limits = dataclasses.field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_count("--workers", self.workers)
        require_count("--keep", self.keep)
        whole = isinstance(self.port, int) and 0 <= self.port < 65_536
        require(whole, f"--port must be from 0 to 65535, not {self.port!r}.")
        _require_own_name(Path(os.path.abspath(self.bundle)))

    def application(self, door: Door) -> Any:
        """Open the service and return the application behind a door."""
        from threadpoolctl import threadpool_limits

        from penchant.serve.app import create_app
        from penchant.serve.gate.access import Access
        from penchant.serve.gate.http11 import GuardedProtocol

        threadpool_limits(1)  # many requests at once, and each is small
        GuardedProtocol.limits = self.limits
        service = self.opened()
        access = Access(Verifier(self.keys()), door, frozenset({self.host}))
        return create_app(service, access, self.limits)

    def opened(self) -> Any:
        """Open the service."""
        from penchant.serve.service.service import Service

        return Service.open(self.bundle, self.log, self.keep)

    def keys(self) -> KeyFile:
        """Return the file of keys."""
        return KeyFile.beside(self.bundle)


def serve(serving: Serving, tell: Callable[[str, int, bool], None]) -> None:
    """Serve until a signal ends it; what runs then is finished first.

    Args:
        serving: what, where and how.
        tell: is called with the address, the number of keys and whether who has none may come in,
            once the server listens.

    Raises:
        SettingsError: an address beyond this machine, and no key.
        SourceError: the address can't be had.
    """
    with _listening(serving.host, serving.port) as listening:
        address, port = listening.getsockname()[:2]
        file = serving.keys()
        keyed = file.stamp() is not None
        keys = file.read()
        door = decided(address, serving.host, keyed=keyed)
        app = functools.partial(serving.application, door)
        if serving.workers > 1:
            serving.opened().close()  # here, so that what is wrong is told before workers start
        run, stop = _runner(app if serving.workers > 1 else app(), serving, listening)
        with _numbers(serving), _ended_by_signals(stop):
            shown = f"[{address}]" if ":" in address else address
            tell(f"http://{shown}:{port}", len(keys), door.open)
            run()


def _runner(
    app: Any, serving: Serving, listening: socket.socket
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return what runs the server, and what stops it in order, before it runs too."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from penchant.serve.gate.http11 import GuardedProtocol
    from penchant.serve.gate.logs import config as log_config

    several = serving.workers > 1
    config = uvicorn.Config(
        app,
        factory=several,
        workers=serving.workers,
        http=GuardedProtocol,
        ws="none",
        lifespan="on",
        log_config=log_config(),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_worker_healthcheck=_HUNG,
        timeout_keep_alive=max(1, round(serving.limits.idle_seconds)),
        timeout_graceful_shutdown=max(1, round(serving.limits.seconds)),
    )
    if several:
        workers = Multiprocess(config, [listening])
        return workers.run, workers.should_exit.set
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    return lambda: server.run([listening]), stop


@contextlib.contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the server, and not the process with it.

    uvicorn takes the signals over while it runs, and raises one that ended it anew afterwards.
    """
    before = {one: signal.signal(one, lambda *_: stop()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextlib.contextmanager
def _numbers(serving: Serving) -> Iterator[None]:
    """Give several workers a folder to count in together; a killed server's goes."""
    if serving.workers == 1:
        yield
        return
    home = f"{os.path.abspath(serving.bundle)}.serving"
    with scratch(f"{home}/metrics") as folder:
        os.environ[_SHARED] = str(folder)
        try:
            yield
        finally:
            del os.environ[_SHARED]


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        told = getattr(error, "strerror", None) or error
        raise SourceError(
            f"The server can't listen at {host} port {port}: {told}. Choose another with --host "
            f"and --port."
        ) from None
    with made:
        yield made


def _require_own_name(bundle: Path) -> None:
    """Refuse a link to a bundle whose keys or log go by the name that the link leads to."""
    target = Path(os.path.realpath(bundle))
    for suffix in (".keys.json", ".serving"):
        theirs, ours = (one.with_name(one.name + suffix) for one in (target, bundle))
        require(
            not theirs.exists() or os.path.realpath(ours) == str(theirs),
            f"{bundle} is a link to {target}, which has a log or keys of its own: {theirs}. Serve "
            f"{target}, or link to a bundle that is served by no other name.",
        )


def bundle_name(path: str) -> str:
    """Return the last part of a bundle's path."""
    return Path(os.path.abspath(path)).name
