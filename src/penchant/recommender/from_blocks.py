"""What a recommender trained on a block store needs, and how its training is begun."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from penchant.arrays import Rows
from penchant.blocks.engines.by_name import engine_of
from penchant.model.known import Knowledge
from penchant.recommender.plan import checkpoint_of, require_callbacks
from penchant.recommender.progress import show_progress, told_while_compiling
from penchant.settings import require
from penchant.solvers.base import Fitted
from penchant.solvers.place import is_url
from penchant.solvers.task import Checkpoint
from penchant.store import BlockStore

_BLOCKS_KEPT = 2  # in memory, for those who ask what a user rated


def knowledge_of(store: BlockStore) -> Knowledge:
    """Return what a store tells; its ratings are read where they are asked for."""
    return Knowledge(
        store.user_ids,
        store.item_ids,
        store.scale,
        store.user_counts.astype(np.int32),
        store.item_counts.astype(np.int32),
        store.user_table,
        store.item_table,
        store.name,
        lambda: store.fingerprint,
        store.ratings,
        _listed(store),
    )


def fit_store(
    solver: Any,
    store: BlockStore,
    *,
    factors: int,
    seed: int,
    validation: object,
    watch: object,
    callbacks: Iterable[Any],
    progress: bool,
    threads: int | None,
    resume: Any,
    engine: Any,
) -> Fitted:
    """Train on the blocks of a store; see `MatrixFactorization.fit`."""
    from penchant.blocks.train.start import train_blocks

    require_callbacks(callbacks)
    require(
        validation is None and watch is None,
        "A block store brings its held-out ratings, which are watched: leave validation and watch "
        "out, and write the store with test=.",
    )
    checkpoint = checkpoint_of(resume)
    if checkpoint is not None and not isinstance(resume, Checkpoint):
        checkpoint = checkpoint._replace(every=1)
    at = None if checkpoint is None or is_url(checkpoint.folder) else checkpoint.folder

    def train(more: Iterable[Any]) -> Fitted:
        return train_blocks(
            solver,
            store,
            factors=factors,
            seed=seed,
            engine=engine_of(engine, threads=threads),
            callbacks=more,
            checkpoint=checkpoint,
            folder=None if at is None else str(at),
        )

    if not progress:
        return train(callbacks)
    shown_rounds = show_progress(solver.round_name, solver.rounds)
    with told_while_compiling() as begun, shown_rounds as shown:
        return train((begun, shown, *callbacks))


def _listed(store: BlockStore) -> Callable[[int], Rows]:
    """Return who says what items a user row rated; the last blocks stay in memory."""
    starts = np.array([span.start for span in store.user_spans])
    block = lru_cache(_BLOCKS_KEPT)(store.block)

    def listed(user_row: int) -> Rows:
        mine = block(int(np.searchsorted(starts, user_row, side="right")) - 1)
        at = user_row - mine.start
        return mine.indices[mine.indptr[at] : mine.indptr[at + 1]]

    return listed
