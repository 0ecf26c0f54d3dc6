"""What several recommenders are called where they stand side by side."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from penchant.errors import SettingsError
from penchant.recommender.base import Recommender
from penchant.recommender.matrix_factorization import MatrixFactorization
from penchant.settings import require
from penchant.solvers.registry import solver_of


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


def by_name(members: Any) -> dict[str, Recommender]:
    """Return the members of a blend by name; those of a sequence get names of their own.

    Raises `SettingsError` where they can't be blended.
    """
    listed = not isinstance(members, Mapping)
    require(
        isinstance(members, Iterable) and not isinstance(members, str),
        f"members must be a list of recommenders, or a mapping of names to them, not {members!r}.",
    )
    named: dict[str, Recommender] = {}
    for key, member in enumerate(members) if listed else members.items():
        if not isinstance(member, Recommender):
            raise SettingsError(
                f"A blend takes recommenders such as pc.MatrixFactorization(solver='als'), not "
                f"{member!r}."
            )
        require(
            member.kind != "blend",
            "A blend can't be a member of a blend. Give its members themselves.",
        )
        named[free(kind_of(member), named) if listed else str(key)] = member
    require(bool(named), "A blend needs a member; received none.")
    return named
