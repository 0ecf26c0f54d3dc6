"""Training on a block store: which solvers can, and how it is begun."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.als import ALSRun
from penchant.blocks.train.driver import BlockProblem
from penchant.blocks.train.gibbs import GibbsRun
from penchant.errors import SettingsError
from penchant.settings import require, require_count
from penchant.solvers.als.solver import ALS
from penchant.solvers.base import Fitted
from penchant.solvers.gibbs.solver import Gibbs
from penchant.solvers.loop import Loop
from penchant.solvers.task import Callback, Checkpoint, Task
from penchant.store import BlockStore
from penchant.threads import Threads


def train_blocks(
    solver: Any,
    store: BlockStore,
    *,
    factors: int,
    seed: int,
    engine: Engine,
    callbacks: Iterable[Callback] = (),
    checkpoint: Checkpoint | None = None,
    folder: str | None = None,
) -> Fitted:
    """Train on the blocks of a store.

    The history has each sweep's `train_rmse` and, where the store holds ratings out, `watch_rmse`
    (of Gibbs those of the draw, not of the mean over draws), `sent`, the bytes that the tasks had
    for the items, and `memory_0` …, the most bytes that a worker of each node has held; the last
    record has `network_watch_rmse`, of the model as it is returned.

    Args:
        solver: `ALS` or `Gibbs` settings.
        store: the ratings.
        factors: K.
        seed: of all draws.
        engine: where the tasks run; entered and left here.
        callbacks: see `penchant.solvers.base.Solver`.
        checkpoint: where the state is kept.
        folder: where the users' rows are written, seen by all machines; a temporary one if None.

    Raises:
        SettingsError: a solver or a setting that can't be trained from blocks.
        DivergedError: a row is not finite, or too large; `last_good` is the model of the sweep
            before.
        SourceError: a block is missing or damaged, or the rows can't be written.
    """
    require_count("factors", factors)
    _require_possible(solver)
    task = Task(store, factors, seed=seed, callbacks=callbacks, checkpoint=checkpoint)
    loop: Loop[Fitted] = Loop(solver, task)
    with engine, Threads() as threads:
        problem = BlockProblem.of(
            store,
            engine,
            threads,
            rank=solver.rank,
            seed=seed,
            side_information=solver.side_information,
            bags=solver.bags,
            weigh=solver.weights,
            by_count=isinstance(solver, ALS) and solver.scaling == "count",
        )
        given = (problem, engine, threads, factors, folder)
        run = ALSRun(solver, *given) if isinstance(solver, ALS) else GibbsRun(solver, *given)
        return loop.train(run)


def _require_possible(solver: Any) -> None:
    if not isinstance(solver, (ALS, Gibbs)):
        raise SettingsError(
            f"A block store is trained on by solver='als' or 'gibbs', not {solver.name!r}. Choose "
            f"one of them, or load the ratings: store.ratings()."
        )
    if isinstance(solver, ALS):
        return
    require(
        not solver.contexts and solver.likelihood == "gaussian",
        f"Gibbs from blocks knows neither contexts nor an ordinal likelihood; received "
        f"contexts={solver.contexts!r}, likelihood={solver.likelihood!r}. Leave them out.",
    )
