"""Intervals: coverage, widths, calibration, and who can't have them."""

import dataclasses
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pc
from penchant.answers.lists import Recommendation
from penchant.errors import (
    BundleError,
    DataError,
    NotFittedError,
    SettingsError,
    UnsupportedError,
)
from penchant.predict import conformal
from penchant.predict.intervals import Calibration, cut_deviations
from penchant.ratings import Ratings, Scale

QUICK = pc.Gibbs(rank=2, sweeps=40, burn_in=10, heads=8)
SOLVERS = {
    "gibbs": QUICK,
    "als": pc.ALS(rank=2, sweeps=4),
    "sgd": pc.SGD(epochs=5),
    "bias": pc.Bias(),
}
KEPT = ("gibbs", "als")
LEVELS = (0.5, 0.8, 0.9, 0.95)


def uneven(seed=0):
    """Ratings of users whose noise and activity differ: what constant intervals get wrong."""
    random = np.random.default_rng(seed)
    M, N = 300, 150
    noise, share = random.choice([0.35, 1.2], M), random.uniform(0.08, 0.5, M)
    users, items = np.nonzero(random.random((M, N)) < share[:, None])
    p, q = random.normal(0, 0.5, (M, 2)), random.normal(0, 1, (N, 2))
    values = 3.2 + random.normal(0, 0.3, N)[items] + (p[users] * q[items]).sum(1)
    values += random.normal(size=len(users)) * noise[users]
    rounded = (values.clip(1, 5) * 2).round() / 2
    return Ratings.from_columns(users, items, rounded, scale=(1, 5))


@pytest.fixture(scope="module")
def parts():
    return pc.split(uneven(), test=0.25, seed=1)


@pytest.fixture(scope="module")
def models(parts):
    return {
        name: pc.MatrixFactorization(6, s, seed=0).fit(parts[0], validation=0.2, progress=False)
        for name, s in SOLVERS.items()
    }


@pytest.fixture(scope="module")
def model(models):
    return models["gibbs"]


@pytest.fixture(scope="module")
def uncalibrated(parts):
    return {
        name: pc.MatrixFactorization(6, s, seed=0).fit(parts[0], progress=False)
        for name, s in SOLVERS.items()
    }


def covered(model, test, level):
    found = model.predict(test.users, test.items, interval=level)
    return (found.low <= test.values) & (test.values <= found.high), found


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("level", LEVELS)
def test_so_many_ratings_lie_inside(models, parts, solver, level):
    inside, found = covered(models[solver], parts[1], level)
    assert inside.mean() == pytest.approx(level, abs=0.035)  # 1,600 validation rows
    assert (found.low <= found.rating).all() and (found.rating <= found.high).all()  # noqa: PT018
    assert found.low.min() >= 1 and found.high.max() <= 5  # noqa: PT018
    assert {end.dtype for end in found} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(
        found.rating, models[solver].predict(parts[1].users, parts[1].items)
    )


@pytest.mark.parametrize("level", LEVELS)
def test_so_they_do_for_users_of_much_and_of_little_activity(model, parts, level):
    inside, _ = covered(model, parts[1], level)
    counts = model.knowledge.user_counts
    low, high = np.quantile(counts[counts > 0], [0.25, 0.75])
    mine = counts[parts[1].user_rows]
    assert inside[mine <= low].mean() == pytest.approx(level, abs=0.06)
    assert inside[mine >= high].mean() == pytest.approx(level, abs=0.06)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_they_are_narrower_than_constant_ones_of_the_same_coverage(model, parts, level):
    test = parts[1]
    inside, found = covered(model, test, level)
    q = np.quantile(np.abs(test.values - found.rating), inside.mean())
    constant = test.scale.clip(found.rating + q) - test.scale.clip(found.rating - q)
    assert (found.high - found.low).mean() < 0.95 * constant.mean()


