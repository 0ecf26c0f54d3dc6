"""Interviews: what is asked, what the answers say, what is refused."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.errors import DataError, SettingsError, UnknownIdError, UnsupportedError

QUICK = pc.Gibbs(rank=2, sweeps=20, burn_in=8, heads=4)


def world():
    made = pc.synthetic(n_users=80, n_items=40, n_ratings=1500, factors=2, noise=0.4, seed=3)
    titles = pa.table({"title": [None, *(f"영화 {n}" for n in range(40))]})
    sexes = np.random.default_rng(0).choice(["f", "m"], 80)
    users = pa.table({"sex": [None, *sexes]})
    return dataclasses.replace(made, item_table=titles, user_table=users)


@pytest.fixture(scope="module")
def model():
    return pc.MatrixFactorization(6, QUICK).fit(world(), progress=False, validation=0.1)


def test_questions_are_different_known_items_with_titles(model):
    talk = model.interview(n=6)
    assert len({question.item for question in talk}) == len(talk) == 6
    for question in talk:
        assert 0 < question.chance <= 1
        assert question.drop > 0
        row = model.knowledge.item_ids.rows([question.item])
        assert [question.title] == model.knowledge.titles(row)


def test_the_chance_is_the_share_of_users_who_rated_it(model):
    talk = model.interview(n=3)
    counts = dict(zip(*np.unique(model.knowledge.ratings.items, return_counts=True), strict=True))
    users = len(np.unique(model.knowledge.ratings.users))
    for question in talk:
        assert question.chance == pytest.approx(counts[question.item] / users)


def test_what_was_answered_or_skipped_is_not_asked_again(model):
    talk = model.interview(n=40)
    assert len(talk) == 40
    asked = talk[0].item, talk[1].item
    talk = talk.rate(asked[0], 4).skip(asked[1])
    assert len(talk) == 38
    assert not {question.item for question in talk} & set(asked)
    assert talk.answers == {asked[0]: 4}
    assert talk.unknown == (asked[1],)


def test_an_answer_may_be_changed_and_taken_back(model):
    talk = model.interview().rate(3, 5).rate(3, 2)
    assert talk.answers == {3: 2}
    assert talk.skip(3).answers == {}
    assert talk.skip(3).rate(3, 1).unknown == ()


def test_one_at_a_time_asks_what_all_at_once_ask(model):
    """The questions don't depend on what the answers are, but for the noise of the answers."""
    many = [question.item for question in model.interview(n=3)]
    one = model.interview(n=1)
    assert one[0].item == many[0]
    assert model.interview(n=1).rate(many[0], 3)[0].item in many[1:]


def test_drops_shrink_as_more_is_known(model):
    talk = model.interview(n=1, among=range(1, 41), sure=True)
    first = talk[0].drop
    for _ in range(5):
        talk = talk.rate(talk[0].item, 3)
    assert talk[0].drop < first


def test_sure_asks_for_the_largest_drop_over_the_shelf(model):
    shelf = [2, 3, 5, 7, 11]
    talk = model.interview(n=1, among=shelf, sure=True)
    left = {
        item: np.mean([  # what is left of the variance of the shelf after that answer
            variance(model, talk.rate(item, 3), other) for other in shelf
        ])
        for item in shelf
    }  # fmt: skip
    assert left[talk[0].item] <= 1.02 * min(left.values())


def variance(model, talk, item):
    heard, row = talk._heard(), model.knowledge.item_ids.rows([item])
    f = model.posterior.items.draws[:, row[0]].astype(float)
    f[:, -1] = 1
    inverse = np.linalg.inv(heard.solved.precision)
    return np.einsum("td,tde,te->t", f, inverse, f).mean()


def test_answers_move_the_predictions_towards_them(model):
    before = model.interview().predict(range(1, 41))
    liked = model.interview(answers=dict.fromkeys(range(1, 9), 5.0)).predict(range(1, 41))
    hated = model.interview(answers=dict.fromkeys(range(1, 9), 1.0)).predict(range(1, 41))
    assert liked.mean() > before.mean() > hated.mean()


def test_the_model_stays_as_it_was(model):
    before = model.predict(range(1, 81), [5] * 80)
    model.interview().rate(5, 1).recommend()
    np.testing.assert_array_equal(model.predict(range(1, 81), [5] * 80), before)


