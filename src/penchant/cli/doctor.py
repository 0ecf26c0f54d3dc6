"""penchant doctor: what this installation consists of."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

import typer

from penchant.cli import options
from penchant.cli.extras import extra_facts
from penchant.cli.output import print_json

_LIBRARIES = (
    "numpy", "scipy", "numba", "keras", "jax", "duckdb", "pyarrow", "narwhals", "safetensors",
    "matplotlib",
)  # fmt: skip


def doctor(json: options.Json = False) -> None:
    """Show versions, the Keras backend, threads, the cache folder and the extras.

    Of each extra: whether it is installed, and which commands or features need it.
    """
    facts = _facts()
    if json:
        print_json(facts)
        return
    from penchant.tables import print_table

    rows = [(name, str(value)) for name, value in _flat(facts)]
    print_table(("what", "value"), rows)
    typer.echo()
    extras = [(name, _told(fact), fact["for"]) for name, fact in facts["extras"].items()]
    print_table(("extra", "installed", "for"), extras)
    typer.echo("\nAn extra is installed by: pip install 'penchant[NAME]'")


def _facts() -> dict[str, Any]:
    from penchant import __version__
    from penchant.data.fetch.cache import cache_folder
    from penchant.threads import available_threads

    return {
        "penchant": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "keras backend": _backend(),
        "threads": available_threads(),
        "cache folder": str(cache_folder()),
        "extras": extra_facts(_version),
    }


def _flat(facts: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if name == "libraries":
            rows += [(key, found or "not installed") for key, found in value.items()]
        elif name != "extras":
            rows.append((name, value))
    return rows


def _told(fact: dict[str, Any]) -> str:
    """Say what of an extra is installed: all of it, or what is missing.

    >>> _told({"installed": False, "versions": {"ray": "2.50", "fsspec": None}})
    'no: fsspec is missing'
    >>> _told({"installed": True, "versions": {"optuna": "4.2"}})
    'yes: optuna 4.2'
    """
    versions = fact["versions"]
    if not fact["installed"]:
        missing = [name.partition("|")[0] for name, found in versions.items() if not found]
        return f"no: {missing[0]} is missing" if len(missing) == 1 else "no"
    name, found = next(iter(versions.items()), ("", ""))
    return f"yes: {name.partition('|')[0]} {found}" if name else "yes"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _backend() -> str:
    chosen = os.environ.get("KERAS_BACKEND")
    return f"{chosen} (by KERAS_BACKEND)" if chosen else "jax (default)"
