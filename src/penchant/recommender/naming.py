"""What several recommenders are called where they stand side by side."""

from __future__ import annotations

from collections.abc import Container

from penchant.recommender.base import Recommender
from penchant.recommender.matrix_factorization import MatrixFactorization
from penchant.solvers.named import solver_of


def kind_of(model: Recommender) -> str:
    """Return the name of what trains a model: of a matrix factorisation's solver, else its kind."""
    if isinstance(model, MatrixFactorization):
        return solver_of(model.solver).name
    return model.kind


def free(name: str, taken: Container[str]) -> str:
    """Return the name, numbered where it is taken.

    >>> free("gibbs", {"gibbs", "gibbs (2)"})
    'gibbs (3)'
    """
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found
