import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from penchant.errors import DataError
from penchant.features import CountScale, Noise, SideEncoder
from penchant.features.side_columns import ColumnCode
from penchant.posterior import DayEffects, Posterior, Side, shares, variances
from penchant.posterior.bulk_variance import pair_variances
from penchant.posterior.resize import with_cold_items
from penchant.posterior.rows import user_tables
from penchant.threads import Threads

M, N, K, k, T = 7, 9, 5, 3, 4
D = k + 1
ENCODER = SideEncoder((ColumnCode("sex", "category", ("f", "m")),))


def posterior(seed=0, *, draws=True, weights=True):
    """A posterior of random numbers: heads that fit no data, but the formulas all the same."""
    random = np.random.default_rng(seed)

    def floats(*shape):
        return random.normal(size=shape).astype(np.float32)

    def side(rows, others, encoder, kept=True):
        C = floats(T, D, D)
        precision = (C @ C.transpose(0, 2, 1) + 2 * np.eye(D)).astype(np.float32)
        F = others + 1 + encoder.width if weights else 0
        return Side(
            floats(T, rows if kept else 0, D), floats(T, D), precision, floats(T, F, D),
            CountScale(1.0, 0.7), encoder,
        )  # fmt: skip

    positive = np.exp(floats(N + M + 1))
    return Posterior(
        3.5,
        np.exp(floats(T)),
        floats(T, K, k),
        side(M, N, ENCODER, draws),
        side(N, M, SideEncoder()),
        Noise(1.3, floats(M), floats(N), positive[:M], positive[M : M + N]),
    )


def user(seed=0, n=5):
    random = np.random.default_rng(seed)
    return random.permutation(N)[:n].astype(np.int32), random.integers(1, 6, n).astype(float)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("n", [0, 5])
def test_a_row_by_the_formula(n, weights):
    p = posterior(weights=weights)
    rated, values = user(n=n)
    side = ENCODER.row({"sex": "m"})
    solved = p.row(rated, values, side)
    w = p.noise.of_user(rated, values - p.mean)
    factors, bias = np.zeros(K), 0.0
    for s in range(T):
        q = p.items.draws[s, rated].astype(float)
        f, e = np.column_stack([q[:, :k], np.ones(n)]), values - p.mean - q[:, k]
        a = p.alpha[s] * w * p.noise.item_weights[rated]
        x = np.zeros(N + 3)
        if n:
            x[rated] = n**-0.5
            x[N] = 0.25 * (np.log1p(n) - 1.0) / 0.7
        x[N + 1 :] = side
        m = p.users.mean[s] + (p.users.weights[s].T @ x if weights else 0)
        A = p.users.precision[s] + f.T @ (a[:, None] * f)
        row = np.linalg.solve(A, p.users.precision[s] @ m + f.T @ (a * e))
        factors += p.maps[s] @ row[:k] / T
        bias += row[k] / T
    np.testing.assert_allclose(solved.factors, factors, rtol=1e-4, atol=1e-5)
    assert solved.bias == pytest.approx(bias, rel=1e-4)


