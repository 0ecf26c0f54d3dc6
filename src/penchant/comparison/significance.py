"""Intervals and tests for measures that are ratios of sums over users.

Two ratings of one user aren't independent: a mild user is mild in all of them. Users are. So the
resampling draws whole users, and the tests exchange two models' results of whole users.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from penchant.arrays import F64

_CELLS = 4_000_000  # drawn at once, so that many users need bounded memory


def bootstrap(above: F64, below: F64, resamples: int, seed: int) -> F64:
    """Return ``Σ above / Σ below`` over users drawn with replacement, (resamples, C).

    All columns see the same draws, so their differences are paired. A draw in which nothing
    stands below the line is NaN.

    Args:
        above: (U, C), what each user adds above the line.
        below: (U, C), and below it.
        resamples: how many draws of U users.
        seed: what they are drawn from.

    References:
        Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapters 6 and 13.

    >>> draws = bootstrap(np.array([[4.0], [4.0]]), np.array([[2.0], [2.0]]), 3, seed=0)
    >>> draws.tolist()
    [[2.0], [2.0], [2.0]]
    """
    n_users = len(above)
    rng = np.random.default_rng([seed, 1])
    out = np.empty((resamples, above.shape[1]))
    for start, stop in _chunks(resamples, n_users):
        drawn = rng.integers(n_users, size=(stop - start, n_users))
        weights = np.array([np.bincount(line, minlength=n_users) for line in drawn], np.float64)
        tops, bottoms = weights @ above, weights @ below
        out[start:stop] = np.divide(
            tops, bottoms, out=np.full_like(tops, np.nan), where=bottoms > 0
        )
    return out


def sign_flips(differences: F64, flips: int, seed: int) -> F64:
    """Return the two-sided p of each column of paired differences, (C,).

    If two models were alike, each user's difference might as well have the other sign. p is the
    share of draws of signs whose sum is at least as far from 0 as the sum found, itself counted
    as a draw; so p is never 0, and the test holds its level for any distribution and any number
    of users.

    Args:
        differences: (U, C), what each user adds to the difference of two models.
        flips: how many draws.
        seed: what they are drawn from.

    References:
        Smucker, Allan, Carterette: A Comparison of Statistical Significance Tests for Information
        Retrieval Evaluation, CIKM 2007.

    >>> sign_flips(np.array([[1.0, 0.0], [1.0, 0.0]]), 999, seed=0).round(1).tolist()
    [0.5, 1.0]
    """
    n_users = len(differences)
    rng = np.random.default_rng([seed, 2])
    least = np.abs(differences.sum(axis=0)) * (1 - 1e-9)  # sums in another order round otherwise
    as_far = np.ones(differences.shape[1])
    for start, stop in _chunks(flips, n_users):
        signs = 2.0 * rng.integers(2, size=(stop - start, n_users), dtype=np.int8) - 1
        as_far += (np.abs(signs @ differences) >= least).sum(axis=0)
    return as_far / (flips + 1)


def holm(p: F64) -> F64:
    """Return p values corrected for their number by Holm's step-down procedure, (m,).

    The k-th smallest is multiplied by m - k + 1, then made no smaller than those before it. The
    chance of one false finding or more among all is then at most the level.

    References:
        Holm: A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of
        Statistics 6, 1979.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return out


def _chunks(n: int, width: int) -> Iterator[tuple[int, int]]:
    step = max(1, _CELLS // width)
    return ((start, min(start + step, n)) for start in range(0, n, step))
