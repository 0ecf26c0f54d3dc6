"""Comparisons: each figure by a second way to it, and no claim without significance."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

import penchant as pc
from penchant.comparison import Comparison, compare
from penchant.comparison.measuring import measure
from penchant.data.synthetic import synthetic
from penchant.errors import DataError, SettingsError
from penchant.history import History
from penchant.metrics import mae, rmse
from penchant.model.known import Knowledge
from penchant.predict.predictor import Predictor
from penchant.ratings import Ratings
from penchant.recommender.base import Recommender
from penchant.recommender.matrix_factorization import MatrixFactorization
from penchant.solvers.bias import Bias
from penchant.solvers.sgd.solver import SGD

RATINGS = synthetic(n_users=80, n_items=50, n_ratings=2600, factors=2, noise=0.4, seed=2)
# without some users and items among the training ratings, so that there are unseen pairs
HELD = (RATINGS.user_rows % 20 == 3) | (RATINGS.item_rows % 25 == 4)
ORDER = np.random.default_rng(0).permutation(len(RATINGS))
TRAIN = RATINGS.take([row for row in ORDER[400:] if not HELD[row]])
TEST = RATINGS.take(ORDER[:400])
QUICK = SGD(epochs=60, start=0.3)


def model(solver=QUICK, factors=3, seed=0):
    return MatrixFactorization(factors=factors, solver=solver, seed=seed)


def run(models, train=TRAIN, test=TEST, **settings):
    return compare(models, train, test, **{"resamples": 200, "progress": False, **settings})


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Means(Predictor):
    """An item's mean, or the mean of all."""

    items: np.ndarray
    n_parameters = 1

    def predict(self, user_rows, item_rows, seconds=None):
        return self.items[item_rows]

    def scores(self, user_row):
        return self.items

    def correlations(self, side, row):
        raise NotImplementedError


class Mean(Recommender):
    """A recommender that is no matrix factorisation."""

    kind = "mean"
    noise = 0.0

    def __init__(self, pull=5.0):
        self.pull = pull

    def fit(self, ratings, *, validation=None, progress=True):
        self.validation = validation
        size = ratings.item_ids.size
        sums = np.bincount(ratings.item_rows, ratings.values - ratings.mean, minlength=size)
        counts = np.bincount(ratings.item_rows, minlength=size)
        items = np.float32(ratings.mean) + (sums / (counts + self.pull)).astype(np.float32)
        self._predictor = Means(
            known=Knowledge.of(ratings),
            history=History(),
            made_by={},
            items=(items + self.noise).astype(np.float32),
        )
        return self

    def _saved(self, ratings):
        raise NotImplementedError


@pytest.fixture(scope="module")
def result():
    return run([model(), Mean()])


@pytest.fixture(scope="module", params=["bias", "sgd", "mean"])
def pair(request, result):
    """How a model did, and the same model fitted by hand."""
    made = {"bias": model("bias", 1), "sgd": model(), "mean": Mean()}[request.param]
    return result[request.param], made.fit(TRAIN, progress=False)


def test_the_bias_model_is_always_there_and_first(result):
    assert [standing.name for standing in result.models] == ["bias", "sgd", "mean"]
    assert "solver='bias'" in result["bias"].settings
    assert "pull=5.0" in result["mean"].settings


def test_errors_are_those_of_evaluate(pair):
    standing, fitted = pair
    scores = fitted.evaluate(TEST)
    assert scores.cold > 20
    for name in ("rmse", "mae", "warm_rmse", "unseen_rmse"):
        assert getattr(standing, name) == pytest.approx(scores[name], abs=1e-9), name


def test_the_conventions_of_others_are_what_they_say(pair, result):
    standing, fitted = pair
    predicted = fitted.predict(TEST.users, TEST.items).astype(float)
    seen = np.isin(TEST.user_rows, TRAIN.user_rows) & np.isin(TEST.item_rows, TRAIN.item_rows)
    assert standing.cornac_rmse == pytest.approx(rmse(TEST.values[seen], predicted[seen]))
    with_mean = np.where(seen, predicted, TRAIN.mean)
    assert standing.surprise_rmse == pytest.approx(rmse(TEST.values, with_mean))
    assert result.unseen == (~seen).sum()


