"""From the heads of a training from blocks to its network; the users' rows go to a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from penchant.arrays import F32, F64
from penchant.blocks.engines.protocol import Engine
from penchant.blocks.train.driver import BlockProblem
from penchant.blocks.train.facts import Facts, Part, parts_of
from penchant.blocks.train.sums import Exact, Named, segments, total
from penchant.errors import SourceError
from penchant.factors import Factors
from penchant.history import History
from penchant.kernels.residuals import predict_pairs
from penchant.posterior import Posterior
from penchant.posterior.rows import head_rows, of_users, user_tables, user_weights
from penchant.solvers.base import Fitted
from penchant.solvers.gibbs.finish import Head, mapped, side_of
from penchant.store import Block
from penchant.threads import Threads

SAMPLE = 2**16
"""At least so many users, evenly spread, of whom the network's basis is found; all if there are
fewer. Then each user's row is solved in it."""

_IN_MEMORY = 2**28  # bytes of the users' rows that are read rather than mapped


def finish(
    problem: BlockProblem,
    heads: list[Head],
    K: int,
    history: History,
    engine: Engine,
    threads: Threads,
    folder: str | None,
) -> Fitted:
    """Distil heads to a network of width K.

    The tasks write the users' rows into one file in `folder`, which all machines see; a temporary
    one if None. Rows of more than 256 MiB stay there, mapped into memory.
    """
    posterior = posterior_of(problem, heads)
    Q = _basis(problem, posterior, K, engine, threads)
    cold = np.flatnonzero(problem.items.counts == 0)
    posterior, Q = mapped(posterior, Q, cold, problem.items.side, threads)
    shared = (problem.facts, posterior, Q)
    P, bias = tables(problem, write_rows, shared, Q.shape[1], history, engine, folder)
    network = Factors(posterior.mean, bias, posterior.item_bias, P, Q)
    return Fitted(network, posterior, history)


def posterior_of(problem: BlockProblem, heads: list[Head]) -> Posterior:
    """Put the heads together in rating units; the users' draws and the items' bags aren't kept."""
    unit, T, D = problem.facts.unit, len(heads), len(heads[0].users[1])
    item_scale = np.append(np.ones(D - 1), unit)  # a user's factors carry the unit
    return Posterior(
        problem.facts.mean,
        np.array([head.alpha / unit**2 for head in heads], dtype=np.float32),
        np.zeros((T, 0, D - 1), dtype=np.float32),
        side_of(problem.users, [head.users for head in heads], np.full(D, unit), False, True),
        side_of(problem.items, [head.items for head in heads], item_scale, True, True),
        problem.noise,
    )


def _basis(
    problem: BlockProblem, posterior: Posterior, K: int, engine: Engine, threads: Threads
) -> F32:
    """Return the items' rows, (N, K): the basis in which the heads' products lose least.

    With R = A_P A_Qᵀ as in `penchant.solvers.distil`, ``Rᵀ R = A_Q (A_Pᵀ A_P) A_Qᵀ``: of the users
    nothing but the Gram matrix, (T k, T k), is needed.
    """
    facts = problem.facts
    parts = parts_of(facts.store, engine.slots)
    shared = (engine.put(facts), engine.put(posterior))
    handles = engine.map(gram_of_heads, parts, *shared)
    sums = total(engine.get([handle for (handle,) in handles]))
    gram = sums["gram"] * facts.unit**2 * (len(problem.users.counts) / max(1.0, sums["n"][0]))
    T = posterior.heads
    A = np.hstack([posterior.items.draws[s, :, :-1] for s in range(T)]).astype(np.float64)
    return basis_of(gram, A / np.sqrt(T), K)


def basis_of(gram: F64, A: F64, K: int) -> F32:
    """Return the rows Q, (N, K), of the best approximation of ``R = A_P Aᵀ``, gram = A_Pᵀ A_P."""
    values, E = np.linalg.eigh(gram)
    M = A @ (E * np.sqrt(np.maximum(values, 0)))  # M Mᵀ = Rᵀ R
    squares, W = np.linalg.eigh(M.T @ M)
    largest = np.argsort(-squares)[:K]
    sigma = np.sqrt(np.maximum(squares[largest], 0.0))
    kept = sigma > 1e-6 * max(float(sigma.max(initial=0.0)), 1e-30)
    V = M @ W[:, largest[kept]] / sigma[kept]
    peaks = V[np.abs(V).argmax(axis=0), np.arange(V.shape[1])]
    Q = np.zeros((len(A), K), np.float32)
    Q[:, : V.shape[1]] = V * np.where(peaks < 0, -1.0, 1.0) * np.sqrt(sigma[kept])
    return Q


