import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from penchant.errors import DataError, DivergedError, SettingsError
from penchant.kernels.byte_values import decoded
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.solvers.gibbs import finish
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler
from penchant.solvers.gibbs.side import (
    Prior,
    draw_coordinates,
    draw_hyper,
    draw_part,
    draw_strength,
    draw_wishart,
)
from penchant.solvers.gibbs.solver import Gibbs
from penchant.solvers.spectrum import SideMatrix, spectrum
from penchant.solvers.task import Checkpoint
from penchant.threads import Threads

QUICK = Gibbs(rank=4, sweeps=30, burn_in=10, heads=10)


def ratings(seed=0, M=80, N=60, n=2000, rank=3, noise=0.4, low=1.0, high=5.0, step=None):
    """Ratings of true factors, on any scale; with timestamps and side tables that tell a little."""
    random = np.random.default_rng(seed)
    pairs = random.permutation(M * N)[:n]
    u, i = pairs // N, pairs % N
    P, Q = random.normal(size=(M, rank)), random.normal(size=(N, rank))
    r = (P[u] * Q[i]).sum(1) / np.sqrt(rank) + 0.5 * random.normal(size=N)[i]
    r = (low + high) / 2 + (high - low) / 5 * (r + noise * random.normal(size=n))
    r = np.clip(r, low, high)
    if step:
        r = np.round(r / step) * step
    table = Ratings.from_columns(u, i, r, 86_400 * (pairs % 7), scale=(low, high))
    rows = np.array(table.user_ids.array.to_pylist()), np.array(table.item_ids.array.to_pylist())
    users = pa.table({"sign": [None, *(str(x) for x in P[rows[0], 0] > 0)]})
    items = pa.table({"sign": [None, *(str(x) for x in Q[rows[1], 0] > 0)]})
    return dataclasses.replace(table, user_table=users, item_table=items)


def parts(table, share=0.2, seed=1):
    order = np.random.default_rng(seed).permutation(len(table))
    n = int(share * len(table))
    return table.take(order[n:]), table.take(order[:n])


def error(fitted, test):
    predicted = fitted.factors.predict(test.user_rows, test.item_rows)
    return rmse(test.values, test.scale.clip(predicted))


def same_bits(a, b):
    for x, y in ((a.factors, b.factors), (a.posterior, b.posterior)):
        for name, array in x.arrays().items():
            np.testing.assert_array_equal(array, y.arrays()[name], err_msg=name)


@pytest.fixture(scope="module")
def split():
    return parts(ratings())


@pytest.fixture(scope="module")
def fitted(split):
    return QUICK.fit(split[0], factors=12, seed=3, watch=split[1], threads=1)


def test_true_factors_are_found(split):
    train, test = split
    got = Gibbs(rank=6, sweeps=80, burn_in=30, heads=50).fit(train, factors=12)
    noise = 0.4 * 4 / 5
    assert noise < error(got, test) < 1.35 * noise
    assert error(got, test) < 0.6 * test.values.std()


@pytest.mark.parametrize(
    ("low", "high", "step"), [(0.5, 5, 0.5), (0, 100, 1), (-10, 10, None), (0, 1, None)]
)
def test_the_scale_changes_nothing_but_the_unit(low, high, step):
    train, test = parts(ratings(low=low, high=high, step=step))
    got = QUICK.fit(train, factors=12)
    assert error(got, test) < 0.62 * test.values.std()


def test_threads_change_no_bit(split, fitted):
    for threads in (2, 3):
        same_bits(fitted, QUICK.fit(split[0], factors=12, seed=3, threads=threads))


def test_seeds_differ(split, fitted):
    other = QUICK.fit(split[0], factors=12, seed=4)
    assert not np.allclose(other.factors.user_bias, fitted.factors.user_bias, atol=1e-4)


