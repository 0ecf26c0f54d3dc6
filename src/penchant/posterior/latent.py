"""What ratings of an ordered probit say of their latent values, so that a row can be solved.

A row is solved from latent values z as from ratings. Of a rating its star alone is known, so z is
its mean given the star and the row's η, and η in turn follows from the row: expectation and
maximisation by turns (Dempster, Laird & Rubin 1977), from the star's score on, in a fixed number of
steps. So z, and the row, are pure functions of the row's own ratings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F64
from penchant.stars import Stars, truncated_means

STEPS = 6
"""Steps to take. Each leaves about a sixth of the way: what a star leaves open of z."""

FEW_HEADS = 8
"""So many heads, evenly spaced, say what η is; z moves by a sixth of what η does."""


def some(heads: int) -> slice:
    """Return which heads are asked for η.

    >>> len(range(64)[some(64)]), len(range(5)[some(5)])
    (8, 5)
    """
    return slice(None, None, -(-heads // FEW_HEADS))


def row_latents(
    stars: Stars,
    scores: F64,
    f: F64,
    precision: F64,
    solve: Callable[[F64], F64],
) -> F64:
    """Return the latent values of one row's ratings, (n,), by NumPy.

    Args:
        stars: thresholds and scores.
        scores: (n,) of the ratings.
        f: (H, n, D) float64, the other side's rows in some heads.
        precision: (n,) float64, the noise precision of each rating.
        solve: returns the row in these heads, (H, D), from latent values.
    """
    places, roots = stars.places_of(scores), np.sqrt(precision)
    values = scores
    for _ in range(STEPS):
        rows = solve(values)
        dots = np.matmul(f[:, :, :-1], rows[:, :-1, None])[:, :, 0]
        eta = (dots + rows[:, -1:] + f[:, :, -1]).mean(axis=0)
        values = means(stars, places, eta, roots)
    return values


def means(stars: Stars, places: npt.NDArray[Any], eta: F64, roots: F64) -> F64:
    """Return ``E[z | star, η]`` of normal values with these roots of precisions, of any shape."""
    edges = stars.edges
    a, b = roots * (edges[places] - eta), roots * (edges[places + np.intp(1)] - eta)
    return eta + truncated_means(a, b) / roots
