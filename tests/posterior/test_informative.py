"""What a question is worth: the formulas against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pc
from penchant.posterior import informative as q

WORLD = pc.synthetic(n_users=60, n_items=25, n_ratings=900, factors=2, noise=0.4, seed=2)


@pytest.fixture(scope="module")
def posterior():
    solver = pc.Gibbs(rank=2, sweeps=20, burn_in=8, heads=4)
    return pc.MatrixFactorization(4, solver).fit(WORLD, progress=False).posterior


def random_case(seed, T=3, n=5, D=4):
    random = np.random.default_rng(seed)
    half = random.normal(size=(T, D, D))
    covariance = half @ half.transpose(0, 2, 1) + np.eye(D)
    f = random.normal(size=(T, n, D))
    return covariance, f, random.uniform(0.5, 2, (T, n)), random.uniform(0, 1, n)


@given(st.integers(0, 1000))
def test_a_drop_is_what_an_answer_takes_from_the_variance(seed):
    covariance, f, noise, weights = random_case(seed)
    target = np.einsum("n,tnd,tne->tde", weights, f, f)

    def variance(C):
        return np.einsum("n,tnd,tde,tne->t", weights, f, C, f).mean()

    found = q.drops(covariance, target, f, noise)
    for place in range(f.shape[1]):
        after = q.answered(covariance, f[:, place], noise[:, place])
        assert found[place] == pytest.approx(variance(covariance) - variance(after))


@given(st.integers(0, 1000))
def test_an_answer_adds_its_precision(seed):
    covariance, f, noise, _ = random_case(seed)
    after = q.answered(covariance, f[:, 0], noise[:, 0])
    added = np.einsum("td,te->tde", f[:, 0], f[:, 0]) / noise[:, 0, None, None]
    np.testing.assert_allclose(np.linalg.inv(after), np.linalg.inv(covariance) + added, atol=1e-8)


def test_targets_weigh_items_by_half_as_they_are_rated(posterior):
    counts = np.bincount(WORLD.item_rows, minlength=WORLD.item_ids.size)
    counts[5] = 0
    weights = counts / (2 * counts.sum()) + (counts > 0) / (2 * (counts > 0).sum())
    f = q.with_one(posterior.items.draws)
    brute = np.einsum("n,tnd,tne->tde", weights, f, f)
    np.testing.assert_allclose(q.targets(posterior, q.weights_of(counts)), brute)


def test_the_usual_prior_is_that_of_the_mean_of_users_who_draw_from_the_same_items(posterior):
    """With all users alike it is that of one of them, the number of ratings apart."""
    n, M = 8, 50
    user_counts = np.full(M + 1, n)
    user_counts[0] = 0
    item_counts = np.zeros(WORLD.item_ids.size, int)
    item_counts[1 : n + 1] = M
    rated = np.arange(1, n + 1, dtype=np.int32)
    own = posterior.users.prior_means(rated, None)
    z = posterior.users.count.encode(np.array([n]))[0]
    place = posterior.users.weights.shape[1] - 1 - posterior.users.encoder.width
    own -= z * posterior.users.weights[:, place]
    np.testing.assert_allclose(q.usual_prior(posterior, user_counts, item_counts), own, rtol=1e-5)


def test_the_more_answers_the_more_their_bag_counts(posterior):
    sides = ((WORLD.user_rows, WORLD.user_ids), (WORLD.item_rows, WORLD.item_ids))
    counts = [np.bincount(rows, minlength=ids.size) for rows, ids in sides]
    usual = q.usual_prior(posterior, *counts)
    none = q.asked_prior(posterior, usual, np.zeros(0, np.int32), None)
    np.testing.assert_array_equal(none, usual)
    rated = np.arange(1, 21, dtype=np.int32)
    own = posterior.users.prior_means(rated, None)
    np.testing.assert_allclose(q.asked_prior(posterior, usual, rated, None), (own + usual) / 2)