def test_noisy_users_get_wider_ones(model, parts):
    train = parts[0]
    noise = np.random.default_rng(0).choice([0.35, 1.2], 300)
    users = np.array(train.user_ids.ids(np.arange(1, 301)))
    found = model.predict(users, train.items[0], interval=0.8)
    widths = found.high - found.low
    assert widths[noise[users] > 1].mean() > 1.15 * widths[noise[users] < 1].mean()


@pytest.mark.parametrize("solver", SOLVERS)
def test_they_are_nested_in_the_level(models, parts, solver):
    users, items = [*parts[1].users[:300], 999], [*parts[1].items[:300], 999]
    found = [models[solver].predict(users, items, interval=p) for p in (0.05, 0.3, 0.6, 0.9, 0.99)]
    for inner, outer in itertools.pairwise(found):
        assert (outer.low <= inner.low).all()
        assert (outer.high >= inner.high).all()
        assert (outer.high - outer.low).sum() > (inner.high - inner.low).sum()


def test_strangers_and_cold_rows_get_wider_ones(parts):
    train = parts[0]
    cold = train.take(np.flatnonzero((train.user_rows != 3) & (train.item_rows != 4)))
    model = pc.MatrixFactorization(6, QUICK, seed=0).fit(cold, validation=0.2, progress=False)
    user, item = train.user_ids.ids([3])[0], train.item_ids.ids([4])[0]
    known = model.predictor.deviations(np.arange(5, 105, dtype=np.int32), np.full(100, 7, np.int32))
    for u, i in ((3, 7), (0, 7), (9, 4), (9, 0), (0, 0)):
        one = model.predictor.deviations(np.array([u], np.int32), np.array([i], np.int32))[0]
        twin = 7 if i in (0, 4) else i
        mine = model.predictor.deviations(np.array([u or 9], np.int32), np.array([twin], np.int32))[
            0
        ]
        assert one > np.median(known)
        assert i == 7 or one > mine
    found = model.predict([user, 999, 999], [item, item, 999], interval=0.9)
    usual = model.predict(train.users[:200], train.items[:200], interval=0.9)
    assert (found.high - found.low).min() > np.median(usual.high - usual.low)


def test_one_user_alone_is_as_among_many(model, parts):
    users, items = parts[1].users[:200], parts[1].items[:200]
    together = model.predict(users, items, interval=0.9)
    for at in range(0, 200, 9):
        alone = model.predict([users[at]], [items[at]], interval=0.9)
        for one, all_ in zip(alone, together, strict=True):
            assert one[0] == pytest.approx(all_[at], abs=2e-4)
    none = model.predict([], [], interval=0.9)
    assert [end.shape for end in none] == [(0,)] * 3


def test_new_items_get_narrower_ones_with_each_rating(parts):
    model = pc.MatrixFactorization(6, QUICK, seed=0).fit(parts[0], validation=0.2, progress=False)

    def deviation():
        item = model.knowledge.item_ids.rows([777])[0]
        return model.predictor.deviations(np.array([5], np.int32), np.array([item], np.int32))[0]

    before, raters = deviation(), parts[0].user_ids.ids(np.arange(10, 40))
    model.add_ratings(raters[:3], [777] * 3, [4.0, 4.0, 3.5])
    few = deviation()
    model.add_ratings(raters[3:], [777] * 27, np.tile([4.0, 3.5, 4.5], 9))
    many = deviation()
    assert max(before, few) > min(before, few) > many
    users, rows = np.arange(1, 30, dtype=np.int32), np.full(29, model.knowledge.item_ids.row(777))
    together = model.predictor.deviations(users, rows)  # by the kernels
    alone = [model.predictor.deviations(users[j : j + 1], rows[j : j + 1])[0] for j in range(29)]
    np.testing.assert_allclose(together, alone, rtol=1e-3)