def test_lists_are_those_of_recommend(pair, result):
    standing, fitted = pair
    precision, recall, listed, found = [], [], set(), []
    liked = TEST.take(np.flatnonzero(TEST.values >= result.protocol.relevant))
    counts = np.bincount(TRAIN.item_rows, minlength=TRAIN.item_ids.size)
    for user in dict.fromkeys(TEST.users):
        items = [entry.item for entry in fitted.recommend(user, 10)]
        listed |= set(items)
        found += [counts[TRAIN.item_ids.row(item)] for item in items]
        mine = {i for u, i in zip(liked.users, liked.items, strict=True) if u == user}
        if mine:
            precision.append(len(mine & set(items)) / 10)
            recall.append(len(mine & set(items)) / len(mine))
    assert standing.precision == pytest.approx(np.mean(precision))
    assert standing.recall == pytest.approx(np.mean(recall))
    assert standing.coverage == len(listed) / 50
    bits = -np.log2(np.maximum(found, 1) / len(np.unique(TRAIN.user_rows)))
    assert standing.novelty == pytest.approx(bits.mean())
    assert result.list_users == len(precision) < result.users


def test_ndcg_of_lists_is_scikit_learns(pair, result):
    standing, fitted = pair
    values = []
    for user in np.unique(TEST.user_rows):
        mine = TEST.user_rows == user
        relevant = np.zeros(TEST.item_ids.size)
        relevant[TEST.item_rows[mine & (TEST.values >= result.protocol.relevant)]] = 1
        if not relevant.any():
            continue
        best = [e.item for e in fitted.recommend(TEST.user_ids.ids([user])[0], 10)]
        scores = np.zeros(TEST.item_ids.size)
        scores[TEST.item_ids.rows(best)] = np.arange(len(best), 0, -1)
        values.append(ndcg_score([relevant], [scores], k=10))
    assert standing.ndcg == pytest.approx(np.mean(values))


def test_order_is_scikit_learns_ndcg_of_the_users_own_items(pair):
    standing, fitted = pair
    values = []
    for user in np.unique(TEST.user_rows):
        mine = np.flatnonzero(TEST.user_rows == user)
        mine = mine[np.argsort(TEST.item_rows[mine], kind="stable")]
        gains = (TEST.values[mine] - TEST.scale.low).astype(float)
        if np.ptp(gains) == 0:
            continue
        predicted = fitted.predictor.predict(TEST.user_rows[mine], TEST.item_rows[mine], None)
        place = np.argsort(np.argsort(-predicted, kind="stable"))  # equal ones by row
        values.append(ndcg_score([gains], [-place.astype(float)], k=10))
    assert standing.order == pytest.approx(np.mean(values))


def test_equal_predictions_stand_in_the_order_of_the_rows():
    made = run([Mean(1e12)])  # the same for all items
    values = []
    for user in np.unique(TEST.user_rows):
        mine = TEST.user_rows == user
        gains = (TEST.values[mine] - 1.0)[np.argsort(TEST.item_rows[mine])]
        if np.ptp(gains):
            values.append(ndcg_score([gains], [-np.arange(len(gains))], k=10))
    assert made["mean"].order == pytest.approx(np.mean(values))


def test_strangers_are_counted_and_their_lists_too():
    theirs = Ratings.from_columns(
        [10_001, 10_001, 10_002, *TEST.users[:50]],
        [TEST.items[0], 20_001, TEST.items[1], *TEST.items[:50]],
        [5.0, 5.0, 1.0, *TEST.values[:50]],
        scale=(1, 5),
    )
    made = run([model()], test=theirs)
    fitted = model().fit(TRAIN, progress=False)
    scores = fitted.evaluate(theirs)
    assert made["sgd"].rmse == pytest.approx(scores.rmse)
    assert made.unseen == scores.strangers + scores.cold
    assert scores.strangers >= 3
    assert made.users == len(theirs.user_ids)
    of_stranger = measure(fitted, theirs, 10, 4, 0.0, 0.0)
    listed = [entry.item for entry in fitted.recommend(10_001, 10)]
    row = theirs.user_ids.row(10_001)
    assert of_stranger.precision[row] == (TEST.items[0] in listed) / 10
    assert of_stranger.recall[row] == (TEST.items[0] in listed) / 2  # the unknown item counts


