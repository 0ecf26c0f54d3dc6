"""Further sweeps over what has changed since the training, from each kept head on.

Each head is a state of the sampler. From there on its chain goes on, as the training's did, but for
the rows that nothing new was learnt of, which stay, and the noise α and the noise weights, which
were settled by all ratings: first the priors (m, Λ, B) are drawn for the new ratings' x, then in
each sweep the touched users and their prior, the touched items and theirs.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32
from penchant.factors import Factors
from penchant.kernels.byte_values import decoded
from penchant.kernels.rng import seed_key
from penchant.posterior import Posterior
from penchant.posterior.resize import grown
from penchant.posterior.rows import head_rows, of_users, user_weights
from penchant.ratings import Ratings
from penchant.solvers.gibbs.finish import Head, distil, make_posterior
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler
from penchant.solvers.gibbs.settings import GibbsSettings
from penchant.solvers.gibbs.side import Half
from penchant.threads import Block, Threads

Touched = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]

_SETTLING = 3
"""Draws of the priors alone at the start: λ of B isn't kept with a head."""


def refresh(
    settings: GibbsSettings,
    ratings: Ratings,
    posterior: Posterior,
    touched: Touched,
    n: int,
    *,
    factors: int,
    seed: int,
    threads: int | None = None,
) -> tuple[Factors, Posterior]:
    """Make n sweeps over the touched rows in each head, and distil the heads anew.

    Args:
        settings: those of the training.
        ratings: all ratings as they stand.
        posterior: the heads, with rows for all users and items.
        touched: the user rows and item rows whose ratings have changed.
        n: how many sweeps.
        factors: K.
        seed: of all draws.
        threads: how many to use.
    """
    with Threads(threads) as pool:
        problem = Problem.of(
            ratings,
            side_information=settings.side_information,
            bags=settings.bags,
            weigh=settings.weights,
            threads=pool,
            keep_order=True,
            mean=posterior.mean,
            stars=posterior.stars,
        )
        M, N = len(problem.users.units), len(problem.items.units)
        posterior = grown(posterior, M, N)
        effects = _effects(posterior, ratings, problem)
        problem = dataclasses.replace(problem, noise=_noise(posterior, problem, touched[1]))
        chain = _Chain(problem, posterior, settings.rank, seed, pool, effects)
        first = settings.sweeps + 1
        heads = []
        for s in range(posterior.heads):
            heads.append(chain.run(s, touched, n, first))
            first += n + _SETTLING
        fresh = make_posterior(problem, heads, posterior.days, pool)
        sides = (problem.users.side, problem.items.side)
        return distil(fresh, problem.by_user(effects), sides, factors, pool)


def _effects(posterior: Posterior, ratings: Ratings, problem: Problem) -> F32 | None:
    """Return the day effect of each user-major rating, in rating units."""
    if posterior.days is None or ratings.timestamps is None:
        return None
    order = np.lexsort((ratings.item_rows, ratings.user_rows))
    return posterior.days(ratings.user_rows[order], ratings.timestamps[order])


def _noise(posterior: Posterior, problem: Problem, items: npt.NDArray[np.int32]) -> Any:
    """Return offsets and weights of all ratings, at the levels of the training.

    Items that nothing new was learnt of keep the weights that were drawn for them.
    """
    old, new = posterior.noise, problem.noise
    item_weights = old.item_weights.copy()
    item_weights[items] = new.item_weights[items] * old.item_level
    return dataclasses.replace(
        new,
        variance=old.variance,
        user_weights=(new.user_weights * old.user_level).astype(np.float32),
        item_weights=item_weights.astype(np.float32),
        user_level=old.user_level,
        item_level=old.item_level,
    )


