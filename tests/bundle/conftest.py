"""A small synthetic bundle with everything in it, by arithmetic: the golden one holds the same."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from penchant import bundle
from penchant.ids import IdMap

M, N, K, T, RATINGS = 8, 6, 3, 2, 20


def numbers(*shape: int, dtype: type = np.float32) -> np.ndarray:
    count = int(np.prod(shape))
    return ((np.arange(count) * 37 % 101 - 50) / 32).astype(dtype).reshape(shape)


def make_sample() -> bundle.Contents:
    users = IdMap.of([11, 7, -3, 2**40, 5, 6, 1], "user")
    items = IdMap.of(["기생충", "Amélie", "B00007L9", "", "63"], "item")
    day = datetime.date
    return bundle.Contents(
        kind="matrix_factorization",
        card={
            "mean": 3.25,
            "scale": [0.5, 5.0],
            "seed": 2021,
            "settings": {"solver": "gibbs", "factors": K, "side_information": True},
            "scores": {"rmse": 0.875, "protocol": "random, 20 % test"},
            "history": {"best": None, "records": [{"sweep": 1, "train_rmse": 1.5}]},
            "title": "영화",
        },
        weights={
            "mean": np.asarray(3.25),
            "user_bias": numbers(M),
            "item_bias": numbers(N),
            "user_factors": numbers(M, K),
            "item_factors": numbers(N, K),
        },
        users=users,
        items=items,
        user_table=pa.table({"age": pa.array([None, 24, 53, 23, 24, 33, 42, 57], pa.int16())}),
        item_table=pa.table(
            {
                "title": pa.array([None, "기생충", "Le fabuleux destin", "x", "", None]),
                "genres": pa.array([None, ["Drama"], ["Drama", "Comedy"], [], None, ["War"]]),
                "country": pa.array([None, "kr", "fr", "us", "us", "kr"]).dictionary_encode(),
                "released": pa.array([None, day(2019, 5, 30), day(2001, 4, 25), None, None, None]),
                "added": pa.array([None, 0, 1, 2, 3, 4], pa.timestamp("s")),
                "colour": pa.array([None, True, True, False, True, False]),
            }
        ),
        ratings=bundle.Columns(
            (np.arange(RATINGS) % (M - 1) + 1).astype(np.int32),
            (np.arange(RATINGS) % (N - 1) + 1).astype(np.int32),
            (np.arange(RATINGS) % 10 * 0.5 + 0.5).astype(np.float32),
            np.arange(RATINGS, dtype=np.int64) * 86_400 + 875_000_000,
        ),
        posterior={
            "item_factors": numbers(T, N, K),
            "precision": numbers(T, K, K, dtype=np.float64),
            "basis": numbers(T, K, K, dtype=np.float16),
            "heads": np.arange(T, dtype=np.int64),
        },
    )


def differences(made: bundle.Bundle, wanted: bundle.Contents) -> list[str]:
    """The names of what differs; ratings and posterior are read for it."""
    found = [n for n in ("kind", "card") if getattr(made, n) != getattr(wanted, n)]
    for name in ("users", "items"):
        if getattr(made, name).array != getattr(wanted, name).array:
            found.append(name)
    for name in ("user_table", "item_table"):
        one, other = getattr(made, name), getattr(wanted, name)
        if (one is None) != (other is None) or (one is not None and not one.equals(other)):
            found.append(name)
    for name in ("weights", "posterior", "ratings"):
        one, other = getattr(made, name), getattr(wanted, name)
        if not same_arrays(one, other):
            found.append(name)
    return found


def same_arrays(one, other) -> bool:
    if one is None or other is None:
        return one is other
    one, other = (a._asdict() if isinstance(a, bundle.Columns) else a for a in (one, other))
    return one.keys() == other.keys() and all(
        (a is None and b is None)
        or (a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b))
        for a, b in ((one[name], other[name]) for name in one)
    )


@pytest.fixture
def sample() -> bundle.Contents:
    return make_sample()


@pytest.fixture
def differ():
    return differences


@pytest.fixture
def saved(tmp_path, sample):
    """The folder of a bundle that holds the sample."""
    bundle.write(tmp_path / "films.penchant", sample)
    return tmp_path / "films.penchant"
