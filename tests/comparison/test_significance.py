"""Intervals and tests: by hand, against SciPy, and by what they promise in the long run."""

import itertools

import numpy as np
import pytest
from scipy import stats

from penchant.comparison import significance
from penchant.comparison.significance import bootstrap, holm, sign_flips


def test_the_bootstrap_is_scipys():
    rng = np.random.default_rng(0)
    above, below = rng.gamma(2, size=60), rng.integers(1, 9, size=60).astype(float)
    ours = bootstrap(above[:, None], below[:, None], 4000, seed=3)[:, 0]
    theirs = stats.bootstrap(
        (above, below),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        n_resamples=4000,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(1),
    )
    low, high = np.quantile(ours, [0.025, 0.975])
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.06 * width)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.06 * width)
    assert ours.std() == pytest.approx(theirs.standard_error, rel=0.05)


def test_columns_see_the_same_draws():
    rng = np.random.default_rng(0)
    one = rng.gamma(2, size=(50, 1))
    draws = bootstrap(np.hstack([one, one + 1]), np.ones((50, 2)), 200, seed=0)
    np.testing.assert_allclose(draws[:, 1] - draws[:, 0], 1)


def test_the_interval_covers_what_users_that_agree_with_themselves_would_give():
    """Rows of one user share an effect: intervals of independent rows would be too narrow."""
    rng = np.random.default_rng(7)
    held = 0
    for trial in range(200):
        counts = rng.integers(1, 30, size=80)
        squares = rng.gamma(1, size=80) * counts  # expectation 1 a row, alike within a user
        draws = bootstrap(squares[:, None], counts[:, None].astype(float), 400, seed=trial)
        low, high = np.quantile(draws, [0.025, 0.975])
        held += low <= 1 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_draws_without_anything_below_the_line_are_nan():
    draws = bootstrap(np.array([[1.0], [0.0]]), np.array([[1.0], [0.0]]), 200, seed=0)
    assert np.isnan(draws).any()
    assert (draws[~np.isnan(draws)] == 1).all()


def test_sign_flips_find_the_exact_p():
    apart = np.array([3.0, -1.0, 2.0, 4.0, 0.5, 1.5])
    sums = [np.dot(signs, apart) for signs in itertools.product([-1, 1], repeat=6)]
    exact = np.mean(np.abs(sums) >= abs(apart.sum()))
    assert sign_flips(apart[:, None], 40_000, seed=1)[0] == pytest.approx(exact, abs=0.006)


def test_sign_flips_agree_with_scipys_permutation_test():
    apart = np.random.default_rng(2).normal(0.2, 1, size=80)
    theirs = stats.permutation_test(
        (apart,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        n_resamples=9999,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    assert sign_flips(apart[:, None], 9999, seed=0)[0] == pytest.approx(theirs.pvalue, abs=0.015)


def test_sign_flips_hold_their_level_also_for_heavy_tails_and_few_users():
    rng = np.random.default_rng(4)
    apart = rng.standard_t(2, size=(12, 1000))  # a thousand experiments in which nothing differs
    p = sign_flips(apart, 399, seed=0)
    for level in (0.05, 0.2):
        assert abs((p <= level).mean() - level) < 0.025


def test_p_is_one_where_nothing_differs_and_never_zero():
    p = sign_flips(np.column_stack([np.zeros(100), np.ones(100)]), 99, seed=0)
    assert p.tolist() == [1.0, 0.01]


@pytest.mark.parametrize("cells", [1, 150])
def test_many_users_are_drawn_in_parts(monkeypatch, cells):
    rng = np.random.default_rng(0)
    above, apart = rng.gamma(2, size=(40, 2)), rng.normal(0.15, 1, size=(40, 2))
    whole = bootstrap(above, np.ones((40, 2)), 30, seed=5), sign_flips(apart, 3000, seed=5)
    monkeypatch.setattr(significance, "_CELLS", cells)
    parts = bootstrap(above, np.ones((40, 2)), 30, seed=5), sign_flips(apart, 3000, seed=5)
    np.testing.assert_allclose(parts[0], whole[0])
    np.testing.assert_allclose(parts[1], whole[1], atol=0.04)


def test_the_seed_decides():
    above = np.random.default_rng(0).gamma(2, size=(40, 1))
    one, same, other = (bootstrap(above, np.ones((40, 1)), 50, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert sign_flips(above - 2, 99, 1) == sign_flips(above - 2, 99, 1)


def test_holm_by_hand():
    p = np.array([0.04, 0.001, 0.03, 0.9, 0.04])
    np.testing.assert_allclose(holm(p), [0.12, 0.005, 0.12, 0.9, 0.12])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert holm(np.zeros(0)).shape == (0,)


def test_holm_rejects_what_the_step_down_rule_rejects():
    rng = np.random.default_rng(1)
    for _ in range(50):
        p = rng.beta(0.3, 1, size=7)
        order, rejected = np.argsort(p), set()
        for step, place in enumerate(order):
            if p[place] >= 0.05 / (len(p) - step):
                break
            rejected.add(int(place))
        assert set(np.flatnonzero(holm(p) < 0.05).tolist()) == rejected