class _Chain:
    """The sampler, put into the state of one head after the other."""

    def __init__(
        self,
        problem: Problem,
        posterior: Posterior,
        rank: int,
        seed: int,
        threads: Threads,
        effects: F32 | None,
    ) -> None:
        self._posterior, self._problem, self._threads = posterior, problem, threads
        self._sampler = sampler = Sampler(problem, rank, seed, threads, False)
        self._key = seed_key(seed)
        if effects is not None:
            known = decoded(problem.users.values)
            sampler.users.values = values = known - effects / np.float32(problem.unit)
            sampler.items.values = values[problem.to_items]
        sampler.users.units = np.sqrt(problem.noise.user_weights)
        sampler.items.units = np.sqrt(problem.noise.item_weights)
        self._ratings = problem.by_user(effects)

    def run(self, s: int, touched: Touched, n: int, first: int) -> Head:
        """Go on from head s for n sweeps; `first` counts the draws."""
        sampler, threads = self._sampler, self._threads
        self._restore(s)
        halves = (sampler.users, sampler.items)
        if sampler.latent is not None:
            sampler.latent.redraw(sampler, first)
        for number in range(first, first + _SETTLING):
            for half in halves:
                half.draw_prior(number, self._key, threads)
        for half, rows in zip(halves, touched, strict=True):
            half.blocks = _runs(rows)
        for number in range(first + _SETTLING, first + _SETTLING + n):
            if sampler.latent is not None:
                sampler.latent.redraw(sampler, number)
            for half, other in (halves, halves[::-1]):
                half.draw_rows(other, sampler.alpha, number, self._key, threads)
                half.draw_prior(number, self._key, threads)
        return Head.of(sampler)

    def _restore(self, s: int) -> None:
        posterior, sampler, unit = self._posterior, self._sampler, self._problem.unit
        D = posterior.users.mean.shape[1]
        scales = (np.full(D, unit), np.append(np.ones(D - 1), unit))
        rows = (self._user_rows(s), posterior.items.draws[s])
        sides = (posterior.users, posterior.items)
        sampler.alpha = float(posterior.alpha[s]) * unit**2
        for half, own, side, scale in zip(
            (sampler.users, sampler.items), rows, sides, scales, strict=True
        ):
            _put(half, own / scale)
            half.prior.mean = side.mean[s] / scale
            half.prior.precision = side.precision[s] * np.outer(scale, scale)
            half.prior.coordinates = np.zeros_like(half.prior.coordinates)

    def _user_rows(self, s: int) -> F32:
        """Return the users' draws; their means where none are kept, as of new users."""
        posterior = self._posterior
        own = user_weights(posterior.noise, self._ratings)
        given = of_users(posterior).head(s)
        M, known = len(own), posterior.users.draws.shape[1]
        rows = np.empty((M, posterior.users.mean.shape[1]), np.float32)
        rows[:known] = posterior.users.draws[s]
        if known < M:
            width = posterior.users.encoder.width
            columns = self._problem.users.side[known:]
            if columns.shape[1] != width:  # the side columns are read anew: these are of the old
                columns = np.zeros((M - known, width), np.float32)
            values = of_users(posterior).latent_values(
                self._ratings[known:], columns, own[known:], self._threads
            )
            factors, bias = head_rows(given, values, columns, own[known:], self._threads)
            rows[known:, :-1], rows[known:, -1] = factors[0][:, : rows.shape[1] - 1], bias[0]
        return rows


def _put(half: Half, rows: npt.NDArray[np.floating]) -> None:
    half.factors[:, : half.rank] = rows[:, :-1]
    half.bias[:] = rows[:, -1]


def _runs(rows: npt.NDArray[np.int32]) -> list[Block]:
    """Return the runs of neighbouring rows, as blocks.

    >>> _runs(np.array([1, 2, 5], np.int32))
    [(1, 3), (5, 6)]
    """
    ends = np.flatnonzero(np.diff(rows) > 1)
    starts = np.append(rows[:1], rows[ends + 1])
    stops = np.append(rows[ends], rows[-1:]) + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
