"""The network of an ALS whose λ goes by the number of ratings: its users solved once more.

There is no posterior, for Λ is another for each number of ratings; the last sweep's items are the
model, as in `penchant.solvers.als.run`. The tasks solve the users' rows twice, a sample of them for
the basis, then each in it: nothing but sums and the file of rows leaves them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from penchant.arrays import F32
from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.driver import BlockProblem
from penchant.blocks.train.facts import Facts, Part, Users, parts_of
from penchant.blocks.train.finish import SAMPLE, add_errors, basis_of, tables, write
from penchant.blocks.train.sums import Exact, Named, segments, total
from penchant.blocks.train.user_tasks import Items, solved_users
from penchant.factors import Factors
from penchant.history import History
from penchant.kernels.aligned import aligned_times
from penchant.kernels.head_rows import add_mapped
from penchant.kernels.products import transposed_times
from penchant.solvers.base import Fitted
from penchant.store import Block
from penchant.threads import Threads


def finish_counted(
    problem: BlockProblem,
    items: Items,
    K: int,
    history: History,
    engine: Engine,
    threads: Threads,
    folder: str | None,
) -> Fitted:
    """Return the network of width K; see `penchant.blocks.train.finish.finish`.

    Args:
        problem: the training.
        items: what the users' rows are solved from.
        K: the width.
        history: of the training.
        engine: where the tasks run.
        threads: of the driver.
        folder: where the users' rows are written.
    """
    facts = problem.facts
    shared = (engine.put(facts), engine.put(items))
    handles = engine.map(gram_of_rows, parts_of(facts.store, engine.slots), *shared)
    gram = total(engine.get([handle for (handle,) in handles]))["gram"]
    rows = np.ascontiguousarray(items.factors[:, : facts.rank])
    Q = basis_of(gram * facts.unit**2, rows.astype(np.float64), K)
    maps = _maps(Q, rows, facts.unit, threads)
    given = (facts, items, maps, Q)
    P, bias = tables(problem, write_solved_rows, given, K, history, engine, folder)
    network = Factors(facts.mean, bias, items.bias * np.float32(facts.unit), P, Q)
    return Fitted(network, None, history)


def _maps(Q: F32, rows: F32, unit: float, threads: Threads) -> F32:
    """Return what takes a user's row to the basis and to rating units, (1, k, K or a bit more)."""
    squares = np.einsum("nk,nk->k", Q, Q, dtype=np.float64)
    inverse = np.divide(unit, squares, out=np.zeros_like(squares), where=squares > 0)
    K = Q.shape[1]
    maps = np.zeros((1, rows.shape[1], -(-K // 8) * 8), np.float32)
    maps[0, :, :K] = (transposed_times(threads, Q, rows) * inverse[:, None].astype(np.float32)).T
    return maps


def gram_of_rows(part: Part, facts: Facts, items: Items) -> Named:
    """Return ``PᵀP`` over a sample of some blocks' users, P their rows."""
    store, sums = facts.store, Exact()
    step = max(1, (store.n_users + 1) // SAMPLE)
    scaled = aligned_times(items.factors, items.units)
    with Threads(1):
        for number in part:
            block = store.block(number)
            at = np.arange(-block.start % step, block.stop - block.start, step)
            P, _ = solved_users(*_chosen(block, at, facts), facts, items, scaled)
            for rows, _ in segments(block, store.segment):
                first, last = np.searchsorted(at, (rows.start, rows.stop))
                own = np.ascontiguousarray(P[first:last, : facts.rank])
                sums.add("gram", own.T @ own, store.n_users + 1)
    return sums.named


def _chosen(block: Block, at: Any, facts: Facts) -> tuple[Block, Users, F32]:
    """Return some of a block's users as a block, what is known of them, and their values."""
    shape = (block.stop - block.start, facts.store.n_items + 1)
    table = sp.csr_matrix((facts.values_of(block), block.indices, block.indptr), shape=shape)[at]
    values = np.ascontiguousarray(table.data)
    indptr, indices = table.indptr.astype(np.int64), table.indices.astype(np.int32, copy=False)
    users = Users(*(known[at] for known in facts.users_of(block)))
    return Block(0, len(at), indptr, indices, values), users, values


def write_solved_rows(
    part: Part, facts: Facts, items: Items, maps: F32, Q: F32, path: str
) -> tuple[Named, list[F32]]:
    """Do what `penchant.blocks.train.finish.write_rows` does, of rows solved by count."""
    store, sums, biases = facts.store, Exact(), []
    scaled = aligned_times(items.factors, items.units)
    with Threads(1):
        for number in part:
            block = store.block(number)
            users, values = facts.users_of(block), facts.values_of(block)
            rows, b = solved_users(block, users, values, facts, items, scaled)
            wide = np.zeros((len(b), maps.shape[2]), np.float32)
            add_mapped(0, len(b), rows[None], maps, wide)
            P, bias = wide[:, : Q.shape[1]], b * np.float32(facts.unit)
            write(path, block, P)
            biases.append(bias)
            add_errors(sums, store.test_block(number), facts, P, bias, Q, items.bias * facts.unit)
    return sums.named, biases
