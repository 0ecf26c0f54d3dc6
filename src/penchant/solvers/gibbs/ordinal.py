"""The ordered probit in the sampler: latent values of the ratings, and the stars' thresholds.

A rating is the star whose thresholds hold its latent value z, normal around the model's prediction
η with the noise precision α w_u w_i (Albert & Chib 1993). Once in a sweep the thresholds are drawn
by Metropolis steps with z integrated out (Cowles 1996), then every z from its normal distribution
between its star's thresholds; the rest of the sweep takes z for the ratings.

Scale and place of z are free. The two thresholds nearest to the quartiles of the ratings stay where
a standard normal is so cut (Nandram & Chen 1996), and the noise is drawn as it always is; with two
stars there is one threshold, which stays, and so does the noise.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from penchant.arrays import F32, F64, Mask
from penchant.kernels.ordinal import draw_latents, expected_ratings, latent_means, log_likelihoods
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.side import Half
from penchant.stars import Stars
from penchant.threads import Block, Threads

_DRAWS, _STEPS = 9, 10  # what a draw is for
_TRIES = 2  # Metropolis steps of each free threshold in a sweep
_STRIDE = 2.4  # of a step, in standard deviations: the best of a normal in one dimension


class Sampled(Protocol):
    """What of a sampler the latent values are drawn from, and put into; see there."""

    problem: Problem
    threads: Threads
    key: npt.NDArray[np.uint32]
    users: Half
    items: Half
    alpha: float
    sweep: int
    averages: Any
    averaged: int


class Latent:
    """The latent values and thresholds of one training.

    Args:
        stars: the ratings that there are, with the first thresholds.
        scores: (n,) float32, the user-major ratings' scores.
        seed: of all draws.

    Attributes:
        thresholds: (S − 1,) float64, as they stand.
    """

    def __init__(self, stars: Stars, scores: F32, seed: int) -> None:
        self.stars = stars
        self.thresholds = stars.thresholds.copy()
        self._seed = seed
        self._places = stars.places_of(scores)
        self._eta = np.zeros(len(scores), dtype=np.float32)
        self._eta_of = -1  # the sweep after which those are
        self._user_rows: npt.NDArray[np.int32] | None = None
        counts = np.bincount(self._places, minlength=len(stars)).astype(np.float64)
        self._free = free_thresholds(stars.thresholds)
        self._strides = _strides(stars.thresholds, counts)

    @property
    def learns_noise(self) -> bool:
        """Whether the noise is drawn; two stars leave its scale open."""
        return len(self.stars) > 2

    def draw(self, sampler: Sampled) -> None:
        """Draw thresholds, then the latent values that the halves' rows are drawn from."""
        self._means(sampler, sampler.sweep - 1)
        random = np.random.Generator(
            np.random.Philox(key=[self._seed, 0], counter=[0, sampler.sweep, _STEPS, 0])
        )
        self.move(sampler, random)
        self.draw_values(sampler)

    def move(self, sampler: Sampled, random: np.random.Generator) -> None:
        """Make Metropolis steps of the free thresholds, those of one parity at once.

        No star lies between two thresholds of one parity, so each of them is judged by the ratings
        of its own two stars, whatever becomes of the others.
        """
        for parity in (0, 1):
            moved = self._free & (np.arange(len(self.thresholds)) % 2 == parity)
            stars = np.append(moved, False) | np.append(False, moved)
            if not moved.any():
                continue
            now = self._likelihoods(sampler, self.thresholds, stars)
            for _ in range(_TRIES):
                steps = self._strides / np.sqrt(sampler.alpha) * random.normal(size=len(moved))
                luck = np.log(random.random(len(moved)))
                proposed = np.where(moved, self.thresholds + steps, self.thresholds)
                apart = np.diff(np.concatenate([[-np.inf], proposed, [np.inf]])) > 0
                inside = moved & apart[:-1] & apart[1:]
                proposed = np.where(inside, proposed, self.thresholds)
                then = self._likelihoods(sampler, proposed, stars)
                gain = (then - now)[:-1] + (then - now)[1:]
                taken = inside & (luck < gain)
                self.thresholds = np.where(taken, proposed, self.thresholds)
                theirs = np.append(taken, False) | np.append(False, taken)
                now = np.where(theirs, then, now)

    def redraw(self, sampler: Sampled, sweep: int) -> None:
        """Draw the latent values of rows as they stand, the thresholds held; `sweep` counts."""
        sampler.sweep, self._eta_of = sweep, -1
        self._means(sampler, sweep)
        self.draw_values(sampler)

    def draw_values(self, sampler: Sampled) -> None:
        """Draw each rating's latent value into the halves' values; the means are as they stand."""
        users, items = sampler.users, sampler.items
        values = np.empty(len(self._eta), dtype=np.float32)
        edges, root = self._edges(self.thresholds), float(np.sqrt(sampler.alpha))

        def work(start: int, stop: int) -> None:
            draw_latents(
                start, stop, users.indptr, users.indices, self._places, edges, self._eta,
                users.units, items.units, root, sampler.sweep, _DRAWS, sampler.key, values,
            )  # fmt: skip

        sampler.threads.map(work, self._blocks(sampler))
        users.values, items.values = values, values[sampler.problem.to_items]

    def _means(self, sampler: Sampled, sweep: int) -> None:
        """Bring the means η to what the rows are after a sweep."""
        if self._eta_of == sweep:
            return
        users, items = sampler.users, sampler.items

        def work(start: int, stop: int) -> None:
            latent_means(
                start, stop, users.indptr, users.indices, users.factors, users.bias,
                items.factors, items.bias, self._eta,
            )  # fmt: skip

        sampler.threads.map(work, self._blocks(sampler))
        self._eta_of = sweep

    def _likelihoods(self, sampler: Sampled, thresholds: F64, stars: Mask) -> F64:
        """Return the log-likelihood of all ratings of each of some stars, (S,)."""
        users, items = sampler.users, sampler.items
        sums = np.zeros((len(users.bias), len(self.stars)))
        edges, root = self._edges(thresholds), float(np.sqrt(sampler.alpha))

        def work(start: int, stop: int) -> None:
            log_likelihoods(
                start, stop, users.indptr, users.indices, self._places, stars, edges, self._eta,
                users.units, items.units, root, sums,
            )  # fmt: skip

        sampler.threads.map(work, self._blocks(sampler))
        total: F64 = sums.sum(axis=0)
        return total

    def _blocks(self, sampler: Sampled) -> list[Block]:
        """Return blocks of all users, also where the sampler draws the rows of some alone."""
        return sampler.threads.blocks(sampler.problem.users.counts)

    @staticmethod
    def _edges(thresholds: F64) -> F64:
        return np.concatenate([[-np.inf], thresholds, [np.inf]])

    def expected(self, sampler: Sampled, user_rows: Any, item_rows: Any, eta: F32) -> F32:
        """Return the ratings that this draw expects of pairs of rows with means η, (n,) float32."""
        out, root = np.empty(len(eta), dtype=np.float32), float(np.sqrt(sampler.alpha))
        units = sampler.users.units, sampler.items.units

        def work(start: int, stop: int) -> None:
            expected_ratings(
                start, stop, user_rows, item_rows, eta, *units, root, self.thresholds,
                self.stars.values, out,
            )  # fmt: skip

        sampler.threads.map(work, sampler.threads.blocks(np.ones(len(eta), dtype=np.int64)))
        return out

    def train_rmse(self, sampler: Sampled) -> float:
        """Return the RMSE of the mean expected rating of the draws averaged so far."""
        users = sampler.users
        self._means(sampler, sampler.sweep)
        if self._user_rows is None:
            counts = np.diff(users.indptr)
            self._user_rows = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        drawn = self.expected(sampler, self._user_rows, users.indices, self._eta)
        sampler.averages += (drawn - sampler.averages) / np.float32(sampler.averaged)
        errors = sampler.averages - self.stars.values[self._places]
        return float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))


def free_thresholds(thresholds: F64) -> Mask:
    """Return which thresholds are learnt, (S − 1,): all but two, or one, near the quartiles.

    >>> free_thresholds(np.array([-2.0, -0.8, 0.1, 0.7])).tolist()
    [True, False, True, False]
    """
    order = np.argsort(np.abs(thresholds + 0.6745), kind="stable")
    low = int(order[0])
    rest = np.argsort(np.abs(thresholds - 0.6745), kind="stable")
    free = np.ones(len(thresholds), dtype=bool)
    free[low] = False
    free[[k for k in rest.tolist() if k != low][:1]] = False
    return free


def _strides(thresholds: F64, counts: F64) -> F64:
    """Return the length of each threshold's Metropolis steps for a noise of 1.

    From the information that the shares of its two stars have of a standard normal's threshold.
    """
    density = np.exp(-0.5 * thresholds**2) / np.sqrt(2 * np.pi)
    told = (counts.sum() * density) ** 2 * (1 / counts[:-1] + 1 / counts[1:])
    strides: F64 = _STRIDE / np.sqrt(told)
    return strides
