"""Engines by name."""

from __future__ import annotations

from typing import Any

from penchant.blocks.engines.local import LocalEngine
from penchant.blocks.engines.protocol import Engine
from penchant.errors import SettingsError
from penchant.settings import require, require_choice

ENGINES = ("threads", "ray")


def engine_of(given: Any, *, address: str | None = None, threads: int | None = None) -> Engine:
    """Return an engine that is given as one, or by its name; None is "threads".

    Args:
        given: a name or an engine.
        address: of a Ray cluster; see `penchant.blocks.engines.ray.RayEngine`.
        threads: how many tasks run at once on this machine.

    Raises:
        SettingsError: there is no such engine, or it takes no address or threads.

    >>> engine_of("threads", threads=2).slots
    2
    """
    name = "threads" if given is None else given
    if not isinstance(name, str):
        if not all(hasattr(name, part) for part in ("put", "map", "reduce", "get")):
            raise SettingsError(f"engine must be 'threads', 'ray' or an engine, not {given!r}.")
        require(address is None, "An engine brings its own address. Leave address out.")
        return name  # type: ignore[no-any-return]
    require_choice("engine", name, ENGINES)
    if name == "threads":
        require(address is None, f"engine='threads' takes no address; received {address!r}.")
        return LocalEngine(threads)
    require(threads is None, f"engine='ray' takes no threads; received {threads!r}.")
    from penchant.blocks.engines.ray import RayEngine

    return RayEngine(address or "local")
