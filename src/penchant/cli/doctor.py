"""penchant doctor: what this installation consists of."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from penchant.cli import options
from penchant.cli.output import print_json

_LIBRARIES = (
    "numpy", "scipy", "numba", "keras", "jax", "duckdb", "pyarrow", "narwhals", "safetensors",
    "matplotlib",
)  # fmt: skip
_EXTRAS = {"tensorflow": ("tensorflow", "tensorflow-cpu")}


def doctor(json: options.Json = False) -> None:
    """Show versions, the Keras backend, threads, the cache folder and the extras."""
    facts = _facts()
    if json:
        print_json(facts)
        return
    from penchant.tables import print_table

    rows = [(name, str(value)) for name, value in _flat(facts)]
    print_table(("what", "value"), rows)


def _facts() -> dict[str, Any]:
    from penchant import __version__
    from penchant.engine.threads import available_threads
    from penchant.sources.cache import cache_folder

    return {
        "penchant": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "keras backend": _backend(),
        "threads": available_threads(),
        "cache folder": str(cache_folder()),
        "extras": {
            extra: next(filter(None, map(_version, names)), None)
            for extra, names in _EXTRAS.items()
        },
    }


def _flat(facts: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            label = "extra " if name == "extras" else ""
            rows += [(f"{label}{key}", found or "not installed") for key, found in value.items()]
        else:
            rows.append((name, value))
    return rows


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _backend() -> str:
    chosen = os.environ.get("KERAS_BACKEND")
    return f"{chosen} (by KERAS_BACKEND)" if chosen else "jax (default)"
