"""The latent values of many rows' ratings by the kernels: what `row_latents` does for one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from penchant.arrays import F32
from penchant.kernels.ordinal import head_means, mean_latents
from penchant.posterior.latent import STEPS
from penchant.stars import Stars
from penchant.threads import Threads


def latents(
    stars: Stars,
    ratings: sp.csr_matrix,
    draws: F32,
    units: tuple[F32, F32],
    alpha: float,
    solve: Callable[[sp.csr_matrix], tuple[F32, F32]],
    threads: Threads | None,
) -> sp.csr_matrix:
    """Return the latent values of ratings, (m, N) sparse, by the kernels.

    Args:
        stars: thresholds and scores.
        ratings: (m, N) scores.
        draws: (H, N, D) float32, the other side's rows in some heads.
        units: the roots of the noise weights of the rows (m,) and of the other side (N,).
        alpha: the noise precision.
        solve: returns factors (H, m, K) and biases (H, m) of rows in these heads.
        threads: who does it; this thread alone if None.
    """
    counts = np.diff(ratings.indptr)
    indptr, indices = ratings.indptr.astype(np.int64), ratings.indices.astype(np.int32)
    places = stars.places_of(ratings.data)
    facts = (indptr, indices, places, stars.edges)
    eta = np.empty(len(places), dtype=np.float32)
    blocks = [(0, len(counts))] if threads is None else threads.blocks(counts)
    for _ in range(STEPS):
        rows, bias = solve(ratings)
        values = np.empty(len(places), dtype=np.float32)

        def work(start: int, stop: int, known: Any = (rows, bias), out: F32 = values) -> None:
            head_means(start, stop, indptr, indices, known[0], known[1], draws, eta)
            mean_latents(start, stop, *facts, eta, *units, float(np.sqrt(alpha)), out)

        if threads is None:
            work(0, len(counts))
        else:
            threads.map(work, blocks)
        ratings = sp.csr_matrix((values, ratings.indices, ratings.indptr), shape=ratings.shape)
    return ratings
