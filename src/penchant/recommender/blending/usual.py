"""The members of a blend where none are given."""

from __future__ import annotations

from penchant.recommender.base import Recommender
from penchant.recommender.matrix_factorization import MatrixFactorization
from penchant.solvers.gibbs.solver import Gibbs


def usual_members(seed: int) -> dict[str, Recommender]:
    """Return members that err differently, by name; docs/depth.md tells what each adds.

    >>> list(usual_members(seed=0))
    ['gibbs', 'gibbs, rank 32', 'als']
    """
    return {
        "gibbs": MatrixFactorization(seed=seed),
        "gibbs, rank 32": MatrixFactorization(solver=Gibbs(rank=32), seed=seed),
        "als": MatrixFactorization(solver="als", seed=seed),
    }