def test_folds_test_each_rating_once():
    made = run([model()], RATINGS, None, folds=3, seed=5)
    pooled = {"truth": [], "predicted": []}
    for train, test in pc.folds(RATINGS, 3, seed=5):
        pooled["truth"].append(test.values)
        fitted = model().fit(train, progress=False)
        pooled["predicted"].append(fitted.predict(test.users, test.items))
    truth, predicted = (np.concatenate(part) for part in pooled.values())
    assert made.test_ratings == len(RATINGS)
    assert made["sgd"].rmse == pytest.approx(rmse(truth, predicted))
    assert made["sgd"].mae == pytest.approx(mae(truth, predicted))
    assert made.folds == 3
    assert made.protocol.ratings == "3 random folds, seed=5"
    assert made.train_ratings == pytest.approx(len(RATINGS) * 2 / 3, abs=1)


def test_folds_average_a_users_lists():
    made = run([model()], RATINGS, None, folds=2, seed=1)
    parts = []
    for train, test in pc.folds(RATINGS, 2, seed=1):
        fitted = model("bias", 1).fit(train, progress=False)
        parts.append(measure(fitted, test, 10, made.protocol.relevant, 0.0, 0.0))
    both = np.array([part.recall for part in parts])
    users = ~np.isnan(both).all(axis=0)
    assert made["bias"].recall == pytest.approx(np.nanmean(both[:, users], axis=0).mean())
    assert made["bias"].coverage == pytest.approx(np.mean([part.coverage for part in parts]))


def test_everything_but_the_times_follows_from_the_seed():
    def untimed(comparison):
        plain = comparison.to_json()
        for entry in plain["models"]:
            del entry["seconds"], entry["cpu_seconds"]
        return plain

    one, two, other = (run([model()], seed=seed) for seed in (0, 0, 1))
    assert untimed(one) == untimed(two)
    assert one["sgd"].rmse_interval != other["sgd"].rmse_interval
    assert one["sgd"].rmse == other["sgd"].rmse


def test_nothing_of_the_users_is_changed():
    mine = {"one": model(), "two": Mean()}
    before = [TRAIN.values.copy(), TRAIN.user_rows.copy(), TEST.values.copy()]
    run(mine)
    assert list(mine) == ["one", "two"]
    assert not any(given.is_fitted for given in mine.values())
    fitted = model().fit(TRAIN, progress=False)
    trained = fitted.trained
    run([fitted])
    assert fitted.trained is trained
    for kept, array in zip(before, [TRAIN.values, TRAIN.user_rows, TEST.values], strict=True):
        np.testing.assert_array_equal(kept, array)


def test_times_are_taken(result):
    for standing in result.models:
        assert 0 < standing.seconds < 600
        assert standing.cpu_seconds >= 0


def test_validation_rows_are_the_same_for_all():
    seen = []

    class Watching(Mean):
        def fit(self, ratings, *, validation=None, progress=True):
            seen.append((ratings.fingerprint(), validation.fingerprint(), len(validation)))
            return super().fit(ratings, validation=validation, progress=progress)

    made = run({"a": Watching(), "b": Watching(1.0)}, validation=0.25)
    assert len(set(seen)) == 1
    assert seen[0][2] == int(np.ceil(len(TRAIN) * 0.25))
    assert made.train_ratings == len(TRAIN) - seen[0][2]


def test_the_threshold_follows_the_scale(result):
    assert result.protocol.relevant == 4
    hundred = {"values": RATINGS.values * 20, "scale": pc.Scale(0, 100)}
    wide = dataclasses.replace(RATINGS, **hundred)
    made = run([model()], wide.take(ORDER[400:]), wide.take(ORDER[:400]))
    assert made.protocol.relevant == 75
    harder = run([model()], relevant=5)
    assert harder.list_users < result.list_users


def test_a_threshold_that_float32_cannot_hold_still_counts_its_own_ratings():
    tenths = dataclasses.replace(RATINGS, values=RATINGS.values / 10, scale=pc.Scale(0.1, 0.5))
    made = run(
        [Mean()], tenths.take(ORDER[400:]), tenths.take(ORDER[:400]), relevant=np.float64(0.4)
    )
    assert made.list_users == run([Mean()], RATINGS.take(ORDER[400:]), TEST, relevant=4).list_users


def test_the_length_of_the_lists_matters(result):
    assert run([model()], n=3)["sgd"].recall < result["sgd"].recall
    assert run([model()], n=50)["sgd"].recall > result["sgd"].recall


def test_a_catalogue_that_is_rated_out_has_nothing_to_list():
    users, items = np.divmod(np.arange(12), 3)
    full = Ratings.from_columns(users, items, np.arange(12) % 5 + 1.0, scale=(1, 5))
    made = run([Mean()], full, full)
    assert made["mean"].novelty is None
    assert made["mean"].coverage == 0
    json.dumps(made.to_json(), allow_nan=False)
    assert "novelty" in str(made)