def test_advice_is_sorted_bounded_and_leaves_out_what_was_answered(model):
    talk = model.interview(answers={1: 5, 2: 1, 3: 4})
    advice = talk.recommend(10, by="rating")
    ratings = [one.rating for one in advice]
    assert ratings == sorted(ratings, reverse=True)
    assert not {one.item for one in advice} & {1, 2, 3}
    for one in advice:
        assert 1 <= one.low <= one.rating <= one.high <= 5
        assert (one.because is None) == (one.pull == 0)
    ends = talk.predict([one.item for one in advice], interval=0.9)
    np.testing.assert_allclose(ends.low, [one.low for one in advice])


def test_pulls_are_what_the_answers_add(model):
    """With all else the same, the prediction is that of no deviations plus the pulls."""
    talk = model.interview(answers={1: 5, 2: 1, 3: 4})
    asker, heard = talk._asker, talk._heard()
    rows = np.arange(1, 41, dtype=np.int32)
    pulls = asker.pulls(heard, rows)
    solved = heard.solved
    bare = np.linalg.solve(solved.precision, solved.prior[:, :, None])[:, :, 0]
    p = np.einsum("tKk,tk->K", model.posterior.maps, bare[:, :-1]) / len(bare)
    base = model.trained.item_factors[rows] @ p + bare[:, -1].mean()
    base += model.trained.mean + model.trained.item_bias[rows]
    summed = base + [sum(one.values()) for one in pulls]
    np.testing.assert_allclose(heard.predict(rows, rows), summed, atol=1e-4)


def test_side_columns_are_heard(model):
    plain, told = model.interview(), model.interview(columns={"sex": "f"})
    assert (plain.predict(range(1, 41)) != told.predict(range(1, 41))).any()


def test_our_questions_tell_more_than_random_ones():
    """Four answers each, about items that the newcomer knows; RMSE of the other ratings."""
    made = pc.synthetic(n_users=400, n_items=80, n_ratings=16_000, factors=2, noise=0.3, seed=1)
    held = np.flatnonzero(np.bincount(made.user_rows) >= 30)[-60:]
    model = pc.MatrixFactorization(8, pc.Gibbs(rank=4, sweeps=60, burn_in=20, heads=16))
    model.fit(made.take(np.flatnonzero(~np.isin(made.user_rows, held))), progress=False)
    errors = {"ours": [], "random": [], "none": []}
    random = np.random.default_rng(0)
    for user in held:
        rows = random.permutation(np.flatnonzero(made.user_rows == user))
        items = made.item_ids.ids(made.item_rows[rows])
        test, truth = items[:10], made.values[rows[:10]]
        shelf = dict(zip(items[10:], made.values[rows[10:]].tolist(), strict=True))
        talk = none = model.interview(1, among=shelf, sure=True)
        for _ in range(4):
            talk = talk.rate(talk[0].item, shelf[talk[0].item])
        drawn = model.interview(1, answers=dict(list(shelf.items())[:4]))
        for name, one in (("ours", talk), ("random", drawn), ("none", none)):
            errors[name].append(np.mean((one.predict(test) - truth) ** 2))
    ours, drawn, none = (np.sqrt(np.mean(errors[name])) for name in errors)
    assert ours < 0.97 * drawn < 0.97 * none


class TestRefusals:
    def test_a_solver_without_a_posterior(self):
        model = pc.MatrixFactorization(4, pc.SGD(epochs=2)).fit(world(), progress=False)
        with pytest.raises(UnsupportedError, match=r"interview needs a posterior.*solver='gibbs'"):
            model.interview()

    @pytest.mark.parametrize("rating", [0, 6, float("nan"), "5", True, None])
    def test_a_rating_off_the_scale(self, model, rating):
        with pytest.raises(DataError, match=r"item 3 must lie on the scale 1 to 5|1 … 5|1–5"):
            model.interview().rate(3, rating)

    def test_an_unknown_item(self, model):
        with pytest.raises(UnknownIdError):
            model.interview().rate(999, 3)
        with pytest.raises(UnknownIdError):
            model.interview(unknown=[999])

    def test_an_item_both_answered_and_unknown(self, model):
        with pytest.raises(DataError, match="Item 3 is among the answers and among the unknown"):
            model.interview(answers={3: 4}, unknown=[3])

    def test_no_questions(self, model):
        with pytest.raises(SettingsError, match="n must be"):
            model.interview(n=0)

    def test_a_level_that_is_none(self, model):
        with pytest.raises(SettingsError, match="interval"):
            model.interview().recommend(interval=1.0)