class TestCalibration:
    def test_is_told(self, models, uncalibrated):
        n = models["gibbs"].calibration.rows
        assert str(models["gibbs"].calibration) == (
            f"calibrated on {n:,} validation ratings (split conformal)"
        )
        assert "one width for all" in str(models["sgd"].calibration)
        assert models["gibbs"].calibration.method == "conformal"
        assert uncalibrated["gibbs"].calibration.method == "posterior"
        assert str(uncalibrated["gibbs"].calibration).startswith("not calibrated: the posterior's")
        assert uncalibrated["sgd"].calibration is None
        with pytest.raises(NotFittedError):
            pc.MatrixFactorization().calibration  # noqa: B018

    def test_constant_widths_are_the_conformal_quantile_by_hand(self, models, parts):
        train, model = parts[0], models["sgd"]
        _, validation = pc.split(train, test=0.2, seed=0)
        errors = np.sort(
            np.abs(validation.values - model.predict(validation.users, validation.items))
        )
        q = errors[int(np.ceil(0.9 * (len(errors) + 1))) - 1]
        found = model.predict(parts[1].users, parts[1].items, interval=0.9)
        np.testing.assert_allclose(found.low, np.maximum(found.rating - q, 1), atol=1e-6)
        np.testing.assert_allclose(found.high, np.minimum(found.rating + q, 5), atol=1e-6)

    def test_the_posteriors_own_cover_nearly_as_many(self, uncalibrated, parts):
        inside, found = covered(uncalibrated["gibbs"], parts[1], 0.9)
        assert inside.mean() == pytest.approx(0.9, abs=0.04)
        d = uncalibrated["gibbs"].predictor.deviations(parts[1].user_rows, parts[1].item_rows)
        np.testing.assert_allclose(found.low, np.maximum(found.rating - 1.6449 * d, 1), atol=1e-3)

    def test_few_scores_give_the_whole_scale(self, parts):
        train = parts[0].take(np.arange(2000))
        few = parts[0].take(np.arange(2000, 2008))
        model = pc.MatrixFactorization(4, QUICK).fit(train, validation=few, progress=False)
        found = model.predict(parts[1].users[:50], parts[1].items[:50], interval=0.95)
        assert (found.low == 1).all()
        assert (found.high == 5).all()
        found = model.predict(parts[1].users[:50], parts[1].items[:50], interval=0.5)
        assert (found.low > 1).any()
        ranked = model.recommend(1, 5, by="low", interval=0.95)
        assert [one.item for one in ranked] == [
            one.item for one in model.recommend(1, 5, by="rating")
        ]

    def test_it_is_learnt_anew_by_each_fit_and_from_no_rows_not_at_all(self, parts):
        model = pc.MatrixFactorization(4, pc.SGD(epochs=2))
        assert model.fit(parts[0], validation=0.1, progress=False).calibration.rows > 0
        assert model.fit(parts[0], progress=False).calibration is None
        nothing = parts[1].take(np.arange(0))
        assert model.fit(parts[0], validation=nothing, progress=False).calibration is None

    def test_the_training_saw_no_validation_row(self, model, parts):
        train, validation = pc.split(parts[0], test=0.2, seed=0)
        assert model.knowledge.fingerprint == train.fingerprint()
        assert model.calibration.rows == len(validation)
        activity = np.log1p(model.knowledge.user_counts[validation.user_rows])
        assert model.calibration.reach == pytest.approx((activity.min(), activity.max()))

    @given(st.integers(1, 400), st.integers(1, 99))
    def test_factors_are_the_smallest_that_hold_enough(self, n, percent):
        scores = np.sort(np.random.default_rng(n).random(n)).astype(np.float32)
        q = Calibration(scores, n, False).factor(percent / 100)
        if np.isfinite(q):
            assert 100 * (scores <= q).sum() >= percent * (n + 1)
            assert 100 * (scores < q).sum() < percent * (n + 1)
        else:
            assert 100 * n < percent * (n + 1)

    def test_of_many_scores_evenly_spaced_ones_are_kept(self, monkeypatch):
        truth = np.random.default_rng(0).random(5000).astype(np.float32)
        zeros = np.zeros(5000, np.float32)
        whole = Calibration.of(truth, zeros, None, zeros.astype(int), Scale(0, 1))
        monkeypatch.setattr(conformal, "MOST_SCORES", 500)
        kept = Calibration.of(truth, zeros, None, zeros.astype(int), Scale(0, 1))
        assert (len(whole.scores), len(kept.scores), kept.rows) == (5000, 500, 5000)
        for level in (0.1, 0.5, 0.9, 0.99):
            assert 0 <= kept.factor(level) - whole.factor(level) < 0.004

    def test_a_cut_normal_by_simulation(self):
        random = np.random.default_rng(0)
        ratings, d = np.array([1.0, 2.2, 4.7, 5.0]), np.array([0.5, 1.5, 0.8, 2.0])
        drawn = Scale(1, 5).clip(ratings + d * random.normal(size=(400_000, 4)))
        expected = np.sqrt(((drawn - ratings) ** 2).mean(axis=0))
        np.testing.assert_allclose(cut_deviations(ratings, d, Scale(1, 5)), expected, rtol=0.01)

    def test_widths_follow_what_the_errors_show(self):
        random = np.random.default_rng(0)
        counts, d = random.integers(1, 400, 20_000), random.uniform(0.2, 0.4, 20_000)
        true = d**2 * 2 / np.log1p(counts)  # steeper than d, and falling with activity
        truth = (true * random.normal(size=20_000)).astype(np.float32)
        made = Calibration.of(truth, np.zeros_like(truth), d, counts, Scale(-9, 9))
        assert 0 > made.slopes[0] > -1
        assert made.slopes[1] > 0.5
        widths = made.widths(
            np.zeros(2, np.float32), np.full(2, 0.3), np.array([1, 400]), Scale(-9, 9)
        )
        assert widths[0] > widths[1]