def test_all_rows_at_once_are_the_rows_one_by_one():
    p = posterior()
    random = np.random.default_rng(1)
    counts = np.array([0, 0, 1, 2, 9, 5, 3])  # the stranger, and a cold user
    columns = np.concatenate([np.sort(random.permutation(N)[:n]) for n in counts])
    values = random.integers(1, 6, counts.sum()).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    rows = np.repeat(np.arange(M), counts)
    noise = Noise.learn(rows, columns, values - np.float32(p.mean), M, N)
    p = dataclasses.replace(p, noise=noise)
    ratings = sp.csr_matrix((values - np.float32(p.mean), columns, indptr), shape=(M, N))
    side = np.stack([ENCODER.row({"sex": sex}) for sex in [None, "f", "m", None, "f", "m", "f"]])
    with Threads(2) as threads:
        P, b = user_tables(p, ratings, side, threads)
    for u in range(M):
        own = slice(indptr[u], indptr[u + 1])
        solved = p.row(columns[own], values[own], side[u])
        np.testing.assert_allclose(P[u], solved.factors, rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(b[u], solved.bias, rtol=2e-3, atol=2e-4)
    few = [4, 1, 6]
    P_few, b_few = user_tables(p, ratings[few], side[few])
    np.testing.assert_array_equal(P_few, P[few])  # to the bit, in whatever company
    np.testing.assert_array_equal(b_few, b[few])


@given(st.integers(0, 1000), st.integers(0, N), st.booleans())
def test_the_shares_sum_to_the_prediction(seed, n, weights):
    p = posterior(seed % 5, weights=weights)
    rated, values = user(seed, n)
    solved = p.row(rated, values, ENCODER.row({"sex": "f"}))
    q = np.random.default_rng(seed).normal(size=K).astype(np.float32)
    terms = shares(p, solved, q, 0.25)
    prediction = p.mean + 0.25 + solved.bias + float(solved.factors.astype(float) @ q)
    assert terms.total == pytest.approx(prediction, abs=1e-5 * max(1, abs(prediction)))
    assert terms.severity == solved.bias
    assert len(terms.ratings) == len(terms.rated) == n


def test_a_share_is_the_part_of_its_rating_in_the_regression_of_the_factors():
    p = posterior()
    rated, values = user()
    solved = p.row(rated, values)
    q, expected = np.ones(K, np.float32), np.zeros(len(rated))
    for s in range(T):
        f = p.items.draws[s, rated].astype(float)
        a = solved.noise[s] * p.noise.item_weights[rated]
        A = p.users.precision[s][:k, :k] + f[:, :k].T @ (a[:, None] * f[:, :k])
        left_over = values - p.mean - f[:, k] - solved.rows[s, k]
        g = np.linalg.solve(A, p.maps[s].T.astype(float) @ q)
        expected += a * (f[:, :k] @ g) * left_over / T
    np.testing.assert_allclose(shares(p, solved, q, 0.0).ratings, expected, rtol=1e-5)


def test_a_slope_is_what_a_rating_changes():
    p = posterior()
    p = dataclasses.replace(p, noise=dataclasses.replace(p.noise, variance=0.0))  # weights fixed
    rated, values = user()
    q = np.ones(K, np.float32)

    def predict(values):
        solved = p.row(rated, values)
        return float(solved.factors.astype(float) @ q) + solved.bias

    slopes = shares(p, p.row(rated, values), q, 0.0).slopes
    for j in range(len(rated)):
        changed = values.copy()
        changed[j] += 1
        assert predict(changed) - predict(values) == pytest.approx(slopes[j], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("n", [0, 5])
def test_the_variance_is_that_of_draws(n):
    p = posterior()
    rated, values = user(n=n)
    solved = p.row(rated, values, ENCODER.row({"sex": "f"}))
    random, found = np.random.default_rng(0), {0: [], 8: []}
    for s in range(T):
        rows = random.multivariate_normal(
            solved.rows[s], np.linalg.inv(solved.precision[s]), 40_000
        )
        prior = np.linalg.inv(p.items.precision[s].astype(float))
        for item, new in ((0, False), (8, True)):  # item 8 is one that no head knows
            q = np.tile(p.items.draws[s, item].astype(float), (len(rows), 1))
            if new:
                q = random.multivariate_normal(q[0], prior, len(rows))
            noise = random.normal(size=len(rows)) / np.sqrt(
                solved.noise[s] * p.noise.item_weights[item]
            )
            found[item].append((rows[:, :k] * q[:, :k]).sum(1) + rows[:, k] + q[:, k] + noise)
    expected = [np.var(np.concatenate(found[item])) for item in (0, 8)]
    fresh = np.array([-1, 0])
    np.testing.assert_allclose(variances(p, solved, np.array([0, 8]), fresh), expected, rtol=0.03)


def test_the_variances_of_all_pairs_are_those_one_by_one():
    p = posterior()
    random = np.random.default_rng(1)
    counts = np.array([0, 9, 1, 2, 9, 5, 3, 4, 0, 6])
    columns = np.concatenate([np.sort(random.permutation(N)[:n]) for n in counts])
    values = random.integers(1, 6, counts.sum()).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    ratings = sp.csr_matrix((values - np.float32(p.mean), columns, indptr), (len(counts), N))
    side = np.stack([ENCODER.row({"sex": random.choice(["f", "m"])}) for _ in counts])
    users, items = random.integers(0, len(counts), 200), random.integers(0, N, 200)
    users[users == 4] = 5  # a user that nobody asks for
    fresh = np.where(items > 5, items - 6, -1)  # items 6, 7, 8 with 0, 1 and 2 ratings
    with Threads(2) as threads:
        found = pair_variances(p, ratings, side, users, items, fresh, threads)
    for u in range(len(counts)):
        own, mine = slice(indptr[u], indptr[u + 1]), users == u
        solved = p.row(columns[own], values[own], side[u])
        expected = variances(p, solved, items[mine], fresh[mine])
        np.testing.assert_allclose(found[mine], expected, rtol=2e-3)


def test_more_ratings_leave_less_variance_but_never_less_than_the_noise():
    p = posterior()
    p = dataclasses.replace(
        p,
        noise=dataclasses.replace(p.noise, variance=0.0, item_weights=np.ones(N, np.float32)),
        alpha=np.full(T, 4.0, np.float32),
        items=dataclasses.replace(p.items, draws=np.ones((T, N, D), np.float32)),
        users=dataclasses.replace(p.users, mean=np.zeros((T, D), np.float32)),
    )
    rated, _ = user(n=9)
    known, new, newer = np.array([-1]), np.array([0]), np.array([7])
    rows = [p.row(rated[:n], np.full(n, 4.5)) for n in (0, 3, 9)]
    found = [variances(p, solved, rated[:1], known)[0] for solved in rows]
    assert found[0] > found[1] > found[2] > 0.25
    for solved in rows:
        by_ratings = [variances(p, solved, rated[:1], fresh)[0] for fresh in (new, newer, known)]
        assert by_ratings[0] > by_ratings[1] > by_ratings[2]


def test_a_row_is_a_pure_function_of_its_ratings():
    p = posterior()
    rated, values = user()
    once = p.row(rated, values)
    p.row(np.append(rated, 8), np.append(values, 1.0))
    again = p.row(rated, values)
    np.testing.assert_array_equal(once.factors, again.factors)
    assert once.bias == again.bias


def cold_item(p):
    """Return the distilled row and the bias of an item that has no ratings, and no side columns."""
    factors, cold = np.zeros((N, K), np.float32), np.array([N - 1], np.int32)
    columns = np.zeros((1, p.items.encoder.width), np.float32)
    solved, factors = with_cold_items(p, factors, cold, columns)
    return factors[-1], solved.item_bias[-1]


def test_a_new_item_is_the_least_squares_of_its_heads():
    p = posterior()
    q, b = cold_item(p)
    assert q.shape == (K,)
    assert np.isfinite([*q, b]).all()
    # an item that is in the row space of the maps comes back as it was
    target = np.linalg.pinv(p.maps.transpose(0, 2, 1).reshape(-1, K)) @ np.ones(T * k)
    heads = np.einsum("tKk,K->tk", p.maps, target)
    mean = np.column_stack([heads, np.full(T, 0.5)]).astype(np.float32)
    p = dataclasses.replace(p, items=dataclasses.replace(p.items, mean=mean))
    q, b = cold_item(p)
    np.testing.assert_allclose(q, target, atol=1e-4)
    assert b == pytest.approx(0.5)


def test_an_item_that_training_has_not_seen_counts_for_the_norm_alone():
    p = posterior()
    wide = np.concatenate([p.items.draws, np.zeros((T, 1, D), np.float32)], axis=1)
    grown = dataclasses.replace(p, items=dataclasses.replace(p.items, draws=wide))
    means = grown.users.prior_means(np.array([1, N]), None)
    bag = p.users.weights[:, 1] * 2**-0.5
    z = p.users.count.encode(np.array([2]))[0]
    np.testing.assert_allclose(means, p.users.mean + bag + z * p.users.weights[:, N], rtol=1e-5)


@pytest.mark.parametrize(
    ("rows", "values", "message"),
    [
        ([1, 2], [3.0], "two columns of one length"),
        ([N], [3.0], f"Rows must be from 0 to {N - 1}; received {N}"),
        ([-1], [3.0], "received -1"),
    ],
)
def test_wrong_rows_are_refused(rows, values, message):
    with pytest.raises(DataError, match=message):
        posterior().row(rows, values)


def test_an_item_without_ratings_needs_no_draws_of_the_users():
    p = posterior()
    without = dataclasses.replace(p, users=dataclasses.replace(p.users, draws=p.users.draws[:0]))
    np.testing.assert_array_equal(cold_item(without)[0], cold_item(p)[0])


def test_arrays_there_and_back():
    days = DayEffects(np.array([5, 9]), np.array([0.1, 0.2], np.float32))
    p = dataclasses.replace(posterior(), days=days)
    again = Posterior.from_arrays(p.arrays())
    for name, array in p.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])
    rated, values = user()
    np.testing.assert_array_equal(p.row(rated, values).factors, again.row(rated, values).factors)


def test_arrays_that_do_not_fit_are_refused():
    arrays = posterior().arrays()
    with pytest.raises(DataError, match="no posterior"):
        Posterior.from_arrays({k: v for k, v in arrays.items() if k != "maps"})
    with pytest.raises(DataError, match=r"users\.mean must be of shape"):
        Posterior.from_arrays({**arrays, "users.mean": arrays["users.mean"][:, :2]})
    text = np.frombuffer(json.dumps({"mean": 1}).encode(), np.uint8)
    with pytest.raises(DataError, match="no posterior"):
        Posterior.from_arrays({**arrays, "details": text})


def test_day_effects_are_looked_up_by_user_and_day():
    day = 86_400
    users, times = np.array([1, 2, 2], np.int32), np.array([day, day, 5 * day + 7])
    effects = DayEffects(DayEffects.key(users, times), np.array([0.1, 0.2, 0.3], np.float32))
    asked = np.array([2, 1, 2, 3], np.int32), np.array([5 * day, day + 3, day, day])
    np.testing.assert_allclose(effects(*asked), [0.3, 0.1, 0.2, 0.0])
    nothing = DayEffects(np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert nothing(*asked).tolist() == [0, 0, 0, 0]
