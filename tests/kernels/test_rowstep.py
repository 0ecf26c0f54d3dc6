from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.kernels import rowstep
from penchant.kernels.byte_values import parts_of
from penchant.kernels.jit import kernel
from penchant.kernels.plain import solves
from penchant.kernels.rng import seed_key
from penchant.kernels.simd import gram


def problem(seed, M, N, k, *, longest=30):
    """Draw a whole half sweep: the arguments of `solve_rows` from `indptr` to `priors`."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, longest + 1, M)
    counts[random.integers(0, M)] = 0
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    n = int(indptr[-1])
    K = -(-k // 8) * 8
    factors = np.zeros((N, K), np.float32)
    units = random.uniform(0.5, 1.5, N).astype(np.float32)
    factors[:, :k] = random.normal(size=(N, k)) * units[:, None]
    C = random.normal(size=(k + 1, k + 1))

    def floats(*shape):
        return random.normal(size=shape).astype(np.float32)

    return (
        indptr,
        random.integers(0, N, n).astype(np.int32),
        floats(n),
        factors,
        floats(N),
        units,
        random.uniform(0.5, 3, M).astype(np.float32),
        (C @ C.T + np.eye(k + 1)).astype(np.float32),
        random.uniform(0.5, 3, M).astype(np.float32),
        floats(M, k + 1),
    )


def run(solve, arguments, noise, blocks, seed=0):
    M, K = len(arguments[0]) - 1, arguments[3].shape[1]
    factors, bias = np.zeros((M, K), np.float32), np.zeros(M, np.float32)
    for start, stop in blocks:
        solve(start, stop, *arguments, noise, 5, 1, seed_key(seed), factors, bias)
    return np.column_stack([factors, bias])


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 40), st.booleans())
def test_kernel_and_twin_agree(seed, M, k, noise):
    arguments = problem(seed, M, 12, k)
    fast = run(rowstep.solve_rows, arguments, noise, [(0, M)])
    slow = run(solves.solve_rows, arguments, noise, [(0, M)])
    np.testing.assert_allclose(fast, slow, atol=2e-3, rtol=2e-3)


@settings(max_examples=25)
@given(
    st.integers(0, 10**6), st.lists(st.integers(0, 40), max_size=4), st.sampled_from([3, 16, 40])
)
def test_blocks_change_no_bit(seed, cuts, k):
    arguments = problem(seed, 40, 12, k)
    edges = [0, *sorted(cuts), 40]
    blocks = [(a, b) for a, b in pairwise(edges) if a < b]
    whole = run(rowstep.solve_rows, arguments, True, [(0, 40)])
    np.testing.assert_array_equal(whole, run(rowstep.solve_rows, arguments, True, blocks[::-1]))


def test_a_row_without_ratings_is_its_prior():
    arguments = problem(3, 5, 4, 6, longest=0)
    got = run(rowstep.solve_rows, arguments, False, [(0, 5)])
    np.testing.assert_allclose(got[:, [*range(6), -1]], arguments[-1], atol=1e-4)


@pytest.mark.parametrize(("k", "n"), [(3, 7), (34, 3), (34, 8), (34, 9), (34, 0)])
def test_draws_have_the_mean_and_the_covariance_of_the_posterior(k, n):
    _, _, _, factors, biases, units, alphas, precision, scales, priors = problem(1, 1, 12, k)
    M, random = 20_000, np.random.default_rng(0)
    row = random.permutation(12)[:n]
    values = random.normal(size=n).astype(np.float32)
    arguments = (
        np.arange(0, n * (M + 1), n).astype(np.int64) if n else np.zeros(M + 1, np.int64),
        np.tile(row.astype(np.int32), M), np.tile(values, M), factors, biases, units,
        np.repeat(alphas, M), precision, np.repeat(scales, M), np.repeat(priors, M, 0),
    )  # fmt: skip
    own = [*range(k), -1]
    draws = run(rowstep.solve_rows, arguments, True, [(0, M)])[:, own].astype(float)
    f = np.column_stack([factors[row, :k], units[row]]).astype(float)
    e = (units[row] * (values - biases[row])).astype(float)
    A = scales[0] * precision.astype(float) + alphas[0] * f.T @ f
    b = scales[0] * precision.astype(float) @ priors[0] + alphas[0] * f.T @ e
    root = np.linalg.cholesky(A)
    z = (draws - np.linalg.solve(A, b)) @ root  # standard normal, if mean and covariance are right
    assert np.abs(z.mean(0)).max() < 5 / np.sqrt(M)
    assert np.abs(np.cov(z.T) - np.eye(k + 1)).max() < 7 / np.sqrt(M)


def test_long_rows_keep_their_precision():
    random = np.random.default_rng(0)
    n = 100_000
    factors = (random.normal(size=(50, 8)) + 1).astype(np.float32)
    indices = random.integers(0, 50, n).astype(np.int32)
    G, s, h, errors = np.empty(64, np.float32), *np.empty((2, 8), np.float32), np.empty(1024, "f4")
    u, b = np.ones(50, np.float32), np.zeros(50, np.float32)
    values = parts_of(np.ones(n, np.float32))
    row = (*values, factors.reshape(-1), 8, b, u, indices, 0, n, errors)
    uu, ue = gram.row_moments(*row, 0, G, s, h)
    q = factors[indices].astype(float)
    np.testing.assert_allclose(np.triu(G.reshape(8, 8)), np.triu(q.T @ q), rtol=2e-5, atol=0.5)
    assert uu == ue == n
    np.testing.assert_allclose([s, h], [q.sum(0)] * 2, rtol=2e-5)


@kernel
def add_sums(factors, K, units, errors, indices, lo, hi, wide, G, s, h):
    gram.add_sums(factors, K, units, errors, indices, lo, hi, wide, G, 0, s, h, 0)


@pytest.mark.parametrize("K", [8, 16, 24, 32, 40, 48])
def test_the_tiles_change_no_bit_and_leave_nothing_out(K):
    random = np.random.default_rng(K)
    factors = random.normal(size=(9, K)).astype(np.float32)
    units, errors = random.normal(size=(2, 20)).astype(np.float32)
    indices = random.integers(0, 9, 20).astype(np.int32)
    sums = []
    for wide in (False, True):
        G, s, h = np.zeros(K * K, np.float32), *np.zeros((2, K), np.float32)
        add_sums(factors.reshape(-1), K, units, errors, indices, 3, 17, wide, G, s, h)
        sums.append((np.triu(G.reshape(K, K)), s, h))
    for narrow, wide in zip(*sums, strict=True):
        np.testing.assert_array_equal(narrow, wide)
    j = indices[3:17]
    q = factors[j].astype(float)
    np.testing.assert_allclose(sums[0][0], np.triu(q.T @ q), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(sums[0][1], units[j] @ q, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(sums[0][2], errors[:14] @ q, rtol=1e-4, atol=1e-5)