def test_the_network_has_the_width_that_was_asked_for(split):
    train, test = split
    errors = []
    for K in (1, 3, 12, 90):
        got = QUICK.fit(train, factors=K)
        assert got.factors.user_factors.shape == (train.user_ids.size, K)
        assert got.factors.item_factors.shape == (train.item_ids.size, K)
        errors.append(error(got, test))
    assert errors[0] > errors[1] > errors[2] - 0.01
    assert errors[2] == pytest.approx(errors[3], abs=0.01)


def test_users_are_solved_from_their_ratings_alone(split, fitted):
    train, posterior = split[0], fitted.posterior
    for u in (0, 1, 17):
        own = train.user_rows == u
        sign = train.user_table["sign"][u].as_py()
        side = posterior.users.encoder.row({"sign": sign})
        solved = posterior.row(train.item_rows[own], train.values[own], side)
        np.testing.assert_allclose(fitted.factors.user_factors[u], solved.factors, atol=2e-3)
        np.testing.assert_allclose(fitted.factors.user_bias[u], solved.bias, atol=2e-3)


def test_many_users_keep_no_draws_and_the_same_network(split, fitted, monkeypatch):
    monkeypatch.setattr(finish, "DRAWS_KEPT", 0)
    got = QUICK.fit(split[0], factors=12, seed=3)
    assert got.posterior.users.draws.shape[1] == 0
    for name, array in fitted.factors.arrays().items():
        np.testing.assert_allclose(got.factors.arrays()[name], array, atol=1e-4, err_msg=name)


def test_row_0_and_cold_rows_get_what_the_prior_says(split):
    train, _ = split
    cut = train.take(np.flatnonzero((train.user_rows != 5) & (train.item_rows != 8)))
    got = QUICK.fit(cut, factors=12)
    post = got.posterior
    np.testing.assert_allclose(post.row([], []).factors, got.factors.user_factors[0], atol=1e-4)
    side = post.users.encoder.row({"sign": train.user_table["sign"][5].as_py()})
    np.testing.assert_allclose(
        post.row([], [], side).factors, got.factors.user_factors[5], atol=1e-3
    )
    side = post.items.encoder.row({"sign": train.item_table["sign"][8].as_py()})
    means = post.items.prior_means(np.zeros(0, np.int32), side)
    np.testing.assert_allclose(post.items.draws[:, 8], means, atol=2e-3)


def test_side_columns_help_the_cold():
    train, test = parts(ratings(noise=0.2))
    cold = np.arange(1, 30)
    train = train.take(np.flatnonzero(~np.isin(train.user_rows, cold)))
    test = test.take(np.flatnonzero(np.isin(test.user_rows, cold)))
    plan = Gibbs(rank=6, sweeps=60, burn_in=20, heads=20)
    with_side = error(plan.fit(train, factors=12), test)
    without = error(dataclasses.replace(plan, side_information=False).fit(train, factors=12), test)
    assert with_side < 0.985 * without


@pytest.mark.parametrize(
    "changes",
    [
        {"rank": 5}, {"sweeps": 31}, {"burn_in": 11}, {"heads": 9}, {"contexts": ("day",)},
        {"side_information": False}, {"bags": False}, {"weights": False},
    ],
)  # fmt: skip
def test_each_setting_matters(split, fitted, changes):
    got = dataclasses.replace(QUICK, **changes).fit(split[0], factors=12, seed=3)
    assert not np.array_equal(got.factors.user_bias, fitted.factors.user_bias)


def test_history_tells_each_sweep(split, fitted):
    history = fitted.history
    assert history.column("sweep").tolist() == list(range(1, 31))
    names = ["sweep", "train_rmse", "watch_rmse", "noise", "drift", "draws", "seconds"]
    assert history.names == names
    assert history.column("draws").tolist() == [0] * 10 + list(range(1, 21))
    assert (np.diff(history.column("seconds")) > 0).all()
    train_error = error(fitted, split[0])
    assert history.column("train_rmse")[-1] == pytest.approx(train_error, rel=0.1)
    assert history.column("watch_rmse")[-1] == pytest.approx(error(fitted, split[1]), rel=0.02)


