"""Solvers by name: a closed list."""

from __future__ import annotations

import importlib
from typing import Any

from penchant.errors import SettingsError
from penchant.settings import require_choice
from penchant.solvers.base import Recorded, Solver

SOLVERS = {"als": "ALS", "bias": "Bias", "gibbs": "Gibbs", "keras": "Keras", "sgd": "SGD"}
"""The class of each solver, which stands in `solver.py` of the package of that name."""


def solver_of(solver: object) -> Solver:
    """Return the solver for a name, a solver object, or what a bundle remembers of one.

    Raises `SettingsError` for an unknown name, and for what is no solver.

    >>> solver_of("keras").name
    'keras'
    """
    if isinstance(solver, Recorded):
        return _class(solver.name).from_json(dict(solver.settings))  # type: ignore[no-any-return]
    if isinstance(solver, str):
        return _class(solver)()  # type: ignore[no-any-return]
    if not callable(getattr(solver, "fit", None)) or getattr(solver, "name", None) not in SOLVERS:
        raise SettingsError(
            f"solver must be one of {', '.join(map(repr, SOLVERS))} or an object such as "
            f"pc.Gibbs(), not {solver!r}."
        )
    return solver  # type: ignore[return-value]


def solver_record(solver: object) -> dict[str, Any]:
    """Return name and settings of a solver, as JSON-able values."""
    known: Any = solver_of(solver)
    return {"name": known.name, "settings": known.to_json()}


def _class(name: str) -> Any:
    require_choice("solver", name, tuple(SOLVERS))
    home = "penchant.solvers.bias" if name == "bias" else f"penchant.solvers.{name}.solver"
    return getattr(importlib.import_module(home), SOLVERS[name])
