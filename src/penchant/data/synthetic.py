"""Synthetic ratings whose truth is known: a dot-and-bias model with noise, skewed as life is."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penchant.arrays import F32, F64, Rows
from penchant.errors import SettingsError
from penchant.ids import IdMap
from penchant.ratings import Ratings, Scale
from penchant.settings import require, require_count, require_number

_USER_SPREAD, _ITEM_SPREAD, _DOT_SPREAD = 0.4, 0.5, 0.55  # of a scale that is 4 wide, as MovieLens'
_SHARE = 0.5  # how much of the factors' variance the side tables explain
_OCCUPATIONS = ("artist", "doctor", "engineer", "farmer", "lawyer", "retired", "student", "teacher")
_GENRES = ("Action", "Comedy", "Crime", "Drama", "Fantasy", "Horror", "Romance", "Western")
_CELLS = 20_000_000  # up to so many pairs, each gets a key of its own
_DAY = 86_400
_START = 1_577_836_800  # 2020-01-01


class Truth(NamedTuple):
    """What synthetic ratings were made of: ``mean + b_u + b_i + p_u · q_i``, by row.

    `user_bias` (M,), `item_bias` (N,), `user_factors` (M, K) and `item_factors` (N, K) are
    float32; row 0, the stranger's, is zero.
    """

    mean: float
    user_bias: F32
    item_bias: F32
    user_factors: F32
    item_factors: F32

    def expected(self, user_rows: Rows, item_rows: Rows) -> F32:
        """Return the rating of each pair before noise, rounding and clipping, (n,) float32."""
        dots = np.einsum("nk,nk->n", self.user_factors[user_rows], self.item_factors[item_rows])
        biases = self.user_bias[user_rows] + self.item_bias[item_rows]
        expected: F32 = (dots + biases + np.float32(self.mean)).astype(np.float32)
        return expected


def synthetic(
    n_users: int = 500,
    n_items: int = 300,
    n_ratings: int = 20_000,
    factors: int = 8,
    noise: float = 0.8,
    *,
    seed: int = 0,
    scale: Scale | tuple[float, float] = (1, 5),
    step: float | None = 1.0,
) -> Ratings:
    """Draw ratings from a dot-and-bias model that `synthetic_truth` returns.

    A few items have most of the ratings and a few users give most of them; no pair stands twice;
    rows are in the order of time. Ids are 1, 2, 3 …, and id j has row j; one that drew no rating
    is known, but cold. Side tables: age and occupation of users, title and genres of items; half
    of the variance of the factors follows from them.

    Args:
        n_users: how many users there are.
        n_items: how many items.
        n_ratings: how many ratings, at most n_users × n_items.
        factors: the width K of the true embeddings; 0 for biases alone.
        noise: the standard deviation of a rating around its expectation, in rating units.
        seed: what all is drawn from.
        scale: the lowest and highest rating.
        step: what ratings are rounded to, counted from the low end; None for no rounding.

    Raises:
        SettingsError: an argument makes no sense.

    >>> ratings = synthetic(n_users=30, n_items=20, n_ratings=300, factors=2, noise=0.5, seed=0)
    >>> len(ratings), ratings.user_table.num_rows, ratings.item_table["title"][1].as_py()
    (300, 31, 'Film 1')
    """
    bounds = _checked(n_users, n_items, n_ratings, factors, noise, seed, scale, step)
    made = _world(n_users, n_items, factors, seed, bounds)
    rng = np.random.default_rng([seed, 1])
    user_rows, item_rows = _pairs(rng, n_users, n_items, n_ratings)
    order, stamps = _times(rng, user_rows, n_users)
    user_rows, item_rows = user_rows[order], item_rows[order]
    values = made.truth.expected(user_rows, item_rows)
    values += np.float32(noise) * rng.standard_normal(n_ratings, dtype=np.float32)
    if step is not None:
        values = np.float32(bounds.low) + np.round((values - bounds.low) / step) * np.float32(step)
    return Ratings(
        user_rows,
        item_rows,
        bounds.clip(values).astype(np.float32),
        IdMap.of(np.arange(1, n_users + 1), "user"),
        IdMap.of(np.arange(1, n_items + 1), "item"),
        bounds,
        stamps,
        made.users,
        made.items,
        name="synthetic",
    )


def synthetic_truth(
    n_users: int = 500,
    n_items: int = 300,
    n_ratings: int = 20_000,
    factors: int = 8,
    noise: float = 0.8,
    *,
    seed: int = 0,
    scale: Scale | tuple[float, float] = (1, 5),
    step: float | None = 1.0,
) -> Truth:
    """Return what `synthetic`, called with the same arguments, makes its ratings of.

    >>> ratings, truth = synthetic(noise=0.0, step=None), synthetic_truth(noise=0.0, step=None)
    >>> expected = truth.expected(ratings.user_rows, ratings.item_rows)
    >>> bool(np.allclose(ratings.scale.clip(expected), ratings.values))
    True
    """
    bounds = _checked(n_users, n_items, n_ratings, factors, noise, seed, scale, step)
    return _world(n_users, n_items, factors, seed, bounds).truth


@dataclasses.dataclass(frozen=True)
class _World:
    truth: Truth
    users: pa.Table
    items: pa.Table


def _checked(
    n_users: int,
    n_items: int,
    n_ratings: int,
    factors: int,
    noise: float,
    seed: int,
    scale: Scale | tuple[float, float],
    step: float | None,
) -> Scale:
    for name, count in (("n_users", n_users), ("n_items", n_items), ("n_ratings", n_ratings)):
        require_count(name, count)
    require_count("factors", factors, 0)
    require_count("seed", seed, 0)
    require_number("noise", noise, 0)
    bounds = Scale.of(scale)
    require(bounds.low < bounds.high, f"scale must be wider than a point, not {bounds}.")
    if step is not None:
        require_number("step", step, 0, bounds.high - bounds.low, open_low=True)
    if n_ratings > n_users * n_items:
        raise SettingsError(
            f"n_ratings can be at most n_users × n_items, {n_users * n_items:,}; "
            f"received {n_ratings:,}."
        )
    return bounds


def _world(n_users: int, n_items: int, factors: int, seed: int, scale: Scale) -> _World:
    rng = np.random.default_rng([seed, 0])
    unit = (scale.high - scale.low) / 4
    users, user_codes = _users(rng, n_users)
    items, item_codes = _items(rng, n_items)
    spread = np.sqrt(_DOT_SPREAD * unit / np.sqrt(max(factors, 1)))
    truth = Truth(
        mean=scale.low + 0.63 * (scale.high - scale.low),
        user_bias=_rows(rng.normal(0, _USER_SPREAD * unit, n_users)),
        item_bias=_rows(rng.normal(0, _ITEM_SPREAD * unit, n_items)),
        user_factors=_rows(spread * _explained(rng, user_codes, factors)),
        item_factors=_rows(spread * _explained(rng, item_codes, factors)),
    )
    return _World(truth, users, items)


def _rows(values: F64) -> F32:
    """Put row 0, the stranger's, before the others."""
    return np.concatenate([np.zeros_like(values[:1]), values]).astype(np.float32)


