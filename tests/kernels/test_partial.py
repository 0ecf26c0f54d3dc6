"""Sums of a row's ratings in parts: the same bits from any parts, and the row step's answer."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.kernels.aligned import aligned_zeros
from penchant.kernels.partial import (
    add_bags,
    add_rounded,
    add_squares,
    add_to,
    is_exact,
    item_sums,
    limit_of,
    rounder_of,
    size_of,
    solve_sums,
)
from penchant.kernels.rng import fill_normals, seed_key
from penchant.kernels.rowstep import solve_rows

k, K, USERS, ITEMS, SHIFT = 5, 8, 70, 13, 3


def ratings(seed):
    """A column of ratings by item, users rising within an item; and the users' rows."""
    random = np.random.default_rng(seed)
    rated = random.random((ITEMS, USERS)) < random.choice([0.02, 0.3, 0.9], (ITEMS, 1))
    _, users = np.nonzero(rated)
    starts = np.concatenate([[0], np.cumsum(rated.sum(axis=1))]).astype(np.int64)
    values = random.normal(size=len(users)).astype(np.float32)
    factors = aligned_zeros(USERS, K)
    factors[:, :k] = random.normal(size=(USERS, k)) * 10.0 ** random.integers(-5, 1, (USERS, 1))
    biases, units = random.normal(size=(2, USERS)).astype(np.float32)
    return starts, users.astype(np.int32), values, factors, biases, np.abs(units) + 0.5


def sums_of(starts, users, values, factors, biases, units, first=0, last=USERS):
    """The sums of all items over the users from first on."""
    kept = (users >= first) & (users < last)
    counts = np.add.reduceat(np.append(kept, False), starts[:-1]) * (np.diff(starts) > 0)
    part = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    sums = np.zeros((ITEMS, size_of(k)))
    item_sums(
        np.arange(ITEMS), part, users[kept] - np.int32(first), values[kept],
        np.arange(first, last), SHIFT, factors[first:last].copy(), k, biases[first:last],
        units[first:last], rounder_of(USERS), sums,
    )  # fmt: skip
    return sums


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 8), max_size=4))
def test_the_sums_of_whole_segments_add_up_to_the_same_bits(seed, cuts):
    table = ratings(seed)
    edges = sorted({0, *(cut << SHIFT for cut in cuts), USERS})
    parts = [sums_of(*table, a, b) for a, b in pairwise(edges)]
    whole = sums_of(*table)
    np.testing.assert_array_equal(sum(parts), whole)
    np.testing.assert_array_equal(sum(reversed(parts)), whole)


@pytest.mark.parametrize("noise", [False, True])
def test_rows_from_sums_are_those_of_the_row_step(noise):
    starts, users, values, factors, biases, units = table = ratings(3)
    random = np.random.default_rng(4)
    precision = np.cov(random.normal(size=(k + 1, 30))).astype(np.float32) + 3 * np.eye(
        k + 1, dtype=np.float32
    )
    priors = random.normal(size=(ITEMS, k + 1)).astype(np.float32)
    alphas, scales = (random.random((2, ITEMS)) + 0.5).astype(np.float32)
    made = np.zeros((2, ITEMS, K), np.float32), np.zeros((2, ITEMS), np.float32)
    key = seed_key(9)
    more = (priors, noise, 4, 1, key)
    solve_sums(sums_of(*table), K, alphas, precision, scales, *more, 0, *at(made, 0))
    solve_rows(
        0, ITEMS, starts, users, values, factors, biases, units, alphas, precision,
        scales, *more, *at(made, 1),
    )  # fmt: skip
    np.testing.assert_allclose(made[0][0], made[0][1], atol=1e-5)
    np.testing.assert_allclose(made[1][0], made[1][1], atol=1e-5)


def at(made, n):
    return made[0][n], made[1][n]


def test_rows_have_the_noise_of_their_names():
    """Rows solved apart, each by the name of its first, are those that are solved together."""
    starts, users, values, factors, biases, units = table = ratings(5)
    sums, key = sums_of(*table), seed_key(1)
    priors, alphas = np.zeros((ITEMS, k + 1), np.float32), np.ones(ITEMS, np.float32)
    precision, ones = np.eye(k + 1, dtype=np.float32), np.ones(ITEMS, np.float32)

    def of_sums(a, b):
        out = np.zeros((b - a, K), np.float32), np.zeros(b - a, np.float32)
        more = (True, 2, 1, key, a)
        own = (alphas[a:b], precision, ones[a:b], priors[a:b])
        solve_sums(sums[a:b].copy(), K, *own, *more, *out)
        return np.column_stack(out)

    def of_rows(a, b):
        out = np.zeros((b - a, K), np.float32), np.zeros(b - a, np.float32)
        solve_rows(
            0, b - a, starts[a : b + 1], users, values, factors, biases, units, alphas[a:b],
            precision, ones[a:b], priors[a:b], True, 2, 1, key, *out, a,
        )  # fmt: skip
        return np.column_stack(out)

    def normals(a, b):
        out = np.empty((b - a, 6), np.float32)
        fill_normals(0, b - a, 3, 1, key, out, a)
        return out

    for solved in (of_sums, of_rows, normals):
        apart = np.vstack([solved(0, 3), solved(3, 11), solved(11, ITEMS)])
        np.testing.assert_array_equal(apart, solved(0, ITEMS))


def test_rounding_is_to_a_grid_and_small():
    parts = np.random.default_rng(0).normal(size=100)
    before, sums = parts.copy(), np.zeros(100)
    c = rounder_of(1000)
    add_rounded(parts, c, sums)
    assert not parts.any()
    grid = 2.0 ** -(52 - 6 - 10)
    np.testing.assert_array_equal(sums / grid, np.round(sums / grid))
    assert 0 < np.abs(sums - before).max() <= grid / 2
    assert limit_of(1000) == pytest.approx(1024 * 2**6 / 2)


def test_parts_are_added_to_their_rows_and_looked_at():
    sums = np.zeros((4, 3))
    add_to(np.array([2, 0], np.int32), np.array([[1.0, 2, 3], [4, 5, 6]]), sums)
    assert sums.tolist() == [[4, 5, 6], [0, 0, 0], [1, 2, 3], [0, 0, 0]]
    assert is_exact(sums, 6.5)
    assert not is_exact(sums, 6.0)
    sums[1, 1] = np.nan
    assert not is_exact(sums, 100.0)


def test_bags_and_squares_are_sums_over_the_ratings():
    random = np.random.default_rng(1)
    indptr, indices = np.array([0, 2, 2, 5]), np.array([1, 3, 0, 1, 3], np.int32)
    rows, weights = random.normal(size=(3, 4)).astype(np.float32), np.array([1, 2, 3], np.float32)
    errors = random.normal(size=5).astype(np.float32)
    bags, squares = np.zeros((5, 4), np.float32), np.zeros(5)
    add_bags(0, 3, indptr, indices, weights, rows, bags)
    add_squares(0, 3, indptr, indices, errors, weights, squares)
    who = [0, 0, 2, 2, 2]
    expected, wanted = np.zeros((5, 4)), np.zeros(5)
    for t, (u, i) in enumerate(zip(who, indices, strict=True)):
        expected[i] += weights[u] * rows[u]
        wanted[i] += weights[u] * float(errors[t]) ** 2
    np.testing.assert_allclose(bags, expected, rtol=1e-5)
    np.testing.assert_allclose(squares, wanted, rtol=1e-6)