def test_users_who_like_nothing_leave_no_lists_to_judge():
    made = run([Mean()], relevant=6)
    assert made.list_users == 0
    assert made["mean"].ndcg is None
    assert made["mean"].ndcg_interval is None
    assert {test.measure for test in made.tests} == {"rmse"}
    assert "NDCG against" not in str(made)
    json.dumps(made.to_json(), allow_nan=False)


# Doubt


def test_a_model_against_itself_is_no_significant_difference():
    made = run({"one": model(), "two": model()})
    (test,) = (t for t in made.tests if (t.measure, t.model, t.other) == ("rmse", "one", "two"))
    assert (test.difference, test.p, test.p_corrected, test.significant) == (0, 1, 1, False)
    assert test.interval == (0, 0)
    assert "RMSE against one: significantly higher: bias; no significant difference: two." in str(
        made
    )


def test_a_difference_that_chance_makes_is_not_called_one():
    def noisy(seed):
        class Noisy(Mean):
            noise = np.random.default_rng(seed).normal(scale=0.01, size=TRAIN.item_ids.size)

        return Noisy()

    made = run({"a": noisy(1), "b": noisy(2), "c": noisy(3)})
    between = [t for t in made.tests if "bias" not in (t.model, t.other) and t.measure == "rmse"]
    assert len(between) == 3
    assert all(t.difference != 0 and not t.significant for t in between)
    for line in str(made).splitlines():
        assert not re.search(r"\b(best|wins?|winner|beats?|better than)\b", line, re.IGNORECASE)


def test_a_real_difference_is_found_and_told_in_both_directions(result):
    (test,) = (t for t in result.against("bias", "rmse") if t.model == "sgd")
    assert test.significant
    assert test.difference == pytest.approx(result["sgd"].rmse - result["bias"].rmse)
    assert test.interval.low < test.difference < test.interval.high < 0
    (turned,) = (t for t in result.against("sgd", "rmse") if t.model == "bias")
    assert turned == test.reversed()
    assert turned.difference == -test.difference
    assert turned.interval == (-test.interval.high, -test.interval.low)
    assert "RMSE against bias: significantly lower: sgd" in str(result)


def test_holm_covers_all_pairs_of_a_measure(result):
    of_one = [test for test in result.tests if test.measure == "rmse"]
    assert len(of_one) == 3
    smallest = min(of_one, key=lambda test: test.p)
    assert smallest.p_corrected == pytest.approx(3 * smallest.p)
    assert all(test.p_corrected >= test.p for test in result.tests)
    assert all(test.significant == (test.p_corrected < 0.05) for test in result.tests)


def test_the_level_moves_intervals_and_tests(result):
    narrow = run([model(), Mean()], level=0.5)
    for name in ("bias", "sgd"):
        low, high = result[name].rmse_interval
        inner = narrow[name].rmse_interval
        assert low < inner.low < narrow[name].rmse < inner.high < high
    assert "50 % interval" in str(narrow)
    few = TEST.take(range(60))
    (test,) = (t for t in run([Mean()], test=few, level=0.5).tests if t.measure == "rmse")
    assert 0.06 < test.p_corrected < 0.4
    assert test.significant
    assert not run([Mean()], test=few).tests[0].significant


def test_intervals_take_users_as_the_unit():
    """Users who rate twice as much of the same are no more evidence than before."""
    rng = np.random.default_rng(0)
    users, items = np.repeat(np.arange(30), 8), np.tile(np.arange(8), 30)
    values = np.repeat(rng.integers(1, 6, size=30), 8).astype(float)  # all errors alike in a user
    table = Ratings.from_columns(users, items, values, scale=(1, 5))
    less = table.take(np.flatnonzero(items < 4))
    half, whole = (run([Mean(1e9)], test=part)["mean"] for part in (less, table))
    assert half.rmse_interval == pytest.approx(whole.rmse_interval, abs=1e-6)


def test_each_pair_is_shown_once(result):
    lines = str(result).split("Differences of RMSE")[1].split("\n\n")[0].splitlines()
    pairs = [frozenset(line.split("  ")[0].split(" - ")) for line in lines if " - " in line]
    assert sorted(map(sorted, pairs)) == [["bias", "mean"], ["bias", "sgd"], ["mean", "sgd"]]


