"""What explanations say: sums, what would be otherwise, and how they print."""

import dataclasses
import json
import unicodedata

import numpy as np
import pyarrow as pa
import pytest

import penchant as pc
from penchant.answers.explanation import Explanation, Reason, Term
from penchant.errors import DataError, SettingsError, UnknownIdError, UnsupportedError
from penchant.ratings import Ratings

QUICK = pc.Gibbs(rank=2, sweeps=12, burn_in=4, heads=4)
COLD_USER, COLD_ITEM = 7, 9


def world(low=1.0, high=5.0, *, tables=True):
    """Ratings with side tables and titles, one cold user and one cold item, on any scale."""
    made = pc.synthetic(n_users=40, n_items=30, n_ratings=700, factors=2, noise=0.4, seed=3)
    kept = (made.user_rows != COLD_USER) & (made.item_rows != COLD_ITEM)
    made = made.take(np.flatnonzero(kept))
    values = (low + (made.values - 1) / 4 * (high - low)).astype(np.float32)
    users = items = None
    if tables:
        random = np.random.default_rng(0)
        users = pa.table({
            "sex": [None, *random.choice(["f", "m"], 40)],
            "likes": [None, *([["art", "sport"], ["art"], None, ["sport"]] * 10)],
        })  # fmt: skip
        titles = [
            f"영화 {n}" if n % 2 else f"A film with a rather long title, part {n}"
            for n in range(30)
        ]
        items = pa.table({"title": [None, *titles]})
    return dataclasses.replace(
        made, values=values, scale=pc.Scale(low, high), user_table=users, item_table=items
    )


SOLVERS = {
    "gibbs": QUICK,
    "no bags": dataclasses.replace(QUICK, bags=False),
    "days": dataclasses.replace(QUICK, contexts=("day",)),
    "als": pc.ALS(rank=2, sweeps=4),
    "sgd": pc.SGD(epochs=3),
    "keras": pc.Keras(epochs=2),
    "bias": pc.Bias(),
}
KEPT = ("gibbs", "no bags", "days", "als")


@pytest.fixture(scope="module")
def models():
    train = world()
    return {
        name: pc.MatrixFactorization(4, solver, seed=0).fit(train, progress=False)
        for name, solver in SOLVERS.items()
    }


@pytest.fixture(scope="module")
def model(models):
    return models["gibbs"]


