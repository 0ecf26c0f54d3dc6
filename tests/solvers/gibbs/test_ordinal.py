import dataclasses

import numpy as np
import pytest
from scipy import stats

from penchant.errors import DataError, SettingsError
from penchant.metrics import rmse
from penchant.ratings import Ratings
from penchant.solvers.gibbs.ordinal import free_thresholds
from penchant.solvers.gibbs.problem import Problem
from penchant.solvers.gibbs.sampler import Sampler
from penchant.solvers.gibbs.solver import Gibbs
from penchant.solvers.task import Checkpoint
from penchant.stars import Stars
from penchant.threads import Threads

QUICK = Gibbs(rank=3, sweeps=40, burn_in=15, heads=12, likelihood="ordinal")
CUTS = np.array([-1.1, -0.2, 0.2, 1.4])
VALUES = np.array([1, 2, 3, 4, 5], np.float32)


def world(seed=0, M=120, N=80, n=5000, cuts=CUTS, values=VALUES, noise=0.7):
    """Stars cut out of a latent dot and biases, with unequal distances."""
    random = np.random.default_rng(seed)
    pairs = random.permutation(M * N)[:n]
    u, i = pairs // N, pairs % N
    P, Q = random.normal(size=(M, 2)), random.normal(size=(N, 2))
    latent = 0.5 * (P[u] * Q[i]).sum(1) + 0.4 * random.normal(size=M)[u]
    latent += 0.4 * random.normal(size=N)[i]
    z = latent + noise * random.normal(size=n)
    r = values[np.searchsorted(cuts, z)]
    return Ratings.from_columns(u, i, r, scale=(float(values[0]), float(values[-1]))), latent


def halves(table, share=0.25):
    order = np.random.default_rng(1).permutation(len(table))
    n = int(share * len(table))
    return order[n:], order[:n]


def expected(fitted, part):
    return fitted.stars.expected(fitted.factors.predict(part.user_rows, part.item_rows))


def test_finds_the_thresholds_of_its_own_kind():
    table, _ = world(n=9000)
    fitted = QUICK.fit(table, factors=8)
    found = fitted.stars.thresholds
    kept = np.flatnonzero(~free_thresholds(Stars.of(table.values).thresholds))
    scale = (found[kept[1]] - found[kept[0]]) / (CUTS[kept[1]] - CUTS[kept[0]])
    wanted = found[kept[0]] + scale * (CUTS - CUTS[kept[0]])
    np.testing.assert_allclose(found, wanted, atol=0.05)
    first = Stars.of(table.values).thresholds
    assert np.abs(found - first).max() > 1e-3  # the others moved
    np.testing.assert_allclose(found[kept], first[kept], rtol=1e-12)


def test_a_free_threshold_finds_its_way_from_a_wrong_place():
    table, _ = world(n=9000)
    stars = Stars.of(table.values)
    free = np.flatnonzero(free_thresholds(stars.thresholds))
    wrong = stars.thresholds.copy()
    wrong[free[0]] -= 0.4
    with Threads(1) as pool:
        problem = Problem.of(
            table, side_information=False, bags=False, weigh=False, threads=pool, keep_order=True,
            stars=stars,
        )  # fmt: skip
        sampler = Sampler(problem, 2, 0, pool, False)
        sampler.latent.thresholds = wrong
        for _ in range(60):
            sampler.step()
    assert abs(sampler.latent.thresholds[free[0]] - stars.thresholds[free[0]]) < 0.1


def test_better_than_the_gaussian_where_stars_lie_unevenly():
    cuts = np.array([0.9, 1.0, 1.1, 1.2])
    table, _ = world(n=6000, cuts=cuts, noise=0.25)
    train, test = (table.take(rows) for rows in halves(table))
    fitted = QUICK.fit(train, factors=16)
    plain = dataclasses.replace(QUICK, likelihood="gaussian").fit(train, factors=16)
    gaussian = test.scale.clip(plain.factors.predict(test.user_rows, test.item_rows))
    assert rmse(test.values, expected(fitted, test)) < 0.95 * rmse(test.values, gaussian)


@pytest.mark.parametrize(
    ("values", "cuts"),
    [([0, 1], [0.2]), ([1, 2, 4], [-0.5, 0.5]), (np.arange(1, 11) / 2, np.linspace(-2, 2, 9))],
)
def test_probabilities_are_calibrated_for_any_number_of_stars(values, cuts):
    values = np.array(values, np.float32)
    table, _ = world(n=8000, M=150, values=values, cuts=np.array(cuts))
    train, test = (table.take(rows) for rows in halves(table))
    fitted = QUICK.fit(train, factors=16)
    stars = fitted.stars
    assert stars.values.tolist() == values.tolist()
    shares = stars.probabilities(fitted.factors.predict(test.user_rows, test.item_rows))
    for star, value in enumerate(values):
        p, hit = shares[:, star].astype(float), test.values == value
        for low, high in ((0, 0.15), (0.15, 0.4), (0.4, 1.01)):
            there = (p >= low) & (p < high)
            if there.sum() > 100:
                error = np.sqrt((p[there] * (1 - p[there])).sum()) / there.sum()
                assert abs(hit[there].mean() - p[there].mean()) < 4 * error + 0.02