def test_watching_changes_nothing(split, fitted):
    same_bits(fitted, QUICK.fit(split[0], factors=12, seed=3))


@pytest.mark.parametrize("contexts", [(), ("day",)])
def test_a_resumed_training_ends_with_the_same_bits(split, tmp_path, contexts):
    train, test = split
    plan = dataclasses.replace(QUICK, contexts=contexts)
    whole = plan.fit(train, factors=12, seed=3, watch=test)
    checkpoint = Checkpoint(tmp_path / "state", every=5)

    def stop(record):
        return record["sweep"] == 18

    broken = plan.fit(
        train, factors=12, seed=3, watch=test, checkpoint=checkpoint, callbacks=[stop]
    )
    assert len(broken.history) == 18
    resumed = plan.fit(train, factors=12, seed=3, watch=test, checkpoint=checkpoint)
    same_bits(whole, resumed)
    for name in ("sweep", "train_rmse", "watch_rmse", "noise", "drift"):
        np.testing.assert_array_equal(whole.history.column(name), resumed.history.column(name))


def test_the_state_of_another_training_is_refused(split, tmp_path):
    checkpoint = Checkpoint(tmp_path, every=5)
    QUICK.fit(split[0], factors=12, checkpoint=checkpoint)
    with pytest.raises(SettingsError, match="belongs to another training"):
        dataclasses.replace(QUICK, rank=5).fit(split[0], factors=12, checkpoint=checkpoint)


@pytest.mark.parametrize("sweep", [2, 12, 25])
def test_ctrl_c_keeps_a_usable_model(split, sweep):
    def interrupt(record):
        if record["sweep"] == sweep:
            raise KeyboardInterrupt

    train, test = split
    got = QUICK.fit(train, factors=12, callbacks=[interrupt])
    assert len(got.history) == sweep - 1
    assert got.history.interrupted
    assert error(got, test) < 1.1 * test.values.std()


@pytest.mark.parametrize(("users", "items"), [([1], [1]), ([1, 1], [1, 2]), ([1, 2, 3], [7, 7, 7])])
def test_tiny_data(users, items):
    table = Ratings.from_columns(users, items, [3.0, 5.0, 4.0][: len(users)], scale=(1, 5))
    got = QUICK.fit(table, factors=12)
    predicted = got.factors.predict(table.user_rows, table.item_rows)
    assert (np.abs(predicted - table.values.mean()) < 2).all()


def test_equal_ratings_are_answered_with_themselves():
    table = Ratings.from_columns([1, 1, 2], [1, 2, 1], [4.0, 4.0, 4.0], scale=(1, 5))
    got = QUICK.fit(table, factors=2)
    np.testing.assert_allclose(got.factors.predict(table.user_rows, table.item_rows), 4, atol=0.5)


def test_no_ratings_are_refused(split):
    with pytest.raises(DataError, match="no ratings to train on"):
        QUICK.fit(split[0].take([]), factors=4)


def test_a_draw_that_is_not_finite_ends_the_training(split, monkeypatch):
    step = Sampler.step

    def broken(self, *, average):
        step(self, average=average)
        self.alpha = np.nan if self.sweep == 4 else self.alpha

    monkeypatch.setattr(Sampler, "step", broken)
    with pytest.raises(DivergedError, match="sweep 4: its numbers are no longer finite"):
        QUICK.fit(split[0], factors=4)


def test_the_quick_settings_are_nearly_as_good(split):
    train, test = split
    assert error(Gibbs.quick().fit(train, factors=12), test) < 1.05 * error(
        Gibbs().fit(train, factors=12), test
    )


def test_days_need_timestamps(split):
    bare = dataclasses.replace(split[0], timestamps=None)
    with pytest.raises(DataError, match="needs timestamps"):
        dataclasses.replace(QUICK, contexts=("day",)).fit(bare, factors=4)


