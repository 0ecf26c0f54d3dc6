"""The plain twins of `penchant.kernels.ordinal`: NumPy and SciPy, row by row in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from penchant.kernels.plain.solves import philox
from penchant.stars import LEAST, interval, truncated_means

Array = npt.NDArray[Any]


def _bounds(t: slice, places: Array, edges: Array, eta: Array, roots: Array) -> tuple[Array, Array]:
    s, m = places[t].astype(np.intp), eta[t].astype(np.float64)
    return roots * (edges[s] - m), roots * (edges[s + 1] - m)


def _roots(root: float, units: Array, row: int, others: Array) -> Array:
    return root * np.float64(units[row]) * others.astype(np.float64)


def latent_means(
    start: int, stop: int, indptr: Array, indices: Array, P: Array, bu: Array, Q: Array, bi: Array,
    eta: Array,
) -> None:  # fmt: skip
    """Fill the means of ratings as `penchant.kernels.ordinal.latent_means` does."""
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        j = indices[t]
        eta[t] = bu[row] + bi[j] + Q[j].astype(np.float64) @ P[row].astype(np.float64)


def head_means(
    start: int, stop: int, indptr: Array, indices: Array, rows: Array, bias: Array, draws: Array,
    eta: Array,
) -> None:  # fmt: skip
    """Fill the heads' means as `penchant.kernels.ordinal.head_means` does."""
    k = draws.shape[2] - 1
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        f = draws[:, indices[t]].astype(np.float64)
        dots = np.einsum("hnk,hk->hn", f[:, :, :k], rows[:, row, :k].astype(np.float64))
        eta[t] = (dots + bias[:, row, None] + f[:, :, k]).mean(axis=0)


def log_likelihoods(
    start: int, stop: int, indptr: Array, indices: Array, places: Array, moved: Array, edges: Array,
    eta: Array, units: Array, other_units: Array, root: float, sums: Array,
) -> None:  # fmt: skip
    """Fill log-likelihoods as `penchant.kernels.ordinal.log_likelihoods` does."""
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        roots = _roots(root, units, row, other_units[indices[t]])
        likely = np.log(interval(*_bounds(t, places, edges, eta, roots)))
        found = np.bincount(places[t], likely, minlength=len(moved))
        sums[row] = np.where(moved, found, 0.0)


def draw_latents(
    start: int, stop: int, indptr: Array, indices: Array, places: Array, edges: Array, eta: Array,
    units: Array, other_units: Array, root: float, sweep: int, side: int, key: Array, out: Array,
) -> None:  # fmt: skip
    """Fill draws as `penchant.kernels.ordinal.draw_latents` does."""
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        j = indices[t]
        u = (philox(j, row, sweep, side, key)[0] + 0.5) * 2.0**-32
        roots = _roots(root, units, row, other_units[j])
        a, b = _bounds(t, places, edges, eta, roots)
        flip = np.where(np.isinf(a), False, np.isinf(b) | (a + b > 0))
        low, high = ndtr(np.where(flip, -a, a)), ndtr(np.where(flip, -b, b))
        z = ndtri(np.maximum(low + u * (high - low), LEAST))
        z = np.clip(np.where(flip, -z, z), a, b)
        out[t] = eta[t] + z / roots


def mean_latents(
    start: int, stop: int, indptr: Array, indices: Array, places: Array, edges: Array, eta: Array,
    units: Array, other_units: Array, root: float, out: Array,
) -> None:  # fmt: skip
    """Fill means of latent values as `penchant.kernels.ordinal.mean_latents` does."""
    for row in range(start, stop):
        t = slice(indptr[row], indptr[row + 1])
        roots = _roots(root, units, row, other_units[indices[t]])
        out[t] = eta[t] + truncated_means(*_bounds(t, places, edges, eta, roots)) / roots


def expected_ratings(
    start: int, stop: int, user_rows: Array, item_rows: Array, eta: Array, units: Array,
    other_units: Array, root: float, thresholds: Array, values: Array, out: Array,
) -> None:  # fmt: skip
    """Fill expected ratings as `penchant.kernels.ordinal.expected_ratings` does."""
    n = slice(start, stop)
    roots = root * units[user_rows[n]].astype(np.float64) * other_units[item_rows[n]]
    above = ndtr(roots[:, None] * (eta[n, None].astype(np.float64) - thresholds))
    out[n] = values[0] + (above * np.diff(values.astype(np.float64))).sum(axis=1)