def test_the_spread_holds_what_the_noise_and_the_posterior_leave_open():
    table, _ = world(n=5000)
    train, test = (table.take(rows) for rows in halves(table))
    fitted = QUICK.fit(train, factors=16)
    latent = fitted.factors.predict(test.user_rows, test.item_rows)
    best = fitted.stars.fitted(latent, np.eye(5)[fitted.stars.places(test.values)], 0)
    assert fitted.stars.spread == pytest.approx(best.spread, rel=0.08)
    noise = np.mean(1 / np.sqrt(fitted.posterior.alpha))
    assert fitted.stars.spread > 1.03 * noise


def test_the_history_watches_expected_ratings():
    table, _ = world()
    train, test = (table.take(rows) for rows in halves(table))
    fitted = QUICK.fit(train, factors=16, watch=test)
    last = fitted.history.records[-1]
    assert last["watch_rmse"] == pytest.approx(rmse(test.values, expected(fitted, test)), abs=0.01)
    ours = rmse(train.values, expected(fitted, train))
    assert last["train_rmse"] == pytest.approx(ours, abs=0.02)


def test_bits_depend_on_the_seed_alone(tmp_path):
    table, _ = world(n=2500)
    quick = dataclasses.replace(QUICK, sweeps=16, burn_in=5)
    one, two, other = (
        quick.fit(table, factors=6, seed=seed, threads=threads)
        for seed, threads in ((3, 1), (3, 2), (4, 1))
    )

    def stop(record):
        return record["sweep"] == 10

    checkpoint = Checkpoint(tmp_path, 5)
    quick.fit(table, factors=6, seed=3, callbacks=[stop], checkpoint=checkpoint)
    resumed = quick.fit(table, factors=6, seed=3, checkpoint=checkpoint)
    for again in (two, resumed):
        for name, array in one.factors.arrays().items():
            np.testing.assert_array_equal(again.factors.arrays()[name], array, err_msg=name)
        np.testing.assert_array_equal(again.stars.thresholds, one.stars.thresholds)
        assert again.stars.spread == one.stars.spread
    assert not np.array_equal(one.stars.thresholds, other.stars.thresholds)


def test_a_training_stopped_in_the_burn_in_is_a_model():
    table, _ = world(n=2500)
    fitted = QUICK.fit(table, factors=4, callbacks=[lambda record: record["sweep"] == 3])
    assert np.isfinite(expected(fitted, table)).all()


def test_settings_that_make_no_sense():
    with pytest.raises(SettingsError, match="likelihood"):
        Gibbs(likelihood="poisson")
    with pytest.raises(SettingsError, match="knows no contexts; received contexts=\\('day',\\)"):
        Gibbs(likelihood="ordinal", contexts=("day",))
    table, _ = world(n=500)
    same = dataclasses.replace(table, values=np.full(500, 3, np.float32))
    with pytest.raises(DataError, match="at least two distinct"):
        QUICK.fit(same, factors=2)
    many = dataclasses.replace(table, values=np.linspace(1, 5, 500, dtype=np.float32))
    with pytest.raises(SettingsError, match="at most 20 distinct values"):
        QUICK.fit(many, factors=2)


def test_draws_have_the_posterior_of_an_ordered_probit():
    """One threshold's posterior, without factors, beside its own likelihood on a grid."""
    random = np.random.default_rng(2)
    n = 400
    z = random.normal(size=n)
    r = np.array([1, 2, 3, 4], np.float32)[np.searchsorted([-0.8, -0.1, 0.6], z)]
    table = Ratings.from_columns(np.arange(n) % 20, np.arange(n) // 20, r, scale=(1, 4))
    stars = Stars.of(table.values)
    (free,) = np.flatnonzero(free_thresholds(stars.thresholds))
    with Threads(1) as pool:
        problem = Problem.of(
            table, side_information=False, bags=False, weigh=False, threads=pool, keep_order=True,
            stars=stars,
        )  # fmt: skip
        sampler = Sampler(problem, 1, 0, pool, False)
        sampler.alpha = 1.0
        drawn = []
        for sweep in range(4000):
            key = np.random.default_rng([7, sweep])
            sampler.latent.move(sampler, key)  # η is 0: no row has been drawn
            drawn.append(sampler.latent.thresholds[free])
    grid = np.linspace(*(stars.thresholds[[free - 1, free + 1]] + [1e-3, -1e-3]), 2000)
    counts = np.bincount(stars.places(table.values), minlength=4)
    cdf = stats.norm.cdf
    log = counts[free] * np.log(cdf(grid) - cdf(stars.thresholds[free - 1]))
    log += counts[free + 1] * np.log(cdf(stars.thresholds[free + 1]) - cdf(grid))
    weight = np.exp(log - log.max())
    mean = (grid * weight).sum() / weight.sum()
    sd = np.sqrt(((grid - mean) ** 2 * weight).sum() / weight.sum())
    assert np.mean(drawn[200:]) == pytest.approx(mean, abs=0.15 * sd)
    assert np.std(drawn[200:]) == pytest.approx(sd, rel=0.1)