def _explained(rng: np.random.Generator, codes: F64, factors: int) -> F64:
    """Return (n, K) of unit variance, the known share of it linear in the side columns' codes."""
    known = codes @ rng.standard_normal((codes.shape[1], factors))
    known /= np.maximum(known.std(axis=0), 1e-9)
    own = rng.standard_normal((len(codes), factors))
    mixed: F64 = np.sqrt(_SHARE) * known + np.sqrt(1 - _SHARE) * own
    return mixed


def _users(rng: np.random.Generator, n: int) -> tuple[pa.Table, F64]:
    age = np.clip(np.round(rng.normal(36, 13, n)), 8, 90).astype(np.int64)
    occupation = rng.integers(len(_OCCUPATIONS), size=n)
    codes = np.column_stack([(age - 36) / 13, 2.0 * np.eye(len(_OCCUPATIONS))[occupation]])
    names = pa.array(_OCCUPATIONS).take(pa.array(occupation))
    table = pa.table({"age": _column(pa.array(age)), "occupation": _column(names)})
    return table, codes


def _items(rng: np.random.Generator, n: int) -> tuple[pa.Table, F64]:
    """Titles, and one to three genres each."""
    ranks = rng.random((n, len(_GENRES))).argsort(axis=1).argsort(axis=1)
    flags = ranks < rng.integers(1, 4, n)[:, None]
    names = pa.array(_GENRES).take(pa.array(np.nonzero(flags)[1]))
    ends = np.append(0, flags.sum(axis=1).cumsum()).astype(np.int32)
    titles = pa.array(np.char.add("Film ", np.arange(1, n + 1).astype(str)))
    genres = pa.ListArray.from_arrays(pa.array(ends), names)
    return pa.table({"title": _column(titles), "genres": _column(genres)}), flags.astype(float)


def _column(values: pa.Array) -> pa.Array:
    """Put an empty entry, the stranger's, before the others."""
    return pa.concat_arrays([pa.nulls(1, values.type), values])


def _pairs(
    rng: np.random.Generator, n_users: int, n_items: int, n_ratings: int
) -> tuple[Rows, Rows]:
    """Draw distinct pairs, without replacement, in proportion to activity × popularity."""
    activity = rng.lognormal(0, 1, n_users)
    popularity = 1 / (rng.permutation(n_items) + 1 + 0.02 * n_items)  # Zipf's and Mandelbrot's
    if n_users * n_items <= _CELLS:  # the largest of keys log w + Gumbel noise: exact
        keys = rng.gumbel(size=n_users * n_items)
        keys += np.add.outer(np.log(activity), np.log(popularity)).ravel()
        cells = np.argpartition(keys, len(keys) - n_ratings)[len(keys) - n_ratings :]
    else:
        cells = _sparse_cells(rng, activity, popularity, n_ratings)
    users, items = np.divmod(cells, n_items)
    return (users + 1).astype(np.int32), (items + 1).astype(np.int32)


def _sparse_cells(rng: np.random.Generator, activity: Any, popularity: Any, n_ratings: int) -> Any:
    """Draw with replacement and drop repeats until there are enough; later rounds are flatter."""
    n_items = len(popularity)
    cells = np.zeros(0, dtype=np.int64)
    flatness = 1.0
    while len(cells) < n_ratings:
        count = int(1.1 * (n_ratings - len(cells))) + 1000
        users = _draw(rng, activity**flatness, count)
        items = _draw(rng, popularity**flatness, count)
        cells = np.unique(np.concatenate([cells, users * n_items + items]))
        flatness *= 0.8  # so that a nearly full table comes to an end
    return rng.permutation(cells)[:n_ratings]


def _draw(rng: np.random.Generator, weights: Any, count: int) -> npt.NDArray[np.int64]:
    ends = np.cumsum(weights)
    drawn: npt.NDArray[np.int64] = np.searchsorted(ends, rng.random(count) * ends[-1], "right")
    return drawn


def _times(
    rng: np.random.Generator, user_rows: Rows, n_users: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return an order by time and the times in it: each user arrives one day and stays a while."""
    arrival = rng.uniform(0, 700 * _DAY, n_users + 1)
    moments = _START + arrival[user_rows] + rng.exponential(10 * _DAY, len(user_rows))
    stamps = moments.astype(np.int64)
    order = np.argsort(stamps, kind="stable")
    return order, stamps[order]
