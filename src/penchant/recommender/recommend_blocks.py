"""The best items of all users of a block store: Parquet in, Parquet out, a file for each block."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.arrays import F32
from penchant.blocks.engines.by_name import engine_of
from penchant.errors import DataError, SourceError, UnsupportedError
from penchant.factors import Factors
from penchant.ids import positions_array
from penchant.settings import require_count
from penchant.store import BlockStore

if TYPE_CHECKING:
    from penchant.console import Advance
    from penchant.posterior import Posterior
    from penchant.recommender.matrix_factorization import MatrixFactorization

_SIDE = 2**14  # users whose lists are in memory at once


class _Wanted(NamedTuple):
    """What each task is told: the model but for the users' rows, and what is wanted."""

    store: BlockStore
    posterior: Posterior
    item_factors: F32
    side: F32
    among: npt.NDArray[np.int32]
    n: int
    exclude_rated: bool
    folder: str


def recommend_blocks(
    model: MatrixFactorization,
    store: BlockStore,
    folder: str | os.PathLike[str],
    n: int = 10,
    *,
    exclude_rated: bool = True,
    among: Any = None,
    without: Any = None,
    min_ratings: int = 0,
    engine: Any = None,
    progress: bool = True,
) -> list[Path]:
    """Recommend n items to every user of the store that a model was trained on, by their ratings.

    Each task reads a block, solves its users' rows from their ratings, as the training did, and
    writes their lists: neither the ratings nor the users' rows are ever in one place.

    Args:
        model: trained on the store by "als" or "gibbs".
        store: the blocks.
        folder: where the files go, ``part-00000.parquet`` and so on, one for each block, with the
            columns user, item, rank from 1 and rating; a file that stands there is replaced. With
            several machines all must see it.
        n: how many for each user; fewer where there are fewer.
        exclude_rated: leave out what a user has rated.
        among: only these items, ids or one id.
        without: not these items.
        min_ratings: only items with at least so many ratings.
        engine: see `MatrixFactorization.fit`.
        progress: whether to show a bar on standard error.

    Returns:
        The files, in the order of the users.

    Raises:
        DataError: the model was trained on other ratings.
        UnsupportedError: the model keeps no posterior, from which rows are solved.
        SourceError: a block is damaged, or a file can't be written.
    """
    require_count("n", n)
    posterior, known = model.posterior, model.knowledge
    if posterior is None or model.stars is not None:
        raise UnsupportedError(
            "Lists from blocks need a model of solver='als', with scaling='plain', or of "
            "solver='gibbs', trained on the store. For this one ask model.recommend_all()."
        )
    if known.fingerprint != store.fingerprint:
        raise DataError(
            f"The model was trained on other ratings than those of {store.folder}, or was changed "
            f"since. Train it on the store, or ask model.recommend_all()."
        )
    choice = np.flatnonzero(known.choice(among, without, min_ratings)).astype(np.int32)
    encoder = posterior.users.encoder
    side = encoder.encode(store.user_table, store.n_users + 1).toarray().astype(np.float32)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    wanted = _Wanted(
        store, posterior, model.trained.item_factors, side, choice, n, exclude_rated, str(place)
    )
    return _run(engine_of(engine), wanted, progress)


def _run(engine: Any, wanted: _Wanted, progress: bool) -> list[Path]:
    parts = range(len(wanted.store.user_spans))
    with engine, _shown(len(parts), progress) as advance:
        shared, paths = engine.put(wanted), []
        for start in range(0, len(parts), engine.slots):
            handles = engine.map(write_lists, parts[start : start + engine.slots], shared)
            paths += [Path(path) for path in engine.get([handle for (handle,) in handles])]
            advance(len(handles))
    return paths


def _shown(blocks: int, progress: bool) -> AbstractContextManager[Advance]:
    from penchant import console

    def nothing(steps: int) -> None:
        pass

    return console.progress("recommending", blocks) if progress else nullcontext(nothing)


def write_lists(number: int, wanted: _Wanted) -> str:
    """Write the lists of a block's users; return the file's path."""
    import pyarrow.parquet as pq

    from penchant.atomic import new_file

    path = os.path.join(wanted.folder, f"part-{number:05}.parquet")
    try:
        with new_file(path) as file:
            tables = _lists(number, wanted)
            with pq.ParquetWriter(file, tables[0].schema) as writer:
                for table in tables:
                    writer.write_table(table)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"{path} can't be written: {error.strerror or error}. Choose a folder that you may "
            f"write to, that has room, and that all machines see."
        ) from error
    return path


def _lists(number: int, wanted: _Wanted) -> list[pa.Table]:
    import scipy.sparse as sp

    from penchant.posterior.rows import user_tables
    from penchant.predict.top_n import Lists, top_n

    store, posterior = wanted.store, wanted.posterior
    block = store.block(number)
    rows = np.arange(max(1, block.start), block.stop, dtype=np.int32)
    shape = (block.stop - block.start, len(wanted.item_factors))
    deviations = sp.csr_matrix(
        (posterior.deviations(block.values), block.indices, block.indptr), shape=shape
    )
    P, bias = user_tables(posterior, deviations, wanted.side[block.start : block.stop].copy())
    factors = Factors(posterior.mean, bias, posterior.item_bias, P, wanted.item_factors)
    tables = []
    for start in range(0, max(1, len(rows)), _SIDE):
        mine = rows[start : start + _SIDE] - np.int32(block.start)
        exclude = Lists(block.indptr, block.indices) if wanted.exclude_rated else None
        best = top_n(factors, mine, wanted.n, exclude=exclude, among=wanted.among, threads=1)
        tables.append(_table(store, mine + np.int32(block.start), *best))
    return tables


def _table(store: BlockStore, rows: Any, items: Any, ratings: Any) -> pa.Table:
    who, ranks = np.nonzero(items)
    return pa.table(
        {
            "user": store.user_ids.array.take(positions_array(rows[who] - 1)),
            "item": store.item_ids.array.take(positions_array(items[items > 0] - 1)),
            "rank": pa.array(ranks.astype(np.int32) + 1),
            "rating": pa.array(store.scale.clip(ratings[items > 0]).astype(np.float32)),
        }
    )