def predicted(model, user, item):
    """The unclipped prediction, as `predict` computes it before it clips."""
    known = model.knowledge
    rows = known.user_ids.rows([user]), known.item_ids.rows([item])
    return float(model.predictor.predict(*rows, None)[0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_terms_sum_to_the_unclipped_prediction(models, solver):
    model = models[solver]
    for user in (1, 2, 13, COLD_USER, 999):
        for item in (1, 5, 30, COLD_ITEM, 888):
            e = model.explain(user, item)
            assert e.total == pytest.approx(e.prediction, abs=1e-5)
            assert e.prediction == predicted(model, user, item)
            assert np.float32(e.rating) == model.predict([user], [item])[0]
            told = {term.kind: term.share for term in e.terms if term.kind != "side"}
            for kind in ("ratings", "rated") if e.reasons else ():
                field = {"ratings": "share", "rated": "rated"}[kind]
                assert told[kind] == pytest.approx(sum(getattr(r, field) for r in e.reasons))


@pytest.mark.parametrize(("low", "high"), [(-10.0, 10.0), (0.0, 1.0), (0.0, 1000.0)])
def test_they_do_on_other_scales(low, high):
    model = pc.MatrixFactorization(4, QUICK).fit(world(low, high, tables=False), progress=False)
    for user, item in ((1, 1), (5, 20), (999, 3)):
        e = model.explain(user, item)
        assert abs(e.total - e.prediction) < 1e-5 * max(1, (high - low) / 4)


def test_terms_are_the_parts_of_the_network(models):
    for name in SOLVERS:
        e, f = models[name].explain(3, 4), models[name].trained
        told = {term.kind: term.share for term in e.terms}
        assert told["mean"] == pytest.approx(f.mean, abs=1e-6)
        assert told["severity"] == pytest.approx(float(f.user_bias[3]), abs=1e-6)
        assert told["quality"] == pytest.approx(float(f.item_bias[4]), abs=1e-6)
        if name not in KEPT:
            assert told["learned"] == pytest.approx(f.user_factors[3] @ f.item_factors[4], abs=1e-6)
            assert any("keeps no account" in note for note in e.notes)


def test_reasons_are_the_users_ratings_the_strongest_first(model):
    train, e = world(), model.explain(3, 4)
    mine = train.user_rows == 3
    expected = dict(zip(np.array(train.items)[mine].tolist(), train.values[mine], strict=True))
    assert {reason.item: reason.rating for reason in e.reasons} == expected
    pulls = [abs(reason.share) for reason in e.reasons]
    assert pulls == sorted(pulls, reverse=True)
    titles = train.item_table["title"].to_pylist()
    assert all(reason.title == titles[reason.item] for reason in e.reasons)


def test_side_columns_have_a_term_each(model):
    labels = [t.label for t in model.explain(1, 2).terms if t.kind == "side"]
    table = world().user_table
    assert labels == [f"sex: {table['sex'][1].as_py()}", "likes: art, sport"]
    assert [t.label for t in model.explain(3, 2).terms if t.kind == "side"] == [
        f"sex: {table['sex'][3].as_py()}"
    ]
    cold = model.explain(COLD_USER, 2)
    kinds = [term.kind for term in cold.terms]
    assert kinds == ["mean", "severity", "quality", "side", "prior"]
    assert cold.notes == (f"The model has no ratings of user {COLD_USER}.",)


@pytest.mark.parametrize("solver", KEPT)
@pytest.mark.parametrize("rating", [1.0, 4.5, None])
def test_would_be_is_the_prediction_of_a_row_solved_with_that_rating(models, solver, rating):
    model, train = models[solver], world()
    e = model.explain(3, 4)
    item = e.reasons[2].item
    mine = np.flatnonzero(train.user_rows == 3)
    items, values = train.item_rows[mine], train.values[mine].astype(float)
    if solver == "days":
        values -= model.posterior.days(train.user_rows[mine], train.timestamps[mine])
    at = np.flatnonzero(items == item)[0]
    if rating is None:
        items, values = np.delete(items, at), np.delete(values, at)
    else:
        values[at] += rating - train.values[mine][at]
    encoder = model.posterior.users.encoder
    side = encoder.row({n: train.user_table[n][3].as_py() for n in ("sex", "likes")})
    row, f = model.posterior.row(items, values, side), model.trained
    expected = f.mean + row.bias + f.item_bias[4] + float(row.factors @ f.item_factors[4])
    assert e.would_be(item, rating) == pytest.approx(expected, abs=1e-5)
    assert e.would_be(item, rating) != pytest.approx(e.prediction, abs=1e-5)


def test_would_be_of_what_was_not_rated_and_of_what_is_so(model):
    e = model.explain(3, 4)
    for reason in e.reasons[:3]:
        assert e.would_be(reason.item, reason.rating) == pytest.approx(e.prediction, abs=1e-5)
    rated = {reason.item for reason in e.reasons}
    other = next(item for item in range(1, 31) if item not in rated and item != COLD_ITEM)
    changed = pc.MatrixFactorization(4, QUICK, seed=0).fit(world(), progress=False)
    changed.add_ratings([3], [other], [5.0])
    assert e.would_be(other, 5.0) == pytest.approx(predicted(changed, 3, 4), abs=1e-5)
    assert changed.explain(3, 4).would_be(other, None) == pytest.approx(e.prediction, abs=1e-5)


def test_a_model_that_has_changed_is_explained_as_it_is():
    model = pc.MatrixFactorization(4, QUICK, seed=0).fit(world(), progress=False)
    model.add_ratings([3, 77, 3], [4, 4, 555], [1.0, 5.0, 2.0])
    for user, item in ((3, 5), (77, 5), (3, 555), (77, 555)):
        e = model.explain(user, item)
        assert e.total == pytest.approx(e.prediction, abs=1e-5)
    assert {r.item: r.rating for r in model.explain(77, 1).reasons} == {4: 5.0}


def test_slopes_are_what_would_be_says_where_the_noise_weight_is_fixed():
    solver = dataclasses.replace(QUICK, weights=False)
    model = pc.MatrixFactorization(4, solver, seed=0).fit(world(), progress=False)
    e = model.explain(3, 4)
    for reason in e.reasons:
        step = 0.5 if reason.rating < 4 else -0.5
        moved = e.would_be(reason.item, reason.rating + step) - e.would_be(
            reason.item, reason.rating
        )
        assert moved == pytest.approx(step * reason.slope, abs=2e-5)


def test_days_are_a_term_where_a_time_is_given(models):
    model, train = models["days"], world()
    user, seconds = int(train.user_rows[0]), int(train.timestamps[0])
    plain, timed = model.explain(user, 2), model.explain(user, 2, timestamp=seconds)
    effect = float(model.posterior.days(train.user_rows[:1], train.timestamps[:1])[0])
    assert effect != 0
    assert timed.terms == (*plain.terms, Term("day", "the day", effect))
    assert timed.total == pytest.approx(timed.prediction, abs=1e-5)
    first = plain.reasons[0]
    difference = timed.would_be(first.item, 3.0) - plain.would_be(first.item, 3.0)
    assert difference == pytest.approx(effect)
    with pytest.raises(UnsupportedError, match="does not read timestamps"):
        models["gibbs"].explain(user, 2, timestamp=seconds)
    with pytest.raises(DataError, match="Timestamps must be seconds"):
        model.predict([user], [2], timestamps="yesterday")


def test_a_small_case_by_hand():
    """One head, no side information: a ridge regression that fits on one line."""
    train = Ratings.from_columns([1, 1, 2, 2, 3], [1, 2, 1, 3, 2], [5, 3, 2, 4, 1])
    solver = pc.ALS(rank=1, sweeps=3, bags=False, weights=False)
    model = pc.MatrixFactorization(1, solver, seed=0).fit(train, progress=False)
    p, e = model.posterior, model.explain(1, 3)
    q, b = p.items.draws[0, :, 0].astype(float), p.items.draws[0, :, 1].astype(float)
    L, m, a = p.users.precision[0].astype(float), p.users.mean[0].astype(float), float(p.alpha[0])
    F = np.array([[q[1], 1], [q[2], 1]])
    errors = np.array([5, 3]) - p.mean - b[1:3]
    row = np.linalg.solve(L + a * F.T @ F, L @ m + a * F.T @ errors)
    target = float(p.maps[0, 0, 0] * model.trained.item_factors[3, 0])
    g = target / (L[0, 0] + a * (q[1] ** 2 + q[2] ** 2))
    shares = {r.item: r.share for r in e.reasons}
    assert shares[1] == pytest.approx(a * g * q[1] * (errors[0] - row[1]), abs=1e-6)
    assert shares[2] == pytest.approx(a * g * q[2] * (errors[1] - row[1]), abs=1e-6)
    prior = g * (L[0, 0] * m[0] + L[0, 1] * (m[1] - row[1]))
    assert {t.kind: t.share for t in e.terms}["prior"] == pytest.approx(prior, abs=1e-6)


def test_strangers_and_unknown_items_are_told(model):
    e = model.explain(999, 888)
    assert [term.kind for term in e.terms] == ["mean", "severity", "quality", "prior"]
    assert e.terms[1].label == "a stranger's severity"
    assert e.terms[2].label == "an unknown item's quality"
    assert len(e.notes) == 2
    assert "never seen user 999" in e.notes[0]
    assert "never seen item 888" in e.notes[1]
    assert e.instead() is None


def test_it_prints_within_80_columns_and_aligned(models):
    for name in ("gibbs", "sgd"):
        text = str(models[name].explain(3, 5))
        cells = [sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line)
                 for line in text.splitlines()]  # fmt: skip
        assert max(cells) <= 80
    e = models["gibbs"].explain(3, 5)
    lines = str(e).splitlines()
    assert lines[0].startswith("User 3, A film with a rather long title, ")
    assert lines[0].endswith(f"… (item 5): {e.rating:.2f}")
    table = lines[2 : lines.index("", 2)]
    assert len({len(line) for line in table}) == 1, table  # no wide letters there: ends line up
    assert table[-1].startswith("together")
    first = e.reasons[0]
    assert f": {first.share:+.2f}" in str(e)
    assert "Had you given" in str(e)


def test_sentences_and_clipping():
    scale = pc.Scale(1, 5)
    reason = Reason(63, "쉬리", 5.0, 0.214, 0.01, 0.1)
    terms = (Term("mean", "the mean of all ratings", 3.5), Term("prior", "the prior", 1.75))
    e = Explanation("ann", 7, "Alien\n(1979)", scale, terms, (reason,), 5.25, 5.0, ("A note.",))
    assert str(e).splitlines() == [
        "User ann, Alien (1979) (item 7): 5.00",
        "",
        "what adds up                 share",
        "the mean of all ratings      +3.50",
        "the prior                    +1.75",
        "together                     +5.25",
        "clipped to the scale 1 to 5  +5.00",
        "",
        "You gave 쉬리 5 stars: +0.21",
        "A note.",
    ]
    with pytest.raises(UnsupportedError, match="can't tell what another rating would change"):
        e.would_be(63, 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.rating = 3.0


def test_json_is_plain_and_whole(models):
    for model in models.values():
        e = model.explain(3, 4)
        said = json.loads(json.dumps(e.to_json(), allow_nan=False))
        assert sum(term["share"] for term in said["terms"]) == pytest.approx(
            said["prediction"], abs=1e-5
        )
        assert len(said["reasons"]) == len(e.reasons)
        if e.reasons:
            instead = said["instead"]
            assert instead["prediction"] == e.would_be(instead["item"], instead["rating"])


@pytest.mark.parametrize(
    ("item", "rating", "error", "message"),
    [
        (
            1,
            6.0,
            SettingsError,
            "A rating lies on the scale 1 to 5, or is None for no rating; rece",
        ),
        (1, "5", SettingsError, "received '5'"),
        (1, float("nan"), SettingsError, "received nan"),
        (777, 3.0, UnknownIdError, "777"),
        (COLD_ITEM, None, UnknownIdError, "There is no rating of item 9 to leave out"),
    ],
)
def test_what_cannot_have_been_is_refused(model, item, rating, error, message):
    with pytest.raises(error, match=message):
        model.explain(3, 4).would_be(item, rating)


def test_a_saved_model_explains_to_the_same_bits(models, tmp_path):
    for name, model in models.items():
        model.save(tmp_path / name)
        opened = pc.open(tmp_path / name)
        for user, item in ((3, 4), (COLD_USER, 1), (999, 2)):
            assert opened.explain(user, item) == model.explain(user, item)
        model.save(tmp_path / f"{name} bare", ratings=False)
        bare = pc.open(tmp_path / f"{name} bare")
        assert bare.explain(999, 2) == model.explain(999, 2)
        if name in KEPT:
            with pytest.raises(UnsupportedError, match="saved without"):
                bare.explain(3, 4)
        else:
            told = dataclasses.replace(model.explain(3, 4), picked=None)  # by which picks is gone
            assert bare.explain(3, 4) == told