def tables(
    problem: BlockProblem,
    task: Any,
    shared: tuple[Any, ...],
    K: int,
    history: History,
    engine: Engine,
    folder: str | None,
) -> tuple[F32, F32]:
    """Return the users' rows and biases; put the RMSE of the held-out ratings into the history.

    Args:
        problem: the training.
        task: what writes the rows of some blocks and returns what `write_rows` does; it is given
            those, `shared` and the file's path.
        shared: what all tasks are given.
        K: the width of the rows.
        history: its last record gets `network_watch_rmse`, where ratings are held out.
        engine: where the tasks run.
        folder: see `finish`.
    """
    facts, store = problem.facts, problem.facts.store
    path, shape = _new_file(folder, len(problem.users.counts), K)
    try:
        handles = engine.map(
            task, parts_of(store, engine.slots), *(engine.put(value) for value in (*shared, path))
        )
        answers = engine.get([handle for (handle,) in handles])
        P = _read(path, shape)
    finally:
        Path(path).unlink(missing_ok=True)  # a file that is mapped stays until nobody reads it
    sums = total(named for named, _ in answers)
    if "held_out" in sums and len(history):
        rmse = facts.unit * float(np.sqrt(sums["held_out"][0] / store.n_test))
        history.records[-1] = {**history.records[-1], "network_watch_rmse": rmse}
    return P, np.concatenate([part for _, parts in answers for part in parts])


def _new_file(folder: str | None, M: int, K: int) -> tuple[str, tuple[int, int]]:
    try:
        number, path = tempfile.mkstemp(".rows", "users-", folder)
        try:
            os.truncate(number, 4 * M * K)
        finally:
            os.close(number)
    except OSError as error:
        raise SourceError(
            f"The users' rows can't be written to {folder or tempfile.gettempdir()}: "
            f"{error.strerror or error}. Free {4 * M * K:,} bytes there, or give another folder."
        ) from error
    return path, (M, K)


def _read(path: str, shape: tuple[int, int]) -> F32:
    if 4 * shape[0] * shape[1] <= _IN_MEMORY:
        return np.fromfile(path, np.float32).reshape(shape)
    return np.asarray(np.memmap(path, np.float32, "c", shape=shape))


def gram_of_heads(part: Part, facts: Facts, posterior: Posterior) -> Named:
    """Return ``A_Pᵀ A_P`` over a sample of some blocks' users, in units of the deviation."""
    store, sums = facts.store, Exact()
    given, step = of_users(posterior), max(1, (store.n_users + 1) // SAMPLE)
    T, k = posterior.heads, facts.rank
    with Threads(1):
        for number in part:
            block = store.block(number)
            ratings, side = _deviations(block, posterior), facts.users_of(block).side
            for rows, _ in segments(block, store.segment):
                at = np.arange(rows.start, rows.stop)
                at = at[(at + block.start) % step == 0]
                some = ratings[at]
                own = user_weights(posterior.noise, some)
                solved, _ = head_rows(given, some, side[at], own)
                A = np.hstack([solved[s, :, :k] for s in range(T)]) / np.float32(
                    facts.unit * np.sqrt(T)
                )
                sums.add("gram", A.T @ A, store.n_users + 1)
                sums.add("n", np.array([float(len(at))]), store.n_users + 1)
    return sums.named


def write_rows(
    part: Part, facts: Facts, posterior: Posterior, Q: F32, path: str
) -> tuple[Named, list[F32]]:
    """Solve some blocks' users in the network, write their rows, return their biases.

    With them come the squared errors of the held-out ratings, in units of the deviation.

    Raises `SourceError` where the file that all machines should see isn't there.
    """
    store, sums, biases = facts.store, Exact(), []
    with Threads(1):
        for number in part:
            block = store.block(number)
            side = facts.users_of(block).side
            P, bias = user_tables(posterior, _deviations(block, posterior), side)
            write(path, block, P)
            biases.append(bias)
            add_errors(sums, store.test_block(number), facts, P, bias, Q, posterior.item_bias)
    return sums.named, biases


def write(path: str, block: Block, P: F32) -> None:
    """Write a block's rows, (m, K), to their place; `SourceError` where that can't be."""
    try:
        with open(path, "r+b", buffering=0) as file:
            file.seek(4 * block.start * P.shape[1])
            file.write(np.ascontiguousarray(P).tobytes())
    except OSError as error:
        raise SourceError(
            f"The users' rows can't be written to {path}: {error.strerror or error}. Give a folder "
            f"that all machines see, with room for them."
        ) from error


def add_errors(
    sums: Exact, test: Block, facts: Facts, P: F32, bias: F32, Q: F32, item_bias: F32
) -> None:
    """Add up the squared errors of held-out ratings, in units of the deviation."""
    if not len(test):
        return
    predicted = np.empty(len(test), np.float32)
    users = test.rows - np.int32(test.start)
    wide = -Q.shape[1] % 8
    predict_pairs(
        0, len(test), users, test.indices, _padded(P, wide), bias, _padded(Q, wide),
        item_bias, predicted,
    )  # fmt: skip
    clipped = facts.store.scale.clip(predicted + np.float32(facts.mean))
    squares = ((test.values - clipped).astype(np.float64) / facts.unit) ** 2
    for _, at in segments(test, facts.store.segment):
        sums.add("held_out", squares[at].sum(), facts.store.n_test)


def _padded(table: F32, more: int) -> F32:
    return np.ascontiguousarray(np.pad(table, ((0, 0), (0, more)))) if more else table


def _deviations(block: Block, posterior: Posterior) -> sp.csr_matrix:
    """Return a block's ratings less the mean, (m, N) sparse."""
    shape = (block.stop - block.start, posterior.items.draws.shape[1])
    return sp.csr_matrix(
        (posterior.deviations(block.values), block.indices, block.indptr), shape=shape
    )