def test_side_columns_by_name(split):
    got = dataclasses.replace(QUICK, side_information=("sign",)).fit(split[0], factors=4)
    assert got.posterior.users.encoder.names == ["sign=False", "sign=True"]
    with pytest.raises(
        DataError, match=r"no side column 'sgin'\. Users have: sign; items have: sign"
    ):
        dataclasses.replace(QUICK, side_information=("sgin",)).fit(split[0], factors=4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rank": 0}, "rank must be a whole number of at least 1, not 0"),
        ({"burn_in": 200}, "burn_in must leave sweeps to keep"),
        ({"contexts": ("hour",)}, "contexts must be one of 'day', not 'hour'"),
        ({"contexts": "day"}, "contexts takes names in a tuple"),
        ({"side_information": "age"}, "side_information takes names in a tuple"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        Gibbs(**wrong)


def test_settings_go_to_json_and_back():
    plan = Gibbs(rank=4, contexts=("day",), side_information=("age",))
    assert Gibbs.from_json(plan.to_json()) == plan


@given(st.integers(1, 300), st.integers(0, 299), st.integers(1, 100))
def test_heads_are_spaced_over_the_sweeps_after_the_burn_in(sweeps, burn_in, heads):
    if burn_in >= sweeps:
        return
    plan = Gibbs(sweeps=sweeps, burn_in=burn_in, heads=heads)
    kept = [sweep for sweep in range(1, sweeps + 1) if plan.keeps(sweep)]
    assert len(kept) == min(heads, sweeps - burn_in)
    assert kept[0] > burn_in
    assert kept[-1] == sweeps
    if len(kept) > 1:
        assert np.ptp(np.diff(kept)) <= 1


def test_wishart_draws_have_their_mean():
    random = np.random.default_rng(0)
    C = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5]])
    draws = np.mean([draw_wishart(C, 8, random) for _ in range(5000)], axis=0)
    np.testing.assert_allclose(draws, 8 * np.linalg.inv(C), atol=0.25)  # 4 errors of the mean


def test_coordinates_and_strength_follow_their_conditionals():
    random = np.random.default_rng(0)
    L = np.array([[1.0, 0], [0.5, 2.0]])
    variances, Y = np.array([6.0, 2.0, 0.5]), random.normal(size=(3, 2))
    share = variances / (variances + 2)
    draws = np.array(
        [
            draw_coordinates(Y, variances, 2.0, L @ L.T, random.normal(size=(3, 2)))
            for _ in range(5000)
        ]
    )
    np.testing.assert_allclose(draws.mean(0), share[:, None] * Y, atol=0.05)
    np.testing.assert_allclose(np.cov(draws[:, 0].T), share[0] * np.linalg.inv(L @ L.T), atol=0.06)
    rate = 1 + 0.5 * np.sum((Y @ L) ** 2 / variances[:, None])
    strengths = [draw_strength(Y, variances, L @ L.T, random) for _ in range(2000)]
    assert stats.kstest(strengths, stats.gamma(1 + 3, scale=1 / rate).cdf).pvalue > 0.001


def test_parts_share_out_what_both_could_explain():
    X, *_, active = side_matrix(2)
    found = spectrum(X, active, Threads(1))
    first, second = found.parts
    U = found.U.astype(float) * active[:, None]
    np.testing.assert_allclose(U.T @ U, found.overlap, atol=1e-4)
    random = np.random.default_rng(0)
    rows = random.normal(size=(len(U), 2))
    precision = np.eye(2)
    sums = np.zeros((found.size, 2))
    prior = dataclasses.replace(Prior.start(2, found.size), precision=precision)
    for _ in range(1500):
        prior.strengths[:] = 1.0  # λ held fixed, so that the mean is known
        for part in found.parts:
            noise = random.normal(size=(found.size, 2))
            draw_part(part, U.T @ rows, found, prior, noise, random)
            prior.strengths[:] = 1.0
        sums += prior.coordinates
    exact = np.linalg.solve(found.overlap + np.diag(1 / found.variances), U.T @ rows)
    np.testing.assert_allclose(sums / 1500, exact, atol=0.15)
    assert first.stop == second.start


