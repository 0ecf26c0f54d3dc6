"""Refreshing: what came or went since the training is learnt by further sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penchant.model.state import Life, State, knowledge_of
from penchant.solvers.base import Recorded


def refreshed(state: State, made_by: Mapping[str, Any], n: int, threads: int | None) -> State:
    """Return a state whose rows have learnt from all its ratings.

    Args:
        state: what there is.
        made_by: the settings of the training.
        n: how many sweeps over the touched rows.
        threads: how many to use.
    """
    from penchant.solvers.gibbs.further_sweeps import refresh
    from penchant.solvers.registry import solver_of

    solver = made_by["solver"]
    settings: Any = solver_of(Recorded(solver["name"], solver["settings"]))
    known, pairs = state.known, np.array(sorted(state.life.seen), np.int32)
    users, items = np.unique(pairs[:, 0]), np.unique(pairs[:, 1])
    factors, posterior = refresh(
        settings,
        known.ratings,
        state.posterior,
        (users, items),
        n,
        factors=int(made_by["factors"]),
        seed=int(made_by["seed"]),
        threads=threads,
    )
    life = Life((known.user_ids.size, known.item_ids.size))
    return State(factors, posterior, knowledge_of(known, state.ledger), state.ledger, life)
