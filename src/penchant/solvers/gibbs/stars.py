"""The stars of a trained ordinal model: thresholds, and the spread of a further rating."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from penchant.arrays import F32, F64
from penchant.solvers.gibbs.finish import Head
from penchant.stars import Stars

_DRAW = (10, 1)  # what the draw of the pairs is for
_PAIRS = 20_000  # to learn the spread from
_AT_ONCE = 1024  # of them


def finished(
    stars: Stars,
    thresholds: F64,
    heads: list[Head],
    rated: tuple[Any, ...],
    noise: Any,
    seed: int,
) -> Stars:
    """Return the stars of a trained model: thresholds, and the spread of a further rating.

    For pairs of a user and an item, drawn each as often as it is rated, the probability of each
    star is averaged over the heads; the spread is the one that comes nearest to that from the mean
    η alone (least Kullback–Leibler divergence).

    Args:
        stars: the ratings that there are.
        thresholds: (S − 1,) float64, the mean of those drawn.
        heads: the kept draws.
        rated: the number of ratings of each user (M,) and of each item (N,).
        noise: the rows' weights.
        seed: of the pairs.
    """
    random = np.random.Generator(np.random.Philox(key=[seed, 0], counter=[0, 0, *_DRAW]))
    users, items = (random.choice(len(counts), _PAIRS, p=counts / counts.sum()) for counts in rated)
    weights = noise.user_weights[users].astype(np.float64) * noise.item_weights[items]
    mean, shares = np.zeros(_PAIRS), np.zeros((_PAIRS, len(stars)))
    for head in heads:
        P, Q = head.users[0], head.items[0]
        eta = _dots(P, Q, users, items)
        spread = 1 / np.sqrt(head.alpha * weights)
        above = dataclasses.replace(stars, thresholds=thresholds).above(eta, spread)
        ends = np.ones((_PAIRS, 1)), np.zeros((_PAIRS, 1))
        shares -= np.diff(np.hstack([ends[0], above, ends[1]]), axis=1) / len(heads)
        mean += eta / len(heads)
    first = 1 / np.sqrt(float(np.mean([head.alpha for head in heads])))
    return dataclasses.replace(stars, thresholds=thresholds, spread=first).fitted(mean, shares, 0)


def _dots(P: F32, Q: F32, users: Any, items: Any) -> F64:
    out = np.empty(len(users))
    for start in range(0, len(users), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        p, q = P[users[part]].astype(np.float64), Q[items[part]].astype(np.float64)
        out[part] = (p[:, :-1] * q[:, :-1]).sum(axis=1) + p[:, -1] + q[:, -1]
    return out