def test_the_prior_of_many_rows_is_found():
    random = np.random.default_rng(0)
    covariance = np.array([[0.5, 0.2], [0.2, 0.3]])
    rows = random.multivariate_normal([1.0, -2.0], covariance, size=20_000)
    scatter = len(rows) * np.cov(rows.T, bias=True)
    prior = Prior.start(2, 0)
    mean, precision = draw_hyper(len(rows), rows.mean(0), scatter, np.zeros(0), prior, random)
    np.testing.assert_allclose(mean, [1, -2], atol=0.03)
    np.testing.assert_allclose(np.linalg.inv(precision), covariance, atol=0.03)


def side_matrix(seed, M=40, N=30):
    random = np.random.default_rng(seed)
    dense = random.random((M, N)) < 0.3
    dense[0] = False
    u, i = np.nonzero(dense)
    iu, ui = np.nonzero(dense.T)
    counts = dense.sum(1)
    with np.errstate(divide="ignore"):
        norms = np.where(counts > 0, 1 / np.sqrt(counts), 0).astype(np.float32)

    def starts(rows, m):
        return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=m))]).astype(np.int64)

    more = random.normal(size=(M, 3)).astype(np.float32)
    rarity = random.uniform(0.5, 2, N).astype(np.float32)
    X = SideMatrix(
        starts(u, M), i.astype(np.int32), starts(iu, N), ui.astype(np.int32), norms, rarity, more
    )
    bags = dense * norms[:, None]
    return X, np.hstack([bags * rarity, more]), np.hstack([bags, more]), counts > 0


def test_products_with_the_side_matrix():
    X, dense, *_ = side_matrix(0)
    random = np.random.default_rng(0)
    V, Z = (random.normal(size=(m, 40)).astype(np.float32) for m in reversed(dense.shape))
    np.testing.assert_allclose(X.times(Threads(1), V), dense @ V, atol=1e-4)
    np.testing.assert_allclose(X.transposed_times(Threads(1), Z), dense.T @ Z, atol=1e-4)


def test_the_spectrum_is_that_of_the_rows_with_ratings():
    X, dense, plain, active = side_matrix(1)
    found = spectrum(X, active, Threads(1))
    side = np.arange(dense.shape[1]) > dense.shape[1] - 3  # the first dense column is the count
    for part, columns, power in zip(found.parts, (~side, side), (3, 2), strict=True):
        S = np.linalg.svd(dense[active][:, columns], compute_uv=False)
        expected = S**power / (np.sum(S**power) / active.sum())
        np.testing.assert_allclose(found.variances[part], expected, rtol=1e-3)
        U = found.U[active, part].astype(float)
        np.testing.assert_allclose(U.T @ U, np.eye(len(S)), atol=1e-3)
    np.testing.assert_allclose(plain @ found.V, found.U, atol=1e-3)


def test_the_problem_is_in_units_of_the_ratings_deviation(split):
    train, _ = split
    problem = Problem.of(
        train, side_information=True, bags=True, weigh=True, threads=Threads(1), keep_order=True
    )
    values = decoded(problem.users.values)
    assert values.std() == pytest.approx(1, rel=1e-4)
    order = np.lexsort((train.item_rows, train.user_rows))
    in_ratings = values * problem.unit + problem.mean
    np.testing.assert_allclose(in_ratings, train.values[order], atol=1e-5)
    np.testing.assert_allclose(
        problem.by_user().data + problem.mean, train.values[order], atol=1e-5
    )
    np.testing.assert_array_equal(decoded(problem.items.values), values[problem.to_items])


@settings(max_examples=5)
@given(st.integers(0, 50), st.integers(1, 12), st.integers(20, 300))
def test_any_small_table_gives_finite_numbers(seed, M, n):
    table = ratings(seed, M=M, N=25, n=min(n, M * 25))
    got = dataclasses.replace(QUICK, sweeps=8, burn_in=2, heads=3).fit(table, factors=5)
    assert np.isfinite(got.factors.predict(table.user_rows, table.item_rows)).all()