class TestRecommend:
    def test_orders_by_the_lower_end(self, model):
        found = model.recommend(5, 150, by="low", interval=0.8)
        items = [one.item for one in found]
        every = model.predict([5] * len(items), items, interval=0.8)
        np.testing.assert_allclose([one.low for one in found], every.low, atol=2e-4)
        np.testing.assert_allclose([one.high for one in found], every.high, atol=2e-4)
        assert (np.diff(every.low) < 2e-4).all()
        assert set(items) == {one.item for one in model.recommend(5, 150)}
        assert items != [one.item for one in model.recommend(5, 150)]
        assert model.recommend(5, 3, by="low") == model.recommend(5, 3, by="low", interval=0.9)

    def test_tells_ends_only_where_asked(self, model):
        plain, bounded = model.recommend(5, 3), model.recommend(5, 3, interval=0.9)
        assert str(plain).splitlines()[0].split() == ["item", "rating", "probability"]
        assert str(bounded).splitlines()[0].split() == [
            *("item", "rating", "probability", "low", "high")
        ]
        assert [one[:4] for one in bounded] == [tuple(one) for one in plain]
        assert set(bounded.to_json()[0]) == {
            "item",
            "title",
            "rating",
            "probability",
            "low",
            "high",
        }
        assert set(plain.to_json()[0]) == {"item", "title", "rating", "probability"}
        assert isinstance(bounded[0], Recommendation)
        assert len(model.recommend(5, 3, by="low", among=[])) == 0
        assert model.recommend(999, 2, by="low")[0].low >= 1

    def test_mistakes_are_told(self, model):
        with pytest.raises(
            SettingsError, match=r"by must be one of 'liking', 'rating', .* not 'high'"
        ):
            model.recommend(5, by="high")
        with pytest.raises(SettingsError, match="interval must be a number above 0"):
            model.recommend(5, interval=90)


