"""The ordered probit's kernels beside their twins, and beside SciPy's distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from penchant.kernels import ordinal
from penchant.kernels.plain import ordinal as ordinal_plain
from penchant.kernels.rng import seed_key


def problem(seed, M=7, N=9, K=8, far=1.0):
    random = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(random.integers(0, 12, M))]).astype(np.int64)
    n = int(indptr[-1])

    def floats(*shape):
        return random.normal(size=shape).astype(np.float32)

    edges = np.concatenate([[-np.inf], np.sort(random.normal(size=4)), [np.inf]])
    return {
        "indptr": indptr,
        "indices": random.integers(0, N, n).astype(np.int32),
        "places": random.integers(0, 5, n).astype(np.uint8),
        "edges": edges,
        "eta": far * floats(n),
        "units": random.uniform(0.7, 1.3, M).astype(np.float32),
        "other_units": random.uniform(0.7, 1.3, N).astype(np.float32),
        "P": floats(M, K), "bu": floats(M), "Q": floats(N, K), "bi": floats(N),
    }  # fmt: skip


def of(made, *names):
    return [made[name] for name in names]


FACTS = ("indptr", "indices", "places", "edges", "eta", "units", "other_units")


def both(name, *arguments, size):
    fast, slow = np.zeros(size, np.float32), np.zeros(size, np.float32)
    getattr(ordinal, name)(*arguments, fast)
    getattr(ordinal_plain, name)(*arguments, slow)
    return fast, slow


def test_quantiles_are_those_of_scipy():
    p = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 999), 10.0 ** -np.arange(1, 290, 3)])
    np.testing.assert_allclose([ordinal.quantile(x) for x in p], ndtri(p), rtol=1e-13, atol=1e-15)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 3.0, 90.0]))
def test_draws_and_means_agree_with_the_twins(seed, far):
    made = problem(seed, far=far)
    n = len(made["eta"])
    key = seed_key(seed)
    fast, slow = both("draw_latents", 0, 7, *of(made, *FACTS), 1.3, 5, 9, key, size=n)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-4)
    a, b = made["edges"][made["places"]], made["edges"][made["places"] + 1]
    assert (fast >= a - 1e-4).all()
    assert (fast <= b + 1e-4).all()
    fast, slow = both("mean_latents", 0, 7, *of(made, *FACTS), 1.3, size=n)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-4)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_likelihoods_means_and_expectations_agree_with_the_twins(seed):
    made = problem(seed)
    n = len(made["eta"])
    moved = np.array([True, True, False, True, False])
    names = ("eta", "units", "other_units")
    facts = of(made, "indptr", "indices", "places"), of(made, "edges", *names)
    fast, slow = np.full((2, 7, 5), 9.0)
    ordinal.log_likelihoods(0, 7, *facts[0], moved, *facts[1], 1.3, fast)
    ordinal_plain.log_likelihoods(0, 7, *facts[0], moved, *facts[1], 1.3, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-8)
    assert not fast[:, ~moved].any()
    rows = of(made, "indptr", "indices", "P", "bu", "Q", "bi")
    fast, slow = both("latent_means", 0, 7, *rows, size=n)
    np.testing.assert_allclose(fast, slow, atol=1e-4)
    users = np.repeat(np.arange(7, dtype=np.int32), np.diff(made["indptr"]))
    values = np.array([1, 2, 3.5, 4, 5], np.float32)
    pairs = (users, made["indices"], *of(made, *names), 1.3, made["edges"][1:-1], values)
    fast, slow = both("expected_ratings", 0, n, *pairs, size=n)
    np.testing.assert_allclose(fast, slow, atol=1e-5)
    random = np.random.default_rng(seed)
    rows = random.normal(size=(3, 7, 8)).astype(np.float32)
    heads = (rows, rows[:, :, 0], random.normal(size=(3, 9, 6)).astype(np.float32))
    fast, slow = both("head_means", 0, 7, *of(made, "indptr", "indices"), *heads, size=n)
    np.testing.assert_allclose(fast, slow, atol=1e-4)


@pytest.mark.parametrize(("a", "b"), [(-np.inf, 0.3), (0.2, 0.9), (1.5, np.inf), (3.0, 3.4)])
def test_draws_are_distributed_as_a_truncated_normal(a, b):
    n = 20_000
    edges = np.array([-np.inf, a, b, np.inf]) if np.isfinite(a) else np.array([-np.inf, b, np.inf])
    place = np.full(n, 1 if np.isfinite(a) else 0, np.uint8)
    edges = edges if np.isfinite(b) else edges[:-1]
    ones = np.ones(n, np.float32)
    out = np.zeros(n, np.float32)
    indptr, indices = np.array([0, n]), np.arange(n, dtype=np.int32)
    ordinal.draw_latents(
        0, 1, indptr, indices, place, edges, np.full(n, 0.5, np.float32), ones[:1], ones, 2.0, 3, 9,
        seed_key(7), out,
    )  # fmt: skip
    wanted = stats.truncnorm(2 * (a - 0.5), 2 * (b - 0.5), loc=0.5, scale=0.5)
    assert stats.kstest(out, wanted.cdf).pvalue > 1e-3


def test_where_nothing_is_probable_a_value_is_at_the_nearer_end():
    edges = np.array([-np.inf, -1.0, 1.0, np.inf])
    eta = np.array([1e4, -1e4], np.float32)
    indptr, indices, ones = np.array([0, 2]), np.arange(2, dtype=np.int32), np.ones(2, np.float32)
    facts = (indptr, indices, np.array([1, 1], np.uint8), edges, eta, ones[:1], ones, 1.0)
    out = np.zeros(2, np.float32)
    ordinal.draw_latents(0, 1, *facts, 0, 9, seed_key(1), out)
    np.testing.assert_allclose(out, [1, -1], atol=1e-2)
    ordinal.mean_latents(0, 1, *facts, out)
    np.testing.assert_allclose(out, [1, -1], atol=1e-2)


def test_a_draw_is_a_pure_function_of_seed_sweep_and_rows():
    made = problem(3, M=6)
    n = len(made["eta"])
    whole, pieces, other = np.zeros((3, n), np.float32)
    for out, blocks, sweep in (
        (whole, [(0, 6)], 1),
        (pieces, [(3, 6), (0, 3)], 1),
        (other, [(0, 6)], 2),
    ):
        for start, stop in blocks:
            ordinal.draw_latents(start, stop, *of(made, *FACTS), 1.0, sweep, 9, seed_key(1), out)
    np.testing.assert_array_equal(whole, pieces)
    assert (whole != other).mean() > 0.9
