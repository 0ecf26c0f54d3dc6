"""The twin of `penchant.kernels.topn` in plain NumPy: all scores at once, sorted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, Rows


def top_n(
    P: F32,
    Q: F32,
    item_bias: F32,
    users: Rows,
    n: int,
    *,
    indptr: npt.NDArray[np.int64],
    items: Rows,
    among: Rows,
) -> tuple[Rows, F32]:
    """Return the n best of the item rows `among` and their ``p_u · q_i + b_i``, (m, n) each.

    A user's own part of `items` is left out. Ties go to the lower row; where fewer than n are
    left, row 0 with -inf fills up.
    """
    rows = np.zeros((len(users), n), np.int32)
    best = np.full((len(users), n), -np.inf, np.float32)
    for r, u in enumerate(users):
        left = np.setdiff1d(among, items[indptr[u] : indptr[u + 1]])
        scores = Q[left] @ P[u] + item_bias[left]
        order = np.argsort(-scores, kind="stable")[:n]
        rows[r, : len(order)], best[r, : len(order)] = left[order], scores[order]
    return rows, best
