"""The extras of the distribution: what each installs, and what for."""

from __future__ import annotations

from typing import Any, NamedTuple


class Extra(NamedTuple):
    """An optional part.

    Attributes:
        distributions: what it installs. Of a name with a bar, such as "a|b", one does.
        purpose: the commands or the calls that need it.
    """

    distributions: tuple[str, ...]
    purpose: str


EXTRAS = {
    "serve": Extra(
        (
            "fastapi", "uvicorn", "sqlalchemy", "alembic", "prometheus-client",
            "httpx",
        ),
        "penchant serve, keys and compact; the typed client",
    ),
    "postgres": Extra(
        ("psycopg",), "postgresql:// as a source of ratings, and as the log of penchant serve"
    ),
    "tune": Extra(("optuna",), "penchant tune and pc.tune"),
    "ray": Extra(("ray", "fsspec"), "penchant fit and recommend --engine ray; checkpoints by URL"),
    "tensorflow": Extra(("tensorflow-cpu|tensorflow",), "KERAS_BACKEND=tensorflow"),
    "docs": Extra(("mkdocs-material", "mkdocstrings"), "mkdocs serve: the documentation as a site"),
    "test": Extra(
        (
            "pytest", "pytest-xdist", "hypothesis", "ir-measures", "scikit-learn", "pandas",
            "polars", "playwright", "axe-playwright-python", "schemathesis", "trustme", "ruff",
            "mypy",
        ),
        "the tests, with all extras but tensorflow",
    ),
    "all": Extra((), "the extras test and tensorflow together"),
}  # fmt: skip
"""Each extra of pyproject.toml; of one that includes others, what it adds to them."""


def extra_facts(version: Any) -> dict[str, dict[str, Any]]:
    """Return of each extra what of it is installed.

    Args:
        version: from the name of a distribution to its version, or None where it isn't installed.
    """
    facts = {}
    for name, (distributions, purpose) in EXTRAS.items():
        found = {one: _first(one.split("|"), version) for one in distributions}
        facts[name] = {"installed": all(found.values()), "versions": found, "for": purpose}
    facts["all"]["installed"] = all(fact["installed"] for fact in facts.values())
    return facts


def _first(names: list[str], version: Any) -> str | None:
    return next(filter(None, map(version, names)), None)