def test_best_is_by_the_measure(result):
    assert result.best("rmse").rmse == min(m.rmse for m in result.models)
    assert result.best("ndcg").ndcg == max(m.ndcg for m in result.models)


# Names, settings, mistakes


def test_names_are_the_solvers_numbered_where_taken_and_yours_where_given():
    made = run([model(), model(SGD(epochs=3)), Mean()])
    assert [m.name for m in made.models] == ["bias", "sgd", "sgd (2)", "mean"]
    assert [m.name for m in run({"mine": model()}).models] == ["bias", "mine"]


def test_a_bias_model_of_yours_is_the_bar():
    made = run([model(), model(Bias(100, 100))])
    assert [m.name for m in made.models] == ["bias", "sgd"]
    assert "l2_user=100" in made["bias"].settings


def test_alone_the_bias_model_has_nothing_to_be_tested_against():
    made = run([model("bias")])
    assert made.tests == ()
    assert "against" not in str(made)


def test_it_is_frozen_plain_data(result):
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.users = 3
    plain = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert plain["models"][1]["rmse"] == result["sgd"].rmse
    assert plain["models"][1]["rmse_interval"] == list(result["sgd"].rmse_interval)
    assert plain["tests"][0]["interval"] == list(result.tests[0].interval)
    assert plain["protocol"]["n"] == 10
    assert set(plain) == {field.name for field in dataclasses.fields(Comparison)}


def test_it_prints_within_eighty_columns_and_tells_the_protocol(result):
    text = str(result.told("last ratings of each user"))
    assert max(map(len, text.splitlines())) <= 80
    for said in ("last ratings of each user", f"tested on {len(TEST):,} of", "4 or more"):
        assert said in text
    assert f"{result.unseen:,}" in text.splitlines()[2]
    assert f"{result['sgd'].rmse:.4f}" in text


def test_progress_goes_to_standard_error(capsys):
    run([model()], progress=True)
    run([model()], RATINGS, None, folds=2, progress=True)
    out, err = capsys.readouterr()
    assert not out
    assert err.splitlines()[:2] == ["bias: training", "sgd: training"]
    assert err.splitlines()[-1] == "sgd: training, fold 2 of 2"


def test_an_interrupted_training_ends_the_comparison():
    class Interrupted(Mean):
        history = History(interrupted=True)

    with pytest.raises(KeyboardInterrupt):
        run([Interrupted()])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": []}, "needs a model to compare with the bias model; received none"),
        ({"models": {}}, "needs a model to compare"),
        ({"models": ["sgd"]}, r"takes recommenders such as pc.MatrixFactorization.*not 'sgd'"),
        ({"models": {"bias": Mean()}}, "'bias' is the bias model's name; give Mean"),
        ({"folds": 3}, "either test ratings or folds=k"),
        ({"test": None}, "either test ratings or folds=k"),
        ({"test": None, "folds": 1}, "k must be a whole number of at least 2, not 1"),
        ({"n": 0}, "n must be a whole number of at least 1"),
        ({"resamples": 10}, "resamples must be a whole number of at least 100"),
        ({"level": 1}, "level must be a number"),
        ({"relevant": "4"}, "relevant must be a number"),
        ({"seed": -1}, "seed must be"),
        ({"validation": 1.5}, "validation must be a share between 0 and 1, not 1.5"),
        ({"validation": 5}, "validation must be a share between 0 and 1, not 5"),
    ],
)
def test_settings_that_make_no_sense_are_told(change, message):
    given = {"models": [Mean()], **change}
    with pytest.raises(SettingsError, match=message):
        run(given.pop("models"), **given)


def test_ratings_that_cannot_be_compared_on_are_told(result):
    with pytest.raises(DataError, match="test must be Ratings, not list"):
        run([Mean()], test=[1, 2])
    with pytest.raises(DataError, match="no ratings in test"):
        run([Mean()], test=TEST.take([]))
    one = TEST.take(np.flatnonzero(TEST.user_rows == TEST.user_rows[0]))
    with pytest.raises(DataError, match="All test ratings are one user's"):
        run([Mean()], test=one)
    with pytest.raises(SettingsError, match="No model is called 'x'; there are 'bias', 'sgd'"):
        result["x"]
    with pytest.raises(SettingsError, match="No model is called 'x'"):
        result.against("x", "rmse")


def test_the_program_of_the_docs_runs(monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    monkeypatch.setattr("penchant.data.load.load", lambda source: RATINGS)
    exec(program, {})
    assert "wide - bias" in capsys.readouterr().out