class TestMistakes:
    @pytest.mark.parametrize("level", [0, -0.5, 1.5, 90, "0.9", float("nan"), True])
    def test_no_level(self, model, level):
        with pytest.raises(SettingsError, match="interval must be a number above 0"):
            model.predict([1], [1], interval=level)

    def test_a_level_of_everything(self, model):
        with pytest.raises(SettingsError, match="interval must be below 1"):
            model.predict([1], [1], interval=1.0)

    @pytest.mark.parametrize("solver", ["sgd", "bias"])
    def test_a_model_without_intervals_says_how_to_get_them(self, uncalibrated, solver):
        told = (
            r"knows no intervals: .* Train it with fit\(\.\.\., validation=0\.1\), or with solver"
        )
        with pytest.raises(UnsupportedError, match=told):
            uncalibrated[solver].predict([1], [1], interval=0.9)
        with pytest.raises(UnsupportedError, match=told):
            uncalibrated[solver].recommend(1, by="low")

    def test_a_bundle_without_ratings_answers_strangers(self, model, tmp_path):
        model.save(tmp_path / "m", ratings=False)
        opened = pc.open(tmp_path / "m")
        with pytest.raises(UnsupportedError, match="saved without"):
            opened.predict([1], [1], interval=0.9)
        for one, other in zip(
            opened.predict([999], [1], interval=0.9),
            model.predict([999], [1], interval=0.9),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)


class TestBundle:
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_keeps_the_calibration_to_the_bit(self, models, parts, tmp_path, solver):
        models[solver].save(tmp_path / "m")
        opened = pc.open(tmp_path / "m")
        assert str(opened.calibration) == str(models[solver].calibration)
        for level in LEVELS:
            mine, theirs = (
                m.predict(parts[1].users, parts[1].items, interval=level)
                for m in (models[solver], opened)
            )
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(one, other)

    def test_without_one_there_is_none(self, uncalibrated, tmp_path):
        uncalibrated["gibbs"].save(tmp_path / "m")
        card = json.loads((tmp_path / "m" / "card.json").read_text())
        assert "calibration" not in card
        assert pc.open(tmp_path / "m").calibration.method == "posterior"

    @pytest.mark.parametrize(
        "change",
        [
            {"rows": -1},
            {"rows": 0},
            {"rows": 2.5},
            {"by_posterior": 1},
            {"slopes": [0.0, float("inf")]},
            {"slopes": "ab"},
            {"centre": [1.0]},
            {"reach": None},
        ],
    )
    def test_nonsense_is_refused(self, model, change):
        card, scores = model.calibration.card(), model.calibration.scores
        assert Calibration.from_card(card, scores).slopes == model.calibration.slopes
        with pytest.raises(DataError, match="calibration of intervals is damaged"):
            Calibration.from_card({**card, **change}, scores)

    @pytest.mark.parametrize("scores", [None, [[1.0]], [2.0, 1.0], []])
    def test_scores_that_are_none_are_refused(self, model, scores):
        given = None if scores is None else np.array(scores, np.float32)
        with pytest.raises(DataError, match="calibration of intervals is damaged"):
            Calibration.from_card(model.calibration.card(), given)

    def test_a_bundle_of_another_kind_of_widths_is_refused(self, models, tmp_path):
        model = models["sgd"]
        wrong = dataclasses.replace(model.calibration, by_posterior=True)
        kept = model.predictor
        model._predictor = dataclasses.replace(kept, calibration=wrong)
        try:
            model.save(tmp_path / "m")
        finally:
            model._predictor = kept
        with pytest.raises(BundleError, match=r"calibration\.by_posterior should be false"):
            pc.open(tmp_path / "m")
        none = dataclasses.replace(kept.calibration, rows=0)
        model._predictor = dataclasses.replace(kept, calibration=none)
        try:
            model.save(tmp_path / "n")
        finally:
            model._predictor = kept
        with pytest.raises(BundleError, match="calibration of intervals is damaged"):
            pc.open(tmp_path / "n")

    def test_one_users_intervals_need_no_compiler(self, model, tmp_path):
        model.save(tmp_path / "m")
        code = (
            "import sys, penchant as pc\n"
            f"m = pc.open({str(tmp_path / 'm')!r})\n"
            "m.predict([5, 5], [1, 2], interval=0.9); m.recommend(5, 3, by='low')\n"
            "print(m.explain(5, 1))\n"
            "print(sorted({'numba', 'keras', 'jax'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]"
